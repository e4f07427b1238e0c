# SPDX-License-Identifier: Apache-2.0
"""Holding strict sessions while capture is behind, so that nothing of theirs is lost.

A hold is the cgroup's freezer: processes stop within a system call, and go on when the backlog has gone.
Processes that left the cgroup are moved back into it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from proctor.core.clock import Clock
from proctor.core.errors import Unavailable

_log = logging.getLogger(__name__)
_HOLD, _LET_GO = b"1", b"0"
_FILE = "cgroup.freeze"


class Watermarks(NamedTuple):
    """Hold above ``high`` bytes of backlog, let go at ``low``."""

    high: int
    low: int

    def hold(self, backlog: int, *, held: bool) -> bool:
        """Is a session to be held, which is now ``held`` or not?"""
        return backlog > (self.low if held else self.high)


class Limits(NamedTuple):
    """``shared``: for records of all sessions that are not events yet; ``own``: for a session's events."""

    shared: Watermarks = Watermarks(high=8 << 20, low=1 << 20)
    own: Watermarks = Watermarks(high=8 << 20, low=1 << 20)

    def hold(self, shared: int, own: int, *, held: bool) -> bool:
        """Is a session to be held, which is now ``held`` or not?"""
        return self.shared.hold(shared, held=held) or self.own.hold(own, held=held)


class FreezeInterval(NamedTuple):
    """A session was held: since when, for how long, and how many bytes were waiting then."""

    time: datetime
    milliseconds: int
    backlog: int


class Throttle:
    """The freezer of one session's cgroup."""

    def __init__(
        self, cgroup: Path, clock: Clock, limits: Limits, bring_back: Callable[[], None] = lambda: None
    ) -> None:
        """``bring_back``: called when the cgroup is frozen.

        Raises Unavailable when the kernel has no freezer there.
        """
        try:
            self._file = os.open(cgroup / _FILE, os.O_WRONLY | os.O_CLOEXEC)
        except OSError as error:
            raise Unavailable(f"a strict session could not be held: {_FILE}: {error.strerror}") from None
        self._clock = clock
        self._limits = limits
        self._bring_back = bring_back
        self._since: tuple[float, datetime, int] | None = None
        self.holds = 0
        self.milliseconds = 0
        """Of holds that have ended."""

    @property
    def held(self) -> bool:
        """Is the session held now?"""
        return self._since is not None

    def review(self, shared: int, own: int) -> FreezeInterval | None:
        """Hold the session or let it go, as the backlog demands; a hold that has ended is returned."""
        hold = self._limits.hold(shared, own, held=self.held)
        if hold and not self.held:
            self._hold(shared + own)
        elif self.held and not hold:
            return self.let_go()
        return None

    def take_over(self, since: float) -> None:
        """The session is held already, since then (in seconds since 1970), by somebody else."""
        moment = datetime.fromtimestamp(since, UTC)
        past = max(self._clock.now() - moment, timedelta())
        self._since = self._clock.monotonic() - past.total_seconds(), moment, 0

    def leave(self) -> None:
        """Release the freezer, which stays as it is."""
        os.close(self._file)

    def let_go(self) -> FreezeInterval | None:
        """Let the session go, if it is held."""
        if self._since is None:
            return None
        self._write(_LET_GO)
        start, moment, backlog = self._since
        self._since = None
        held = FreezeInterval(moment, round((self._clock.monotonic() - start) * 1000), backlog)
        self.holds += 1
        self.milliseconds += held.milliseconds
        return held

    def close(self) -> None:
        """Let the session go for good."""
        self.let_go()
        os.close(self._file)

    def _hold(self, backlog: int) -> None:
        self._since = self._clock.monotonic(), self._clock.now(), backlog
        self._write(_HOLD)
        self._bring_back()

    def _write(self, value: bytes) -> None:
        try:
            os.write(self._file, value)
        except OSError as error:
            _log.error("cgroup.freeze: %s", error.strerror)
