# SPDX-License-Identifier: Apache-2.0
"""Can this machine load BPF programs at all? Asked of the kernel itself, not of our own loader."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from pathlib import Path

BTF = Path("/sys/kernel/btf/vmlinux")
_BPF_SYSCALL = {"x86_64": 321, "aarch64": 280}
_BPF_PROG_LOAD = 5
_RAW_TRACEPOINT = 17
_RETURN_ZERO = struct.pack("<BBhiBBhi", 0xB7, 0, 0, 0, 0x95, 0, 0, 0)


def obstacle() -> str:
    """Why no BPF program can be loaded here; empty when one just was."""
    if os.geteuid() != 0:
        return "not root"
    if not BTF.exists():
        return f"the kernel has no type information ({BTF})"
    number = _BPF_SYSCALL.get(platform.machine())
    if number is None:
        return f"no support for {platform.machine()}"
    return _load(number)


def _load(number: int) -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    program = ctypes.create_string_buffer(_RETURN_ZERO)
    licence = ctypes.create_string_buffer(b"GPL")
    addresses = ctypes.addressof(program), ctypes.addressof(licence)
    attributes = ctypes.create_string_buffer(struct.pack("<IIQQ", _RAW_TRACEPOINT, 2, *addresses), 128)
    descriptor = libc.syscall(number, _BPF_PROG_LOAD, attributes, 128)
    if descriptor < 0:
        return f"the kernel refuses to load a BPF program: {os.strerror(ctypes.get_errno())}"
    os.close(descriptor)
    return ""
