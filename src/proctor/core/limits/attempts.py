# SPDX-License-Identifier: Apache-2.0
"""Attempts of the unauthenticated in the audit log: the first ones each, of a flood their number."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from proctor.core.clock import Clock
from proctor.core.errors import ProctorError
from proctor.core.limits.rates import RateLimit, network_of

SUMMARY_SECONDS = 60.0
_ALL = "all"
_log = logging.getLogger(__name__)


class Attempt(Protocol):
    """An audit event that counts: ``attempts`` is how many it stands for, 0 for one."""

    attempts: int


class AttemptLog:
    """Decides which failed attempts get an event of their own.

    A network has ``burst`` at once and then one in ten seconds, all networks together ten times that. The
    others are counted: each SUMMARY_SECONDS ``emit`` gets the last of each kind, with their number. Belongs
    to one event loop.
    """

    def __init__(self, emit: Callable[[Any], object], clock: Clock, *, burst: int = 20) -> None:
        self._emit = emit
        self._networks = RateLimit(clock, burst=burst, per_second=0.1)
        self._together = RateLimit(clock, burst=10 * burst, per_second=1.0)
        self._held: dict[type[Attempt], Attempt] = {}
        self._timer: asyncio.TimerHandle | None = None

    def admits(self, attempt: Attempt, address: str) -> bool:
        """Is this failed attempt from ``address`` to be emitted by itself? Else it is counted."""
        if not self._networks.take(network_of(address)) and not self._together.take(_ALL):
            return True
        before = self._held.get(type(attempt))
        attempt.attempts = (before.attempts if before else 0) + 1
        self._held[type(attempt)] = attempt
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SUMMARY_SECONDS, self.flush)
        return False

    def flush(self) -> None:
        """Emit what was counted."""
        held, self._held = self._held, {}
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for attempt in held.values():
            try:
                self._emit(attempt)
            except ProctorError as error:
                _log.error("%d failed attempts are not in the audit log: %s", attempt.attempts, error)
