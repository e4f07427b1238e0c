"""Writing to disk so that a crash leaves the old or the new, never a part."""

from __future__ import annotations

import os
from pathlib import Path


def write_at(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of ``data`` at ``offset``; OSError when the disk does not take it."""
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def append_at(descriptor: int, data: bytes, size: int, *, sync: bool = False) -> int:
    """Write ``data`` at ``size``, the end of a file; returns the new size. OSError leaves it as it was."""
    try:
        write_at(descriptor, data, size)
        if sync:
            os.fdatasync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise
    return size + len(data)


def sync_directory(directory: Path) -> None:
    """Make names created in or removed from ``directory`` survive a power failure."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Put ``content`` at ``path`` durably, all or nothing."""
    fresh = path.with_name(f".{path.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(fresh, flags, mode)
    try:
        os.fchmod(descriptor, mode)
        write_at(descriptor, content, 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.replace(path)
    sync_directory(path.parent)
