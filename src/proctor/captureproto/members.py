# SPDX-License-Identifier: Apache-2.0
"""All processes of a session, held or killed: found by lineage, wherever root may have moved them.

Whoever is outside the session's cgroup is moved back into it, which is frozen. A stop signal would not
hold: a process can have a timer send itself SIGCONT, and the kernel sends it to process groups that lose
their parent. A frozen process does nothing, so that no process of the session can move it out again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from proctor.captureproto import cgroup
from proctor.core.clock import SYSTEM

SECONDS = 5.0
"""How long freezing or killing may take: processes that fork meanwhile are found in another round."""

_PAUSE = 0.002
_log = logging.getLogger(__name__)
_CELL = "held"

MEMBER_FIELDS = (("session", "I"), ("process", "I"), ("delegation", "I"))
MEMBER = struct.Struct("=" + "".join(code for _, code in MEMBER_FIELDS))
"""``struct member`` of ``bpf/include/control.h``: a thread of a session, as the iterator lists it."""

Listing = Callable[[], bytes]
"""Reads the list of ``MEMBER``. Raises OSError."""


class SessionProcesses(NamedTuple):
    """The processes of the session with this number, whose cgroup is at ``home``."""

    number: int
    home: Path
    listing: Listing

    def all(self) -> set[int]:
        """Numbers of all processes that are alive. Raises OSError when they cannot be listed."""
        found = MEMBER.iter_unpack(self.listing())
        return {process for session, process, _ in found if session == self.number}

    def hold(self) -> None:
        """Freeze all of them; who can neither be frozen nor moved is killed."""
        with contextlib.suppress(OSError):
            self.home.mkdir(parents=True, exist_ok=True)
        cgroup.freeze(self.home)
        self.bring_back()

    def bring_back(self) -> None:
        """Move those outside into the session's cgroup, until none is outside."""
        try:
            self._until_none(self._outside, self._move)
        except OSError as error:
            _log.error("processes outside the cgroup %s cannot be held: %s", self.home, error)

    def kill(self) -> bool:
        """Kill all of them; False when some are left after ``SECONDS``, or cannot be listed."""
        cgroup.kill(self.home)
        try:
            return self._until_none(self.all, _kill)
        except OSError as error:
            _log.error("processes outside the cgroup %s cannot be killed: %s", self.home, error)
            return False

    def _until_none(self, find: Callable[[], set[int]], act: Callable[[int, int], None]) -> bool:
        """Do ``act`` with number and pidfd of each that ``find`` finds, again and again."""
        deadline = SYSTEM.monotonic() + SECONDS
        while found := find():
            if SYSTEM.monotonic() > deadline:
                _log.error("processes of the session in %s resist: %s", self.home, sorted(found))
                return False
            with contextlib.ExitStack() as stack:
                opened = dict(_open(found, stack))
                for pid in (
                    opened.keys() & self.all()
                ):  # those whose number was not given to another meanwhile
                    act(pid, opened[pid])
            select.select([], [], [], _PAUSE)
        return True

    def _outside(self) -> set[int]:
        return self.all() - set(_inside(self.home))

    def _move(self, pid: int, pidfd: int) -> None:
        """A cgroup below the session's takes processes whatever root has made of the session's own."""
        cell = self.home / _CELL
        try:
            cell.mkdir(exist_ok=True)
            cgroup.enter(cell, pid)
        except OSError as error:
            _log.error("process %d left the cgroup %s, and is killed: %s", pid, self.home, error)
            _kill(pid, pidfd)


def _open(pids: set[int], stack: contextlib.ExitStack) -> Iterator[tuple[int, int]]:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            pidfd = os.pidfd_open(pid)
            stack.callback(os.close, pidfd)
            yield pid, pidfd


def _inside(home: Path) -> Iterator[int]:
    for directory in cgroup.below(home):
        with contextlib.suppress(OSError):
            yield from map(int, (directory / "cgroup.procs").read_text().split())


def _kill(pid: int, pidfd: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
