# SPDX-License-Identifier: Apache-2.0
"""Strict sessions while capture is away: the supervisor holds them, and ends them when it stays away."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from proctor.captureproto.absence import RETURN_SECONDS, AbsenceMarks
from proctor.core.tasks import TaskSet, Threads

_log = logging.getLogger(__name__)
_threads = Threads("strict-sessions", 1)


class CaptureAbsence:
    """Monitors do this for sessions that have one; processes that outlived their session have no monitor."""

    def __init__(self, run: Path) -> None:
        """``run``: where capture leaves its state."""
        self._marks = AbsenceMarks(run)
        self._tasks = TaskSet("absence of capture")
        self._waiting: asyncio.Task[None] | None = None

    def begins(self) -> None:
        """Capture has ended, or does not start; once or several times."""
        if self._waiting is None:
            self._waiting = self._tasks.spawn(self._wait(), name="wait")

    def ends(self) -> None:
        """Capture is there, and lets go of whom it finds."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    async def _wait(self) -> None:
        await _threads.run(self._marks.hold)
        await asyncio.sleep(RETURN_SECONDS)
        _log.error("capture has not come back for %d seconds: strict sessions are ended", RETURN_SECONDS)
        await _threads.run(self._marks.end)
