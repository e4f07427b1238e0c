# SPDX-License-Identifier: Apache-2.0
"""The cgroup tree of sessions: ``<mount>/<root_path>/<run id>/<sid>``."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from proctor.core import linux
from proctor.core.clock import SYSTEM
from proctor.core.errors import BadRequest, Unavailable

_CGROUP2_MAGIC = 0x63677270
_MODE = 0o555
_FREEZE, _FROZEN, _THAWED = "cgroup.freeze", b"1", b"0"
_REPAIRS = 2
"""One for each reason why a cgroup cannot be made: no parent, a limit."""

_ENTRY_SECONDS = 10.0
"""A younger cgroup without processes may be that of a session which is about to begin."""


class SessionCgroup(NamedTuple):
    """A session's cgroup: where it is, and its kernel id, the ``cgroup_id`` of events."""

    path: Path
    id: int


class CgroupTree:
    """Cgroups of one run of the node; every operation needs root."""

    def __init__(self, mount: str | Path, root_path: str, run_id: str) -> None:
        """``mount``: the cgroup2 hierarchy, mounted by ``prepare`` when it is not; ``root_path`` is below it.

        Raises BadRequest when ``run_id`` is not a UUID or ``root_path`` leaves the hierarchy.
        """
        parts = Path(root_path.strip("/")).parts
        if ".." in parts:
            raise BadRequest(f"root_path {root_path!r} leaves the cgroup hierarchy")
        self.mount = Path(mount)
        self.root = self.mount.joinpath(*parts, _uuid(run_id))

    def prepare(self) -> None:
        """Mount the hierarchy if need be and make the directory of this run; raises Unavailable."""
        try:
            mount_cgroup2(self.mount)
        except OSError as error:
            raise Unavailable(
                f"no cgroup2 hierarchy at {self.mount}: {error.strerror}",
                hint="Point ssh_service.enhanced_recording.cgroup_path to where one is or can be mounted.",
            ) from None
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=_MODE)
        except OSError as error:
            raise _refused(self.root, error) from None

    def create(self, sid: str) -> SessionCgroup:
        """Make the cgroup of session ``sid``; raises BadRequest (not a UUID) or Unavailable.

        A hierarchy that was unmounted and parent directories that were removed are made again. At the
        kernel's limits of descendants and depth (EAGAIN), empty cgroups of ended sessions are removed.
        """
        path = self.root / _uuid(sid)
        try:
            self._make(path)
        except OSError as error:
            raise _refused(path, error) from None
        return SessionCgroup(path, path.stat().st_ino)

    def _make(self, path: Path) -> None:
        for _ in range(_REPAIRS):
            try:
                path.mkdir(mode=_MODE)
            except FileNotFoundError:
                self.prepare()
            except BlockingIOError:
                self.sweep(_ENTRY_SECONDS)
            else:
                return
        path.mkdir(mode=_MODE)

    def restore(self) -> None:
        """Mount the hierarchy again if it was unmounted, so that cgroups are found by their paths.

        Raises Unavailable.
        """
        if not self.root.exists():
            self.prepare()

    def sweep(self, least_age: float = 0.0) -> None:
        """Remove cgroups without processes that were last changed ``least_age`` seconds ago or more."""
        with contextlib.suppress(OSError):  # monitors remove cgroups at the same time
            for cgroup in self.root.iterdir():
                if cgroup.is_dir() and _age(cgroup) >= least_age and not is_populated(cgroup):
                    remove(cgroup)

    def remove(self, sid: str) -> bool:
        """Remove the cgroup of ``sid`` with all below it; False when processes are still in it."""
        return remove(self.root / _uuid(sid))

    def close(self) -> None:
        """Remove what this run has made and is empty."""
        if self.root.exists():
            for child in self.root.iterdir():
                if child.is_dir():
                    remove(child)
        directory = self.root
        with contextlib.suppress(OSError):
            while directory != self.mount:
                directory.rmdir()
                directory = directory.parent


