"""Names, codes and fields of all audit events; the source of the tables in docs/audit-events.md.

``python -m proctor.audit.catalogue < docs/audit-events.md`` prints that page brought up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from proctor.model.catalogue import EVENTS, codes_of
from proctor.model.events import (
    SFTP_ACTIONS,
    SFTP_DISALLOWED,
    ConnectedPart,
    Event,
    ResourcePart,
    SessionPart,
    Sftp,
    UserPart,
)
from proctor.model.kernel_events import EnhancedPart

TABLES = "## All events\n"
"""The heading that the tables follow in the document."""

SEVERITIES = {"I": "information", "W": "warning", "E": "error", "S": "information"}
_RECORDING_ONLY = ("print",)
BLOCKS: dict[str, type[Event]] = {
    "kernel": EnhancedPart,
    "connection": ConnectedPart,
    "session": SessionPart,
    "resource": ResourcePart,
    "user": UserPart,
}
"""Fields that events share; an event has the first block that it derives from, which includes its parents."""

_SFTP_CODES = (f"TS001 to TS{len(SFTP_ACTIONS):03d}, each I or E", SFTP_DISALLOWED)


@dataclass(frozen=True)
class CatalogueEntry:
    """One kind of audit event: its codes, its block of shared fields (or none), and its own fields."""

    name: str
    struct: type[Event]
    codes: tuple[str, ...]
    block: str
    fields: tuple[str, ...]


def catalogue() -> Iterator[CatalogueEntry]:
    """Every event of the audit log, in order of code."""
    for name, struct in sorted(EVENTS.items(), key=lambda item: item[1].CODE):
        if name in _RECORDING_ONLY:
            continue
        codes = _SFTP_CODES if name == Sftp.EVENT else codes_of(name)
        block = next((block for block, part in BLOCKS.items() if issubclass(struct, part)), "")
        shared = _json_names(BLOCKS.get(block, Event))
        own = tuple(field for field in _json_names(struct) if field not in shared)
        yield CatalogueEntry(name, struct, codes, block, own)


def severity(code: str) -> str:
    """``information``, ``warning`` or ``error``, from the last letter of a code."""
    return SEVERITIES.get(code[-1:], "information")


def _json_names(struct: type[Event]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(struct)]


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def render() -> str:
    """The tables as Markdown: blocks of fields, then events."""
    rows = ["| block | fields |", "|---|---|", f"| every event | `event`, {_quoted(_json_names(Event))} |"]
    for block, part in BLOCKS.items():
        own = [name for name in _json_names(part) if name not in _json_names(Event)]
        rows.append(f"| {block} | {_quoted(own)} |")
    rows += ["", "| event | codes | meaning | block | further fields |", "|---|---|---|---|---|"]
    for entry in catalogue():
        meaning = (entry.struct.__doc__ or "").split("\n", 1)[0].replace("``", "`")
        codes = ", ".join(entry.codes)
        rows.append(f"| `{entry.name}` | {codes} | {meaning} | {entry.block} | {_quoted(entry.fields)} |")
    return "\n".join(rows) + "\n"


def updated(document: str) -> str:
    """``document`` with the tables after its line TABLES brought up to date."""
    return document.partition(TABLES)[0] + TABLES + "\n" + render()


if __name__ == "__main__":
    sys.stdout.write(updated(sys.stdin.read()))
