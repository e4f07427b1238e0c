# SPDX-License-Identifier: Apache-2.0
"""Irrevocably drop root in services that parse network input.

It starts as root, makes the few paths that it needs reachable in a mount namespace of its own (the
installation may live below a directory such as /root that is closed to others), and then gives up
every privilege. The rest of the file system stays as it is, with the rights of an ordinary user.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path

import proctor
from proctor.core import linux
from proctor.core.errors import ProctorError
from proctor.runtime.privileges.service_users import ServiceUser


class SandboxError(ProctorError):
    """The privileges of a service could not be reduced."""


def enter(account: ServiceUser, writable: Sequence[Path], readable: Sequence[Path] = ()) -> None:
    """Become ``account`` irrevocably; a no-op but for hardening when not started by root.

    ``writable`` and ``readable`` stay reachable, next to the Python installation, whatever the mode
    of the directories above them. Must run before any thread is started. Raises SandboxError.
    """
    os.umask(0o077)
    os.chdir("/")
    if os.geteuid() == 0:
        try:
            _make_reachable(account, writable, [*installation(), *readable])
            _drop_privileges(account)
        except OSError as error:
            raise SandboxError(f"cannot enter the sandbox: {error}") from None
    linux.forbid_new_privileges()
    linux.forbid_dumps()


def installation() -> list[Path]:
    """Directories that a Python process of this installation reads code from."""
    paths = [sys.prefix, sys.base_prefix, sysconfig.get_path("platlib"), sysconfig.get_path("purelib")]
    paths += [str(Path(proctor.__file__).parent), str(Path(sys.executable).parent), *filter(None, sys.path)]
    return _without_nested(Path(path).resolve() for path in paths)


def closed_ancestor(path: Path, account: ServiceUser) -> Path | None:
    """The first directory on the way to ``path`` (itself not included) that ``account`` cannot enter."""
    for ancestor in reversed(path.parents):
        status = ancestor.stat()
        if status.st_uid == account.uid:
            allowed = status.st_mode & 0o100
        elif status.st_gid == account.gid:
            allowed = status.st_mode & 0o010
        else:
            allowed = status.st_mode & 0o001
        if not allowed:
            return ancestor
    return None


def _make_reachable(account: ServiceUser, writable: Sequence[Path], readable: Sequence[Path]) -> None:
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", "", linux.MS_REC | linux.MS_PRIVATE)
    wanted: dict[Path, list[Path]] = {}
    changeable = {path.resolve() for path in writable}
    for path in _without_nested([*changeable, *(path.resolve() for path in readable)]):
        closed = closed_ancestor(path, account)
        if closed is not None:
            wanted.setdefault(closed, []).append(path)
    for closed, paths in wanted.items():
        _replace(closed, {path: path in changeable for path in paths})


def _replace(closed: Path, paths: dict[Path, bool]) -> None:
    """Put an empty directory over ``closed`` in which ``paths`` alone are found again."""
    sources = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in paths}
    linux.mount("tmpfs", str(closed), "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=0755")
    for path, changeable in paths.items():
        if os.path.isdir(f"/proc/self/fd/{sources[path]}"):
            _directory(path)
        else:
            _directory(path.parent)
            path.touch(mode=0o600)
        flags = linux.MS_BIND | linux.MS_REC
        linux.mount(f"/proc/self/fd/{sources[path]}", str(path), "", flags)
        os.close(sources[path])
        if not changeable:
            flags = linux.MS_BIND | linux.MS_REMOUNT | linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV
            linux.mount("none", str(path), "", flags)
    linux.mount(
        "none", str(closed), "", linux.MS_REMOUNT | linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV
    )


def _directory(path: Path) -> None:
    for ancestor in (*reversed(path.parents), path):
        if not ancestor.exists():
            ancestor.mkdir()
            ancestor.chmod(0o755)


def _drop_privileges(account: ServiceUser) -> None:
    linux.limit_capability_bounds()
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    if account.uid == 0:
        raise SandboxError("a service that parses the network must not run as root")
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    capabilities = [status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")]
    if any(int(value, 16) for value in capabilities) or _can_return():
        raise SandboxError("privileges remain after they were given up")


def _can_return() -> bool:
    try:
        os.setresuid(0, 0, 0)
    except PermissionError:
        return False
    return True


def _without_nested(paths: Iterable[Path]) -> list[Path]:
    kept: list[Path] = []
    for path in sorted(set(paths)):
        if path.exists() and not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return kept
