"""The system calls of Linux that Python has no name for: namespaces, mounts, prctl."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Container
from pathlib import Path

CLONE_NEWNS = 0x00020000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT = 0x1, 0x2, 0x4, 0x20
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP = 1, 4, 24
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_LAST_CAPABILITY = Path("/proc/sys/kernel/cap_last_cap")

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Leave the namespaces that ``flags`` name. Raises OSError."""
    _check(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """Mount, bind, move or remount, as the system call of that name. Raises OSError."""
    result = _libc.mount(
        source.encode(), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), options.encode()
    )
    _check(result, f"mount {target}")


def _prctl(*arguments: int) -> None:
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:5]]
    _check(_libc.prctl(*padded), f"prctl {arguments[0]}")


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
