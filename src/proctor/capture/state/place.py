"""Where state is kept that outlives the capture process, not the machine: two file systems of our own."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from pathlib import Path
from typing import NamedTuple

from proctor.capture.state.pins import MEMBERS, Pins
from proctor.core.errors import Unavailable

_NOSUID, _NODEV, _NOEXEC = 2, 4, 8
_DETACH = 2
_MODE = 0o700


class _Mount(NamedTuple):
    kind: bytes
    path: Path
    options: bytes


class Place:
    """Below ``run``, for root only: ``bpf``, where programs are pinned, and ``capture``, files in memory."""

    def __init__(self, run: Path) -> None:
        self.files = run / "capture"
        self._kernel = run / "bpf"
        self._mounts = (
            _Mount(b"bpf", self._kernel, b"mode=0700"),
            _Mount(b"tmpfs", self.files, b"mode=0700"),
        )

    def pins(self, generation: int) -> Pins:
        """Where programs of this generation are pinned."""
        return Pins(self._kernel / str(generation))

    def keep_only(self, generation: int | None) -> None:
        """Let go of all other generations, which are detached by that."""
        for path in self._generations():
            if path.name != str(generation):
                Pins(path).remove()

    def members(self) -> bytes:
        """The processes of all sessions: ``abi.MEMBER`` for each thread. Raises OSError."""
        for path in self._generations():
            with contextlib.suppress(FileNotFoundError):
                return Pins(path).link(MEMBERS).read_bytes()
        raise FileNotFoundError(errno.ENOENT, "no programs are pinned", str(self._kernel))

    def _generations(self) -> list[Path]:
        """The newest first. The kernel has files of its own in the file system."""
        found = [path for path in self._kernel.iterdir() if path.name.isdecimal()]
        return sorted(found, key=lambda path: -int(path.name))

    def prepare(self) -> None:
        """Mount what is not mounted. Raises Unavailable."""
        for mount in self._mounts:
            try:
                mount.path.mkdir(mode=_MODE, exist_ok=True)
                if _mounted(mount.path) != mount.kind.decode():
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
            while _mounted(mount.path) == mount.kind.decode():
                _checked(_libc().umount2(os.fsencode(mount.path), _DETACH), mount.path)
            with contextlib.suppress(FileNotFoundError):
                mount.path.rmdir()


def _mount(mount: _Mount) -> None:
    flags = _NOSUID | _NODEV | _NOEXEC
    path = os.fsencode(mount.path)
    _checked(_libc().mount(b"proctor", path, mount.kind, flags, mount.options), mount.path)


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


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, path: Path) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(path))
