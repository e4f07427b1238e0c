# SPDX-License-Identifier: Apache-2.0
"""A monitor's connection to capture, over the end of one capture process and the start of the next."""

from __future__ import annotations

import logging
import select
from pathlib import Path

from proctor.captureproto.absence import RETURN_SECONDS, AbsenceMarks
from proctor.captureproto.client import SessionCapture
from proctor.captureproto.members import SessionProcesses
from proctor.core.clock import SYSTEM
from proctor.core.errors import Unavailable
from proctor.model.network import NetworkPolicy

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_log = logging.getLogger(__name__)


class Captured:
    """One session. While capture is away, a strict one is held; the kernel goes on recording it."""

    def __init__(
        self, sid: str, capture: SessionCapture, run: Path, cgroup: Path, *, strict: bool, limited: bool
    ) -> None:
        """``run``: where capture leaves its state. ``limited``: the session ends when capture stays away."""
        self._sid = sid
        self._capture = capture
        self._marks = AbsenceMarks(run)
        self._members = self._marks.members(capture.number, cgroup)
        self._strict = strict
        self._limited = limited
        self._poll: select.poll | None = None
        self._left: float | None = None
        self._asking = False
        self._next = 0.0
        self._pause = _FIRST_PAUSE

    @property
    def members(self) -> SessionProcesses:
        """The processes of the session."""
        return self._members

    def watch(self, poll: select.poll) -> None:
        """From now on be registered with ``poll`` whenever there is a connection."""
        self._poll = poll
        poll.register(self._capture, select.POLLIN)

    def fileno(self) -> int:
        """Of the connection; -1 while there is none."""
        return self._capture.fileno() if self._left is None or self._asking else -1

    def ready(self) -> None:
        """The connection is readable: capture has ended, or answers again.

        Raises Unavailable when it knows nothing of the session.
        """
        if not self._asking:
            _log.warning("capture has ended; session %s waits for the next", self._sid)
            self._lose()
        elif self._capture.resumed():
            _log.info("capture goes on with session %s", self._sid)
            self._left, self._asking, self._pause = None, False, _FIRST_PAUSE
        else:
            self._disconnect()

    def _lose(self) -> None:
        self._left = self._next = SYSTEM.monotonic()
        self._disconnect()
        if self._strict:
            self._marks.hold(self._sid)

    def _disconnect(self) -> None:
        if self._poll is not None and self.fileno() >= 0:
            self._poll.unregister(self._capture)
        self._asking = False
        self._capture.disconnect()

    @property
    def wait(self) -> float | None:
        """In how many seconds ``attempt`` is to be called; None while capture is there."""
        if self._left is None or (self._asking and not self._limited):
            return None
        return max(0.0, (self._deadline if self._asking else self._next) - SYSTEM.monotonic())

    @property
    def _deadline(self) -> float:
        return (self._left or 0.0) + RETURN_SECONDS

    def attempt(self) -> None:
        """Call a capture that takes over. Raises Unavailable when there has been none for too long."""
        if self._left is None:
            return
        now = SYSTEM.monotonic()
        if self._limited and now >= self._deadline:
            raise Unavailable(f"capture has not come back for {RETURN_SECONDS:.0f} seconds")
        if self._asking or now < self._next:
            return
        self._next, self._pause = now + self._pause, min(self._pause * 2, _LONGEST_PAUSE)
        if self._capture.call_again():
            self._asking = True
            if self._poll is not None:
                self._poll.register(self._capture, select.POLLIN)

    def restrict(self, network: NetworkPolicy | None) -> None:
        """Have ``network`` hold from now on; waits for capture. Raises Unavailable when it does not."""
        self._limited = self._strict or network is not None
        self._insist()
        self._capture.restrict(self._sid, network)
        if self._left is not None and self._poll is not None:
            self._left = None
            self._poll.register(self._capture, select.POLLIN)

    def close(self) -> None:
        """The drain barrier; waits for capture. Raises Unavailable when it does not come back."""
        self._insist()
        try:
            self._capture.close(self._sid)
        finally:
            self._capture.disconnect()

    def _insist(self) -> None:
        """What was asked may have no answer: begin from the start."""
        if self._left is not None:
            self._disconnect()

    def give_up(self) -> None:
        """The session is not recorded any more."""
        self._left = self._left or SYSTEM.monotonic()
        self._disconnect()
