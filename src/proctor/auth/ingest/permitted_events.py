# SPDX-License-Identifier: Apache-2.0
"""Events that a host may deliver, by its role, and the times that they may have."""

from __future__ import annotations

from datetime import timedelta

from proctor.model.event import Event
from proctor.model.events import (
    EVENTS,
    SCP_DISALLOWED,
    SFTP_DISALLOWED,
    AuthAttempt,
    ClientDisconnect,
    Port,
    SessionAttestation,
    SessionEnd,
    SessionFreeze,
    SessionLedger,
    SessionLoss,
    SessionRejected,
    SessionStart,
)
from proctor.model.identity import SystemRole

CLOCK_TOLERANCE = timedelta(minutes=15)
"""How far the clock of a host may be ahead, or may be set back within a session."""


def _names(*kinds: type[Event]) -> frozenset[str]:
    return frozenset(kind.EVENT for kind in kinds)


CONNECTION_EVENTS = _names(AuthAttempt, SessionRejected, Port, ClientDisconnect)
"""About a connection: these have no ``sid``."""

KERNEL_EVENTS = frozenset(name for name, kind in EVENTS.items() if kind.SOURCE == "kernel")

REFUSALS = frozenset({SCP_DISALLOWED, SFTP_DISALLOWED})
"""Codes of events about a file copy that was refused: there is no session, and no ``sid``."""

LATE_EVENTS = KERNEL_EVENTS | _names(SessionLoss, SessionLedger, SessionFreeze)
"""May follow ``session.end``: what processes do that outlive the session, and what was lost."""

ONCE = _names(SessionAttestation, SessionStart, SessionEnd)
"""At most one of each in a session; with the first of them it becomes known."""

STATED_BY: dict[SystemRole, frozenset[str]] = {
    role: frozenset(name for name, kind in EVENTS.items() if kind.CODES and emitter in kind.EMITTERS)
    for role, emitter in ((SystemRole.NODE, "node"), (SystemRole.PROXY, "proxy"))
}
"""Of the events of the log, those that a host with this role emits (``by`` in ``schema/events.toml``).

All other events are the auth service's own word.
"""
