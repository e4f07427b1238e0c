# SPDX-License-Identifier: Apache-2.0
"""One file opened through io_uring, by bare system calls. Standard library only."""

from __future__ import annotations

import ctypes
import mmap
import os
import struct

from proctor.core import linux

_SETUP, _ENTER = 425, 426
_PARAMETERS = struct.Struct("=10I10I10I")
_ENTRY = struct.Struct("=BBHiQQIIQ24x")
_RING, _ENTRIES = 0, 0x10000000
_OPENAT = 18
_AT_FDCWD = -100
_WAIT_FOR_RESULT = 1


def open_file(path: str) -> None:
    """Create ``path`` by a request to io_uring. Raises OSError when the kernel does not allow it."""
    parameters = ctypes.create_string_buffer(_PARAMETERS.size)
    ring = _call(_SETUP, 1, parameters)
    try:
        _submit(ring, parameters.raw, path)
    finally:
        os.close(ring)


def _submit(ring: int, parameters: bytes, path: str) -> None:
    values = struct.unpack("=30I", parameters)
    submission, completion = values[10:20], values[20:30]
    name = ctypes.create_string_buffer(os.fsencode(path))
    flags = os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC
    address = ctypes.addressof(name)
    request = _ENTRY.pack(_OPENAT, 0, 0, _AT_FDCWD, 0, address, 0o600, flags, 0)
    size = max(submission[6] + 4 * values[0], completion[5] + 16 * values[1])
    with mmap.mmap(ring, size, offset=_RING) as queue, mmap.mmap(ring, 64, offset=_ENTRIES) as entries:
        entries[: len(request)] = request
        struct.pack_into("=I", queue, submission[6], 0)
        struct.pack_into("=I", queue, submission[1], 1)
        _call(_ENTER, ring, 1, 1, _WAIT_FOR_RESULT, None, 0)
        _, result, _ = struct.unpack_from("=QiI", queue, completion[5])
    if result < 0:
        raise OSError(-result, os.strerror(-result), path)
    os.close(result)


def _call(number: int, *arguments: object) -> int:
    return linux.checked(linux.libc.syscall(number, *arguments))
