# SPDX-License-Identifier: Apache-2.0
"""Capabilities of a process, see capabilities(7): which it keeps, and which its programs may get."""

from __future__ import annotations

import ctypes
import enum
from pathlib import Path

from proctor.core import linux

_VERSION_3 = 0x20080522  # linux/capability.h


class Capability(enum.IntEnum):
    """Numbers of linux/capability.h."""

    CHOWN = 0
    DAC_OVERRIDE = 1
    DAC_READ_SEARCH = 2
    FOWNER = 3
    FSETID = 4
    KILL = 5
    SETGID = 6
    SETUID = 7
    SETPCAP = 8
    LINUX_IMMUTABLE = 9
    NET_BIND_SERVICE = 10
    NET_BROADCAST = 11
    NET_ADMIN = 12
    NET_RAW = 13
    IPC_LOCK = 14
    IPC_OWNER = 15
    SYS_MODULE = 16
    SYS_RAWIO = 17
    SYS_CHROOT = 18
    SYS_PTRACE = 19
    SYS_PACCT = 20
    SYS_ADMIN = 21
    SYS_BOOT = 22
    SYS_NICE = 23
    SYS_RESOURCE = 24
    SYS_TIME = 25
    SYS_TTY_CONFIG = 26
    MKNOD = 27
    LEASE = 28
    AUDIT_WRITE = 29
    AUDIT_CONTROL = 30
    SETFCAP = 31
    MAC_OVERRIDE = 32
    MAC_ADMIN = 33
    SYSLOG = 34
    WAKE_ALARM = 35
    BLOCK_SUSPEND = 36
    AUDIT_READ = 37
    PERFMON = 38
    BPF = 39
    CHECKPOINT_RESTORE = 40


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Set(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def keep(wanted: frozenset[Capability]) -> None:
    """Give up all capabilities but ``wanted``; of these, those that the process does not have stay away.

    Must run before any thread is started. A program that root executes afterwards has all that the bounding
    set allows. Raises OSError.
    """
    mask = of_process()["CapPrm"] & sum(1 << capability for capability in wanted)
    words = (_Set * 2)()
    for index, word in enumerate(words):
        word.effective = word.permitted = mask >> (32 * index) & 0xFFFFFFFF
    header = _Header(_VERSION_3, 0)
    linux.checked(linux.libc.capset(ctypes.byref(header), words), "capset")


def bound(wanted: frozenset[Capability]) -> None:
    """Never have others than ``wanted`` again, whatever is executed. Raises OSError."""
    linux.limit_capability_bounds(set(map(int, wanted)))


def of_process(pid: int | str = "self") -> dict[str, int]:
    """``CapInh``, ``CapPrm``, ``CapEff``, ``CapBnd`` and ``CapAmb`` of a process, as masks."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    pairs = (line.split(":", 1) for line in lines if line.startswith("Cap"))
    return {name: int(value, 16) for name, value in pairs}


def names(mask: int) -> list[str]:
    """The capabilities in a mask, by number; of newer kernels their numbers."""
    numbers = (number for number in range(mask.bit_length()) if mask >> number & 1)
    return [Capability(number).name if number in _KNOWN else str(number) for number in numbers]


_KNOWN = frozenset(map(int, Capability))
