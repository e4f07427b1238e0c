# SPDX-License-Identifier: Apache-2.0
"""The spawner's view of its monitors: a session does not outlive the process that watches it.

A monitor says over a socket pair what it has started and when that has ended. When a monitor dies
between the two (SIGKILL, the kernel's OOM killer, a crash), the spawner hangs up and kills the session.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec

from proctor.captureproto.absence import AbsenceMarks
from proctor.captureproto.cgroup import CgroupTree, thaw
from proctor.core import wire
from proctor.core.errors import Unavailable
from proctor.model.serde import convert, to_builtins
from proctor.spawner import timeouts

MAX_STOPS = 20
"""How often a stopped monitor is continued; whoever stops it more often is not to win."""

_log = logging.getLogger(__name__)


class MonitoredProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A session's process. ``pid``: of its process group, too. ``immediate``: no hang-up before the kill.

    ``number``: of the session in the kernel, when it is recorded.
    """

    sid: str
    pid: int
    cgroup: str = ""
    number: int = 0
    immediate: bool = False


class Report:
    """The monitor's end of the socket pair."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def started(self, running: MonitoredProcess, pidfd: int) -> None:
        """The process exists, and has not executed anything yet. Raises OSError."""
        wire.send(self._connection, to_builtins(running), [pidfd])

    def finished(self) -> None:
        """The session is over; from now on this monitor may end as it likes."""
        with contextlib.suppress(OSError):  # the spawner may have ended
            wire.send(self._connection, {})


class Orphan:
    """A session whose monitor has died."""

    def __init__(self, running: MonitoredProcess, pidfd: int, how: str) -> None:
        self.running = running
        self.how = how
        self._pidfd = pidfd

    def terminate(self, tree: CgroupTree | None, run: Path) -> None:
        """End all of its processes: SIGHUP, then SIGKILL; returns when the first of them has ended.

        ``run``: where capture leaves its state.
        """
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        cgroup = Path(self.running.cgroup) if self.running.cgroup else None
        if tree is not None and cgroup is not None:
            with contextlib.suppress(Unavailable):
                tree.restore()
        if not self.running.immediate:
            if cgroup is not None:
                thaw(cgroup)
            self._signal(poll, signal.SIGHUP)
            self._signal(poll, signal.SIGCONT)
            poll.poll(timeouts.HANGUP * 1000)
        if cgroup is not None:
            AbsenceMarks(run).members(self.running.number, cgroup).kill()
        self._signal(poll, signal.SIGKILL)
        poll.poll(timeouts.HANGUP * 1000)
        if tree is not None and cgroup is not None:
            tree.remove(self.running.sid)

    def _signal(self, poll: select.poll, number: int) -> None:
        """Signal the process group while its leader lives, and its number cannot be another's."""
        if not poll.poll(0):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.running.pid, number)

    def close(self) -> None:
        """Release the descriptor."""
        os.close(self._pidfd)


class Monitors:
    """Those that have not been waited for, by process id."""

    def __init__(self) -> None:
        self._connections: dict[int, socket.socket] = {}
        self._stops: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def add(self, pid: int, connection: socket.socket) -> None:
        """The monitor ``pid`` reports on ``connection``."""
        self._connections[pid] = connection

    def forget(self) -> None:
        """Close all connections: for a fork, which is no spawner."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def wait(self) -> Iterator[Orphan]:
        """Take notice of all children that have changed; the sessions that have lost their monitor."""
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG | os.WUNTRACED))[0]:
                pid, status = found
                if os.WIFSTOPPED(status):
                    self._continue(pid)
                elif orphan := self._ended(pid, status):
                    yield orphan

    def _continue(self, pid: int) -> None:
        """Continue a stopped monitor: its session cannot be hung up while it is stopped."""
        self._stops[pid] = self._stops.get(pid, 0) + 1
        patient = self._stops[pid] <= MAX_STOPS
        _log.error("the monitor %d was stopped; it is %s", pid, "continued" if patient else "killed")
        os.kill(pid, signal.SIGCONT if patient else signal.SIGKILL)

    def _ended(self, pid: int, status: int) -> Orphan | None:
        self._stops.pop(pid, None)
        connection = self._connections.pop(pid, None)
        if connection is None:
            return None
        with connection:
            connection.setblocking(False)
            orphan = _unfinished(connection, _how(status))
        if orphan is not None:
            _log.error("the monitor %d of session %s %s", pid, orphan.running.sid, orphan.how)
        return orphan


def _unfinished(connection: socket.socket, how: str) -> Orphan | None:
    """The session of a dead monitor, when it has one that has not finished."""
    if (first := _next(connection)) is None:
        return None
    message, descriptors = first
    if len(descriptors) != 1:
        return None
    (pidfd,) = descriptors
    orphan = Orphan(convert(message, MonitoredProcess), pidfd, how)
    if _next(connection) is None:
        return orphan
    orphan.close()
    return None


def _next(connection: socket.socket) -> tuple[wire.Message, list[int]] | None:
    """Read the messages of a dead monitor; one that died while writing had not let its session begin."""
    try:
        return wire.receive(connection)
    except (OSError, wire.FrameError):
        return None


def _how(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"was killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"ended with status {os.waitstatus_to_exitcode(status)}"
