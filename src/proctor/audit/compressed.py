# SPDX-License-Identifier: Apache-2.0
"""Finished days of the audit log, compressed so that any part can be read without the rest.

``python -P -m proctor.audit.compressed FILE`` compresses a day, in a process of its own and with the lowest
priority.

A file is a sequence of gzip members (RFC 1952), so ``zcat`` and ``zgrep`` read it. Each of the first members
holds ``BLOCK`` bytes of the day, the last of them fewer. Then come members without content whose extra fields
(section 2.3.1.1) hold, under the id ``PT``, the compressed length of each block (32 bits), and, in the last
member, under ``PD``: ``BLOCK``, the size of the content, its number of lines, where the table begins, and its
SHA-256. All numbers are little-endian.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import struct
import sys
import zlib
from array import array
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from zlib import decompress

from proctor.core.durable import sync_directory, write_at

SUFFIX = ".gz"
BLOCK = 64 << 10
LEVEL = 6
_WINDOW_OF_GZIP = 31  # zlib's wbits for a gzip header and trailer
_FEXTRA, _UNIX = 4, 3
_MOST_LENGTHS = 16_000
"""Of one member: an extra field has at most 65535 bytes."""

_ABOUT = struct.Struct("<IQQQ32s")
_HEADER = struct.Struct("<2sBBIBBH2sH")
_EMPTY = b"\x03\x00" + bytes(8)  # an empty deflate block, then CRC-32 and size of nothing
_LAST = _HEADER.size + _ABOUT.size + len(_EMPTY)


class About(NamedTuple):
    """The last member."""

    block: int
    size: int
    lines: int
    table: int
    sha256: bytes


def compressed_path(path: Path) -> Path:
    """Return the path of the compressed form of the day file ``path``."""
    return path.with_name(path.name + SUFFIX)


class CompressedDay:
    """An open compressed day; offsets are those of its content. OSError (EIO) when it is damaged."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        self._held = (-1, b"")
        try:
            self.about = self._last_member()
            self._starts = self._table()
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> int:
        """Bytes of content."""
        return self.about.size

    def _damaged(self) -> OSError:
        return OSError(errno.EIO, f"{self._name} is damaged")

    def _last_member(self) -> About:
        end = os.fstat(self._descriptor).st_size
        tag, content = self._extra(max(0, end - _LAST))
        if tag != b"PD" or len(content) != _ABOUT.size:
            raise self._damaged()
        about = About(*_ABOUT.unpack(content))
        if about.block <= 0 or about.table > end:
            raise self._damaged()
        return about

    def _extra(self, offset: int) -> tuple[bytes, bytes]:
        head = os.pread(self._descriptor, _HEADER.size, offset)
        if len(head) < _HEADER.size:
            raise self._damaged()
        magic, method, flags, *_, tag, length = _HEADER.unpack(head)
        if magic != b"\x1f\x8b" or method != zlib.DEFLATED or flags != _FEXTRA:
            raise self._damaged()
        return tag, os.pread(self._descriptor, length, offset + _HEADER.size)

    def _table(self) -> list[int]:
        """Return the offsets of the blocks, and the end of the last one."""
        count = -(-self.about.size // self.about.block)
        starts, offset = [0], self.about.table
        while len(starts) <= count:
            tag, content = self._extra(offset)
            if tag != b"PT" or not content:
                raise self._damaged()
            for length in struct.unpack(f"<{len(content) // 4}I", content):
                starts.append(starts[-1] + length)
            offset += _HEADER.size + len(content) + len(_EMPTY)
        if len(starts) != count + 1 or starts[-1] != self.about.table:
            raise self._damaged()
        return starts

    def read(self, size: int, offset: int) -> bytes:
        """At most ``size`` bytes from ``offset`` on; fewer at the end only."""
        end = min(offset + size, self.size)
        if offset >= end:
            return b""
        block = self.about.block
        first = offset // block
        parts = [self._block(number) for number in range(first, -(-end // block))]
        return b"".join(parts)[offset - first * block : end - first * block]

    def _block(self, number: int) -> bytes:
        if self._held[0] != number:
            start, end = self._starts[number], self._starts[number + 1]
            try:
                content = decompress(os.pread(self._descriptor, end - start, start), _WINDOW_OF_GZIP)
            except zlib.error:
                raise self._damaged() from None
            if len(content) != min(self.about.block, self.size - number * self.about.block):
                raise self._damaged()
            self._held = (number, content)
        return self._held[1]

    def blocks(self) -> Iterator[bytes]:
        """The content from its beginning to its end."""
        for number in range(len(self._starts) - 1):
            yield self._block(number)

    def verify(self) -> None:
        """Read everything. Raises OSError when the content is not what was compressed."""
        digest = hashlib.sha256()
        for block in self.blocks():
            digest.update(block)
        if digest.digest() != self.about.sha256:
            raise self._damaged()

    def close(self) -> None:
        """Release the file."""
        os.close(self._descriptor)

    def __enter__(self) -> CompressedDay:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def compress(path: Path) -> bool:
    """Replace the finished day ``path`` by its compressed form; False when it is still written.

    At each moment the day is there in one form or in both; a plain file counts, whatever is beside it. The
    plain file is removed when the compressed one is durable and was read back. Raises OSError, and then
    leaves the day as it was.
    """
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(source, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if not os.fstat(source).st_nlink:
            return True  # another process was quicker
        target = compressed_path(path)
        fresh = path.with_name(f".{target.name}.new")
        try:
            about = _write(source, fresh)
            with CompressedDay(fresh) as written:
                written.verify()
            if about.size != os.fstat(source).st_size:
                return False
            fresh.replace(target)
        finally:
            with suppress(FileNotFoundError):
                fresh.unlink()
        sync_directory(path.parent)
        path.unlink()
        sync_directory(path.parent)
        return True
    finally:
        os.close(source)


def _write(source: int, fresh: Path) -> About:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    target = os.open(fresh, flags, 0o640)
    try:
        os.fchmod(target, 0o640)
        lengths, digest = array("I"), hashlib.sha256()
        size = lines = end = 0
        while content := os.pread(source, BLOCK, size):
            member = _member(content)
            write_at(target, member, end)
            lengths.append(len(member))
            digest.update(content)
            size, lines, end = size + len(content), lines + content.count(b"\n"), end + len(member)
        about = About(BLOCK, size, lines, end, digest.digest())
        for first in range(0, len(lengths), _MOST_LENGTHS):
            part = lengths[first : first + _MOST_LENGTHS]
            end = _append(target, end, b"PT", struct.pack(f"<{len(part)}I", *part))
        _append(target, end, b"PD", _ABOUT.pack(*about))
        os.fsync(target)
    finally:
        os.close(target)
    return about


def _member(content: bytes) -> bytes:
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, _WINDOW_OF_GZIP)
    return compressor.compress(content) + compressor.flush()


def _append(target: int, offset: int, tag: bytes, content: bytes) -> int:
    extra = len(content) + 4
    header = _HEADER.pack(b"\x1f\x8b", zlib.DEFLATED, _FEXTRA, 0, 0, _UNIX, extra, tag, len(content))
    member = header + content + _EMPTY
    write_at(target, member, offset)
    return offset + len(member)


def expand(path: Path) -> None:
    """Bring back the plain form of the day ``path``, if only the compressed one is there. Raises OSError."""
    if path.exists() or not compressed_path(path).exists():
        return
    fresh = path.with_name(f".{path.name}.new")
    target = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
    try:
        with CompressedDay(compressed_path(path)) as day:
            day.verify()
            for number, block in enumerate(day.blocks()):
                write_at(target, block, number * day.about.block)
        os.fsync(target)
    except BaseException:
        fresh.unlink()
        raise
    finally:
        os.close(target)
    fresh.replace(path)
    compressed_path(path).unlink()
    sync_directory(path.parent)


if __name__ == "__main__":
    os.nice(19)
    try:
        compress(Path(sys.argv[1]))
    except OSError as failure:
        sys.exit(failure.strerror or str(failure))
