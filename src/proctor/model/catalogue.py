"""All audit events there are, by name."""

from __future__ import annotations

import proctor.model.kernel_events  # noqa: F401 - its events count too
from proctor.model.events import (
    SCP_CODES,
    SCP_DISALLOWED,
    SFTP_ACTIONS,
    SFTP_DISALLOWED,
    Event,
    Port,
    Scp,
    Sftp,
    sftp_code,
)


def _subclasses(kind: type[Event]) -> list[type[Event]]:
    return [kind, *(sub for child in kind.__subclasses__() for sub in _subclasses(child))]


EVENTS: dict[str, type[Event]] = {kind.EVENT: kind for kind in _subclasses(Event) if kind.EVENT}
"""Event name to struct, for the log and the docs."""

PORT_CLOSED = "T3003S"
_SFTP_CODES = tuple(
    sftp_code(action, failed=failed) for action in range(1, len(SFTP_ACTIONS) + 1) for failed in (False, True)
)
_MORE_CODES: dict[str, tuple[str, ...]] = {
    Scp.EVENT: (*SCP_CODES["download"], *SCP_CODES["upload"], SCP_DISALLOWED),
    Sftp.EVENT: (*_SFTP_CODES, SFTP_DISALLOWED),
    Port.EVENT: (Port.CODE, Port.FAILURE_CODE, PORT_CLOSED),
}


def codes_of(name: str) -> tuple[str, ...]:
    """All codes that an event of this name may carry; none for what is in recordings only."""
    kind = EVENTS[name]
    return _MORE_CODES.get(name, tuple(filter(None, (kind.CODE, kind.FAILURE_CODE))))
