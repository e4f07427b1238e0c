# SPDX-License-Identifier: Apache-2.0
"""The system calls of Linux that Python has no name for: namespaces, mounts, prctl, fallocate, statfs."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Container
from pathlib import Path

CLONE_NEWNS = 0x00020000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 0x1, 0x2, 0x4, 0x8, 0x20
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
_MNT_DETACH, _FALLOC_FL_KEEP_SIZE = 2, 1
_STATFS_WORDS = 32
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP = 1, 4, 24
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_LAST_CAPABILITY = Path("/proc/sys/kernel/cap_last_cap")

libc = ctypes.CDLL(None, use_errno=True)
"""The C library, for system calls that one module alone makes; ``checked`` raises what they report."""


def checked(result: int, what: str | os.PathLike[str] = "") -> int:
    """Return ``result`` of a call of ``libc``; OSError, with ``what`` as filename, when it is negative."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), *filter(None, [os.fspath(what)]))
    return result


def unshare(flags: int) -> None:
    """Leave the namespaces that ``flags`` name. Raises OSError."""
    checked(libc.unshare(flags), "unshare")


def mount(source: str, target: str | os.PathLike[str], kind: str, flags: int, options: str = "") -> None:
    """Mount, bind, move or remount, as the system call of that name. Raises OSError."""
    result = libc.mount(
        source.encode(), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), options.encode()
    )
    checked(result, target)


def detach(target: str | os.PathLike[str]) -> None:
    """Unmount ``target``, from which open files stay usable. Raises OSError."""
    checked(libc.umount2(os.fsencode(target), _MNT_DETACH), target)


def filesystem(path: str | os.PathLike[str]) -> int:
    """The magic number of the file system at ``path``: ``f_type`` of statfs(2). Raises OSError."""
    buffer = (ctypes.c_long * _STATFS_WORDS)()
    checked(libc.statfs(os.fsencode(path), ctypes.byref(buffer)), path)
    return int(buffer[0])


def allocate(descriptor: int, offset: int, length: int) -> None:
    """Allocate blocks of an open file without changing its size: fallocate(2). Raises OSError."""
    arguments = ctypes.c_long(offset), ctypes.c_long(length)
    while True:
        try:
            checked(libc.fallocate(descriptor, _FALLOC_FL_KEEP_SIZE, *arguments))
        except InterruptedError:
            continue
        return


def _prctl(*arguments: int) -> None:
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:5]]
    checked(libc.prctl(*padded), f"prctl {arguments[0]}")


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this process a signal when its parent ends; a change of uid undoes it."""
    _prctl(_PR_SET_PDEATHSIG, signal_number)


def forbid_new_privileges() -> None:
    """Make set-uid bits and file capabilities mean nothing for this process and its children."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def forbid_dumps() -> None:
    """No core dumps, and no other process of the same uid may look into this one."""
    _prctl(_PR_SET_DUMPABLE, 0)


def limit_capability_bounds(kept: Container[int] = ()) -> None:
    """Drop every capability but ``kept`` from the bounding set, all from the ambient; needs CAP_SETPCAP."""
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(int(_LAST_CAPABILITY.read_text()) + 1):
        if capability not in kept:
            _prctl(_PR_CAPBSET_DROP, capability)