def _age(path: Path) -> float:
    """Seconds since ``path`` was last changed; 0 when it is gone."""
    try:
        return SYSTEM.now().timestamp() - path.stat().st_ctime
    except FileNotFoundError:
        return 0.0


def _refused(path: Path, error: OSError) -> Unavailable:
    if error.errno == errno.EAGAIN:
        return Unavailable(
            f"cannot make the cgroup {path}: a parent allows no more cgroups below it",
            hint="Raise cgroup.max.descendants and cgroup.max.depth of its parents, or end sessions.",
        )
    return Unavailable(f"cannot make the cgroup {path}: {error.strerror}")


def enter(cgroup: Path, pid: int = 0) -> None:
    """Put process ``pid`` (0: the caller) into ``cgroup``."""
    (cgroup / "cgroup.procs").write_text(str(pid))


def is_populated(cgroup: Path) -> bool:
    """Does a process live in ``cgroup`` or below it? False when the cgroup is gone."""
    try:
        events = (cgroup / "cgroup.events").read_text()
    except FileNotFoundError:
        return False
    return "populated 1" in events.splitlines()


def kill(cgroup: Path) -> None:
    """Kill whoever is in ``cgroup`` or below it, held or not; a kernel before 5.14 cannot."""
    with contextlib.suppress(OSError):
        (cgroup / "cgroup.kill").write_text("1")


def is_frozen(cgroup: Path) -> bool:
    """Is whoever is in ``cgroup`` held, or to be held? Raises OSError."""
    return (cgroup / _FREEZE).read_bytes().strip() == _FROZEN


def freeze(cgroup: Path) -> None:
    """Hold whoever is in ``cgroup`` or below it."""
    with contextlib.suppress(OSError):
        (cgroup / _FREEZE).write_bytes(_FROZEN)


def thaw(cgroup: Path) -> None:
    """Let go whoever is held in ``cgroup`` or below it."""
    for directory in below(cgroup):
        with contextlib.suppress(OSError), (directory / _FREEZE).open("r+b", buffering=0) as file:
            file.write(_THAWED)


def below(cgroup: Path) -> list[Path]:
    """``cgroup`` and all below it, each before those below it.

    Root in a session nests them as deep as it likes: ``os.walk`` raises RecursionError then. What has too
    long a path is left out.
    """
    found = [cgroup]
    for directory in found:
        with contextlib.suppress(OSError), os.scandir(directory) as entries:
            found += [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    return found


def remove(cgroup: Path) -> bool:
    """Remove ``cgroup`` and those below it, deepest first; False when processes are still in one."""
    try:
        for directory in reversed(below(cgroup)):
            os.rmdir(directory)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def mount_cgroup2(mount: Path) -> None:
    """Mount the cgroup2 hierarchy at ``mount`` unless it is there; raises OSError."""
    mount.mkdir(parents=True, exist_ok=True)
    if linux.filesystem(mount) == _CGROUP2_MAGIC:
        return
    linux.mount("cgroup2", mount, "cgroup2", 0)


def mounted(preferred: Path) -> Path:
    """Return the mount point of the cgroup2 hierarchy: ``preferred`` if there, or when there is none."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    found = [Path(mount) for _, mount, kind, *_ in mounts if kind == "cgroup2"]
    return preferred if preferred in found or not found else found[0]


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise BadRequest(f"not a UUID: {text!r}") from None


def below_mount(mount: Path, text: str, number: int) -> Path:
    """The cgroup at ``text`` whose id is ``number``; raises BadRequest unless it is one below ``mount``."""
    path = Path(text)
    if ".." in path.parts or not path.is_relative_to(mount):
        raise BadRequest(f"cgroup {path} is not below {mount}")
    try:
        found = path.stat().st_ino
    except OSError as error:
        raise BadRequest(f"cgroup {path}: {error.strerror}") from None
    if found != number:
        raise BadRequest(f"cgroup {path} has id {found}, not {number}")
    return path
