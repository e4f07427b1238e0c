# SPDX-License-Identifier: Apache-2.0
"""A queue of lines in numbered files that survives ``kill -9``: what the spool keeps on disk."""

from __future__ import annotations

import logging
import os
import secrets
from bisect import bisect_right
from pathlib import Path
from typing import BinaryIO

import msgspec

from proctor.core.durable import Reserve, append_at, replace_file, sync_directory, write_at
from proctor.model.stamp import count_lines

SEGMENT_BYTES = 4 << 20
_log = logging.getLogger(__name__)


class Segments:
    """Lines numbered from 1 in ``directory``: ``<first number>.ndjson`` files, and how far they are done.

    Every number up to ``done`` has been acknowledged; ``last`` is the highest in use. Not thread-safe.
    """

    def __init__(self, directory: Path, reserve: int = 0) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory
        self.epoch = self._load_epoch()
        """Names this life of the directory; new when the directory is."""
        self._firsts = sorted(int(path.stem) for path in directory.glob("*.ndjson"))
        self._done = os.open(directory / "done", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.done = self._load_done()
        self._descriptor = -1
        self._reserved_space = Reserve()
        self.reserve = reserve
        """Bytes that ``append`` keeps allocated behind what it adds, for lines that must fit."""
        self.unsynced = False
        """Something was appended since ``sync``."""
        self.last = self._open_last()

    def _load_epoch(self) -> str:
        path = self._directory / "epoch"
        if not path.exists():
            replace_file(path, secrets.token_hex(8).encode())
        return path.read_text()

    def _load_done(self) -> int:
        # May be behind after a power failure; then events are delivered twice and the receiver drops them.
        text = os.pread(self._done, 20, 0)
        done = int(text) if text.isdigit() else 0
        return max(done, self._firsts[0] - 1) if self._firsts else done

    def _open_last(self) -> int:
        if not self._firsts:
            self._start(self.done + 1)
            return self.done
        first = self._firsts[-1]
        self._descriptor = os.open(self._path(first), os.O_RDWR | os.O_CLOEXEC)
        count, self._size = self._whole_lines()
        self._cut(first)
        return first + count - 1

    def _whole_lines(self) -> tuple[int, int]:
        count = size = 0
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            for line in file:
                if not (line.endswith(b"\n") and _is_object(line)):
                    break
                count, size = count + 1, size + len(line)
        return count, size

    def _cut(self, first: int) -> None:
        torn = os.pread(self._descriptor, os.fstat(self._descriptor).st_size - self._size, self._size)
        if torn:
            aside = self._path(first).with_suffix(".torn")
            _log.warning("%s: cut %d bytes of an unfinished event, kept in %s", first, len(torn), aside)
            aside.write_bytes(torn)
            os.ftruncate(self._descriptor, self._size)

    def _path(self, first: int) -> Path:
        return self._directory / f"{first:020d}.ndjson"

    def _start(self, first: int) -> None:
        """Go on in a new segment; OSError leaves things as they were."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor, reserve = os.open(self._path(first), flags, 0o600), Reserve()
        try:
            reserve.ensure(descriptor, 0, self.reserve)
            sync_directory(self._directory)
        except OSError:
            os.close(descriptor)
            self._path(first).unlink()
            raise
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, self._size)  # frees what was reserved behind its end
            os.close(self._descriptor)
        self._descriptor, self._size, self._reserved_space = descriptor, 0, reserve
        self._firsts.append(first)

    def append(self, lines: bytes, count: int, *, reserved: bool = False) -> None:
        """Add ``count`` lines with one write; OSError when the disk does not take them, and none is kept.

        ``reserved`` lines use the space that others leave (``reserve``).
        """
        if self._size >= SEGMENT_BYTES:
            self._rotate()
        if not reserved:
            self.ensure_reserve(len(lines))
        self._size = append_at(self._descriptor, lines, self._size)
        self.unsynced = True
        self.last += count

    def _rotate(self) -> None:
        """Begin another segment; when there is no space for one, this one grows on."""
        self.sync()
        try:
            self._start(self.last + 1)
        except OSError as error:
            _log.warning("no new segment can be begun: %s", error.strerror)

    def ensure_reserve(self, size: int = 0) -> None:
        """Allocate ``size`` bytes and the reserve; OSError when the disk has not that much."""
        self._reserved_space.ensure(self._descriptor, self._size, self._size + size + self.reserve)

    def sync(self) -> None:
        """Make everything durable."""
        if self.unsynced:
            os.fdatasync(self._descriptor)
            self.unsynced = False

    def path_of(self, number: int) -> tuple[Path, int]:
        """The file that holds line ``number`` and the number of its first line."""
        first = self._firsts[max(0, bisect_right(self._firsts, number) - 1)]
        return self._path(first), first

    def finish(self, number: int) -> None:
        """Everything up to ``number`` is acknowledged; segments without anything else are removed."""
        self.done = number
        write_at(self._done, b"%020d" % number, 0)
        while len(self._firsts) > 1 and self._firsts[1] <= number + 1:
            self._path(self._firsts.pop(0)).unlink(missing_ok=True)

    def close(self) -> None:
        """Make everything durable and release files."""
        self.sync()
        os.close(self._descriptor)
        os.close(self._done)


class SegmentReader:
    """Reads lines in order while more are appended; use it under the same lock as the segments."""

    def __init__(self, segments: Segments, after: int) -> None:
        self._segments = segments
        self.number = after + 1
        """Number of the line that ``take`` gives next."""
        self._first = -1
        self._offset = 0

    def take(self, most_bytes: int) -> bytes:
        """The next lines with their newlines: one if there is any, or as many as fit."""
        if self.number > self._segments.last:
            return b""
        path, first = self._segments.path_of(self.number)
        with path.open("rb") as file:
            if first == self._first:
                file.seek(self._offset)
            else:
                for _ in range(first, self.number):
                    file.readline()
                self._first, self._offset = first, file.tell()
            lines = _whole_lines(file, most_bytes)
        self.number += count_lines(lines)
        self._offset += len(lines)
        return lines


def _whole_lines(file: BinaryIO, most: int) -> bytes:
    block = file.read(most)
    end = block.rfind(b"\n") + 1
    return block[:end] if end else block + file.readline()


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except msgspec.DecodeError:
        return False
