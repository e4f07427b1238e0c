# SPDX-License-Identifier: Apache-2.0
"""Writing to disk so that a crash leaves the old or the new, never a part, and what is promised fits."""

from __future__ import annotations

import contextlib
import errno
import logging
import os

from proctor.core import linux

_STEP = 16 << 10
_UNSUPPORTED = {errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
_UNCHANGED = (-1, -1)
_log = logging.getLogger(__name__)


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
        # Not when nothing was written: truncating frees the blocks that are reserved behind the end.
        if os.fstat(descriptor).st_size > size:
            os.ftruncate(descriptor, size)
        raise
    return size + len(data)


class Reserve:
    """Blocks of an open file that are allocated behind its end, so that writing there cannot fail for space.

    They belong to the file: unlike a file that is removed when the disk is full, no other file can take them.
    File systems without fallocate(2) (some network file systems) reserve nothing, which is logged.
    """

    def __init__(self) -> None:
        self.end = 0
        """Offset up to which blocks are allocated."""

    def ensure(self, descriptor: int, size: int, end: int) -> None:
        """Allocate ``[size, end)`` of a file that has ``size`` bytes, and some more if that is easy.

        Raises OSError (ENOSPC, EDQUOT, EROFS, …).
        """
        if end <= self.end:
            return
        try:
            self._allocate(descriptor, size, end + _STEP)
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            self._allocate(descriptor, size, end)

    def _allocate(self, descriptor: int, size: int, end: int) -> None:
        try:
            linux.allocate(descriptor, size, end - size)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            _log.warning("no space can be reserved: this file system has no fallocate")
        self.end = end


def sync_directory(path: str | os.PathLike[str], *, directory: int | None = None) -> None:
    """Make names created in or removed from the directory at ``path`` survive a power failure.

    ``directory``: an open one that ``path`` is relative to.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(
    path: str | os.PathLike[str],
    content: bytes,
    *,
    mode: int = 0o600,
    owner: tuple[int, int] = _UNCHANGED,
    directory: int | None = None,
    sync: bool = True,
) -> None:
    """Put ``content`` at ``path``, all or nothing; OSError leaves what was there.

    ``owner``: uid and gid, -1 for those of the process. ``directory``: an open one that ``path`` is relative
    to; no file or link that is there is followed or used. With ``sync`` the replacement survives a power
    failure, else a crash of the process.
    """
    parent, name = os.path.split(path)
    fresh = os.path.join(parent, f".{name}.{os.getpid()}.new")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(fresh, dir_fd=directory)
    try:
        _write_new(fresh, content, mode, owner, directory=directory, sync=sync)
        os.rename(fresh, path, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(fresh, dir_fd=directory)
        raise
    if sync:
        sync_directory(parent or ".", directory=directory)


def _write_new(
    path: str, content: bytes, mode: int, owner: tuple[int, int], *, directory: int | None, sync: bool
) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600, dir_fd=directory)
    try:
        write_at(descriptor, content, 0)
        if owner != _UNCHANGED:
            os.fchown(descriptor, *owner)
        os.fchmod(descriptor, mode)
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_small(path: str | os.PathLike[str], limit: int = 1 << 20) -> bytes:
    """The content of a file whose name a user has given: a device may have no end. Raises OSError.

    ``limit``: in bytes.
    """
    with open(path, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), os.fspath(path))
    return content
