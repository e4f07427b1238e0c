# SPDX-License-Identifier: Apache-2.0
"""Two file systems for state that outlives the capture process, but not the machine."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple

from proctor.capture.state.pins import Pins
from proctor.captureproto.state import StatePaths
from proctor.core import linux
from proctor.core.errors import Unavailable

_MODE = 0o700


class _Mount(NamedTuple):
    kind: str
    path: Path
    options: str


class StateDirectory:
    """Below ``run``, for root only: ``bpf``, where programs are pinned, and ``capture``, files in memory."""

    def __init__(self, run: Path) -> None:
        self._paths = StatePaths(run)
        self.files = self._paths.files
        self._mounts = (
            _Mount("bpf", self._paths.programs, "mode=0700"),
            _Mount("tmpfs", self.files, "mode=0700"),
        )

    def pins(self, generation: int) -> Pins:
        """Return the directory of the programs pinned by this generation."""
        return Pins(self._paths.programs / str(generation))

    def keep_only(self, generation: int | None) -> None:
        """Let go of all other generations, which are detached by that."""
        for path in self._paths.generations():
            if path.name != str(generation):
                Pins(path).remove()

    def prepare(self) -> None:
        """Mount what is not mounted. Raises Unavailable."""
        for mount in self._mounts:
            try:
                mount.path.mkdir(mode=_MODE, exist_ok=True)
                if _mounted(mount.path) != mount.kind:
                    _mount(mount)
            except OSError as error:
                raise Unavailable(
                    f"the state of sessions cannot be kept at {mount.path}: {error.strerror}",
                    hint="Capture needs to mount file systems (bpf and tmpfs) below the data directory.",
                ) from None

    def discard(self) -> None:
        """Let go of all: programs are detached, files removed, file systems unmounted. Raises OSError."""
        if _mounted(self._mounts[0].path) == "bpf":
            self.keep_only(None)
        for mount in self._mounts:
            while _mounted(mount.path) == mount.kind:
                linux.detach(mount.path)
            with contextlib.suppress(FileNotFoundError):
                mount.path.rmdir()


def _mount(mount: _Mount) -> None:
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("proctor", mount.path, mount.kind, flags, mount.options)


def _mounted(path: Path) -> str:
    """The type of the file system that is mounted at ``path`` itself, empty when none is."""
    found = ""
    wanted = _escaped(path.resolve())
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        if fields.split()[4] == wanted:
            found = rest.split()[0]  # the last one is on top
    return found


def _escaped(path: Path) -> str:
    """As mountinfo spells it (proc_pid_mountinfo(5))."""
    return "".join(f"\\{ord(one):03o}" if one in " \t\n\\" else one for one in str(path))
