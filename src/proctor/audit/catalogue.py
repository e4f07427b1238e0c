"""Names, codes and fields of all audit events; the source of the table in docs/audit-events.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from proctor.model.events import EVENTS, SCP_CODES, SCP_DISALLOWED, SFTP_ACTIONS, SFTP_DISALLOWED, Event

SEVERITIES = {"I": "information", "W": "warning", "E": "error", "S": "information"}
_RECORDING_ONLY = ("print",)
_MORE_CODES = {
    "scp": (*SCP_CODES["download"], *SCP_CODES["upload"], SCP_DISALLOWED),
    "sftp": (f"TS001–TS{len(SFTP_ACTIONS):03d} I or E", SFTP_DISALLOWED),
    "port": ("T3003I", "T3003E", "T3003S"),
}


@dataclass(frozen=True)
class Entry:
    """One kind of audit event."""

    name: str
    struct: type[Event]
    codes: tuple[str, ...]
    fields: tuple[str, ...]
    """JSON names without those that every event has."""

    @property
    def ours(self) -> bool:
        """Is this an event that Teleport does not have?"""
        return self.codes[0].startswith("TP")


def catalogue() -> Iterator[Entry]:
    """Every event of the audit log, in order of code."""
    common = set(_json_names(Event))
    for name, struct in sorted(EVENTS.items(), key=lambda item: item[1].CODE):
        if name in _RECORDING_ONLY:
            continue
        codes = _MORE_CODES.get(name, tuple(filter(None, (struct.CODE, struct.FAILURE_CODE))))
        fields = tuple(field for field in _json_names(struct) if field not in common)
        yield Entry(name, struct, codes, fields)


def severity(code: str) -> str:
    """``information``, ``warning`` or ``error``, from the last letter of a code."""
    return SEVERITIES.get(code[-1:], "information")


def _json_names(struct: type[Event]) -> list[str]:
    return sorted(field.encode_name for field in msgspec.structs.fields(struct))


def render() -> str:
    """The table as Markdown."""
    rows = ["| event | codes | meaning | fields |", "|---|---|---|---|"]
    for entry in catalogue():
        meaning = " ".join((entry.struct.__doc__ or "").split("\n", 1)[0].split())
        codes = ", ".join(entry.codes)
        fields = ", ".join(f"`{field}`" for field in entry.fields)
        rows.append(f"| `{entry.name}` | {codes} | {meaning} | {fields} |")
    return "\n".join(rows) + "\n"
