# SPDX-License-Identifier: Apache-2.0
"""Strict sessions while no capture runs: what anybody who is alive then can do about them.

Capture leaves a mark for each strict session. The programs stay in the kernel, with a list of all
processes of sessions that can be read without capture.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from proctor.captureproto.members import SessionProcesses
from proctor.captureproto.state import StatePaths
from proctor.core.durable import replace_file
from proctor.core.errors import Corrupted
from proctor.model.serde import from_json, to_json

RETURN_SECONDS = 15.0
"""How long capture may be away before strict sessions are ended.

For as long it waits, once it is back, for the monitors of its sessions: those without one are closed.
"""

_HELD = ".held"


class Mark(msgspec.Struct, frozen=True):
    """A strict session."""

    sid: str
    number: int
    cgroup: str


class AbsenceMarks:
    """The marks of one agent, below its directory ``run``."""

    def __init__(self, run: Path) -> None:
        paths = StatePaths(run)
        self._listing = paths.members
        self._directory = paths.files / "strict"

    def add(self, mark: Mark) -> None:
        """From now on the session is held when capture ends. Raises OSError."""
        self._directory.mkdir(exist_ok=True, mode=0o700)
        replace_file(self._directory / mark.sid, to_json(mark), sync=False)

    def remove(self, sid: str) -> None:
        """The session is over."""
        for name in (sid, sid + _HELD):
            (self._directory / name).unlink(missing_ok=True)

    def begin(self, sid: str) -> None:
        """The session is held from now on, unless it has been before."""
        with contextlib.suppress(FileExistsError):
            (self._directory / (sid + _HELD)).touch(exist_ok=False)

    def held_since(self, sid: str) -> float | None:
        """Since when the session is held, in seconds since 1970; None when it is not."""
        try:
            return (self._directory / (sid + _HELD)).stat().st_mtime
        except FileNotFoundError:
            return None

    def let_go(self, sid: str) -> None:
        """The session is not held any more."""
        (self._directory / (sid + _HELD)).unlink(missing_ok=True)

    def hold(self, sid: str = "") -> None:
        """Freeze all processes of every strict session, or of this one."""
        for mark in self._all(sid):
            self.begin(mark.sid)
            self.members(mark.number, Path(mark.cgroup)).hold()

    def end(self, sid: str = "") -> None:
        """Kill all processes of every strict session, or of this one."""
        for mark in self._all(sid):
            self.members(mark.number, Path(mark.cgroup)).kill()

    def members(self, number: int, cgroup: Path) -> SessionProcesses:
        """The processes of a session, strict or not."""
        return SessionProcesses(number, cgroup, self._listing)

    def _all(self, sid: str) -> Iterator[Mark]:
        if not self._directory.is_dir():
            return
        for path in sorted(self._directory.iterdir()):
            if not path.suffix and sid in ("", path.name):
                with contextlib.suppress(FileNotFoundError, Corrupted):
                    yield from_json(path.read_bytes(), Mark)
