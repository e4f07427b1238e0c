"""Which events a host may state, by its role, and when an event may have happened."""

from __future__ import annotations

from datetime import timedelta

from proctor.model import kernel_events as kernel
from proctor.model.catalogue import EVENTS
from proctor.model.events import (
    AuditGap,
    AuthAttempt,
    ClientDisconnect,
    Event,
    Exec,
    Port,
    Resize,
    Scp,
    SessionData,
    SessionEnd,
    SessionLeave,
    SessionRejected,
    SessionStart,
    Sftp,
    SftpSummary,
    Subsystem,
)
from proctor.model.identity import SystemRole

CLOCK_TOLERANCE = timedelta(minutes=15)
"""How far the clock of a host may be ahead, or may be set back within a session."""


def _names(*kinds: type[Event]) -> frozenset[str]:
    return frozenset(kind.EVENT for kind in kinds)


CONNECTION_EVENTS = _names(AuthAttempt, SessionRejected, Port, ClientDisconnect)
"""About a connection: these have no ``sid``."""

OPENING_EVENTS = _names(SessionStart, Exec, Scp, Sftp, SftpSummary, Subsystem)
"""With one of these a session becomes known: one without terminal and capture has no ``session.start``."""

KERNEL_EVENTS = frozenset(name for name, kind in EVENTS.items() if issubclass(kind, kernel.EnhancedPart))

LATE_EVENTS = KERNEL_EVENTS | _names(kernel.SessionLoss, kernel.SessionLedger, kernel.SessionFreeze)
"""May follow ``session.end``: what processes do that outlive the session, and what was lost."""

ONCE = _names(SessionStart, SessionEnd)
"""At most one of each in a session."""

STATED_BY: dict[SystemRole, frozenset[str]] = {
    SystemRole.NODE: CONNECTION_EVENTS
    | OPENING_EVENTS
    | LATE_EVENTS
    | ONCE
    | _names(AuditGap, Resize, SessionData, SessionLeave),
    SystemRole.PROXY: _names(AuthAttempt, AuditGap),
}
"""All other events are the auth service's own word."""
