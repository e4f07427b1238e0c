# SPDX-License-Identifier: Apache-2.0
"""What a host's administrator sees in ``bpftool prog list`` and ``bpftool map list``."""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path

import pytest

from proctor.capture.kernel.extension import native
from proctor.capture.kernel.loader import OBJECTS, RingSizes
from proctor.capture.kernel.object_selection import load

BPF_OBJ_GET_INFO_BY_FD, SYS_BPF = 15, 321
PROG_NAME_OFFSET, MAP_NAME_OFFSET, NAME_BYTES = 64, 24, 16
"""Of ``name`` in ``struct bpf_prog_info`` and ``struct bpf_map_info`` (include/uapi/linux/bpf.h)."""

CONSTANTS = ".rodata.cst"
"""Of the compiler, which chooses the name of their section."""

SMALL = RingSizes(4096, 4096, 4096)
libc = ctypes.CDLL(None, use_errno=True)


def kernel_name(descriptor: int, offset: int) -> str:
    """The name that the kernel keeps of a program or a map, of at most 15 bytes."""
    info = ctypes.create_string_buffer(256)
    attributes = ctypes.create_string_buffer(
        struct.pack("=IIQ", descriptor, len(info), ctypes.addressof(info)), 16
    )
    if libc.syscall(SYS_BPF, BPF_OBJ_GET_INFO_BY_FD, attributes, len(attributes)):
        raise OSError(code := ctypes.get_errno(), os.strerror(code))
    return info.raw[offset : offset + NAME_BYTES].split(b"\0")[0].decode()


def test_objects_in_the_kernel_are_recognised() -> None:
    loaded = load(SMALL)
    handles = loaded.programs._handles
    opened = handles.owner[0]  # type: ignore[index]

    for name, descriptor in handles.programs.items():
        assert kernel_name(descriptor, PROG_NAME_OFFSET) == name
    for name in opened.maps():
        assert kernel_name(opened.map(name), MAP_NAME_OFFSET) == name


@pytest.mark.parametrize("path", sorted(OBJECTS.glob("*.bpf.o")), ids=lambda path: path.name)
def test_no_name_is_cut_by_the_kernel(path: Path) -> None:
    opened = native().Object(str(path))
    names = [*opened.programs(), *opened.maps()]

    assert not [name for name in names if len(name) >= NAME_BYTES]
    assert not [name for name in names if not name.startswith(("proctor", ".rodata.proctor", CONSTANTS))]
