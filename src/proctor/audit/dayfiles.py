# SPDX-License-Identifier: Apache-2.0
"""Files of JSON lines, one per UTC day: names, appending, and reading from either end in bounded memory.

A finished day may be compressed (``audit.compressed``). Name and offsets stay those of the plain file.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Protocol

from proctor.audit.compressed import SUFFIX, CompressedDay, compressed_path, expand
from proctor.core.durable import append_at, sync_directory

_NAME = re.compile(r"(\d{4}-\d\d-\d\d)\.00:00:00\.log")
_BLOCK = 256 << 10


def day_name(day: date) -> str:
    """The name of the file of ``day``."""
    return f"{day.isoformat()}.00:00:00.log"


def day_files(directory: Path) -> list[str]:
    """Names of the days in ``directory``, oldest first, in whatever form they are."""
    return sorted({entry.name.removesuffix(SUFFIX) for entry in os.scandir(directory) if _is_day(entry.name)})


def compressed_days(directory: Path) -> set[str]:
    """Names of the days that are there in compressed form only."""
    names = {entry.name for entry in os.scandir(directory) if _is_day(entry.name)}
    return {name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)} - names


def _is_day(name: str) -> bool:
    return is_day_name(name.removesuffix(SUFFIX))


def is_day_name(name: str) -> bool:
    """Is ``name`` that of a day file?"""
    return _NAME.fullmatch(name) is not None


class OpenDay(Protocol):
    """A day open for reading."""

    @property
    def size(self) -> int:
        """Bytes."""

    def read(self, size: int, offset: int) -> bytes:
        """At most ``size`` bytes from ``offset`` on; fewer at the end only. Raises OSError."""

    def close(self) -> None:
        """Release the file."""

    def __enter__(self) -> OpenDay: ...

    def __exit__(self, *_error: object) -> None: ...


class PlainDay:
    """A day that is not compressed."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    @property
    def size(self) -> int:
        """Bytes, of a line that is being written too."""
        return os.fstat(self._descriptor).st_size

    def read(self, size: int, offset: int) -> bytes:
        """See ``OpenDay``."""
        return os.pread(self._descriptor, size, offset)

    def close(self) -> None:
        """See ``OpenDay``."""
        os.close(self._descriptor)

    def __enter__(self) -> PlainDay:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def open_day(path: Path) -> OpenDay:
    """The day ``path`` for reading, in whatever form it is. Raises FileNotFoundError, OSError."""
    try:
        return PlainDay(path)
    except FileNotFoundError:
        return CompressedDay(compressed_path(path))


def count_lines(path: Path) -> int:
    """Count the lines of the day ``path``. Raises OSError."""
    with open_day(path) as day:
        if isinstance(day, CompressedDay):
            return day.about.lines
        lines = offset = 0
        while block := day.read(_BLOCK, offset):
            lines, offset = lines + block.count(b"\n"), offset + len(block)
        return lines


class DayFile:
    """A day file open for appending. OSError from ``append`` leaves it as it was.

    While it is open it is locked (flock(2), shared): it is neither compressed nor removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = _locked(path)
        os.fchmod(self._descriptor, 0o640)
        self.size = os.fstat(self._descriptor).st_size

    def append(self, lines: bytes) -> None:
        """Add whole lines durably."""
        self.size = append_at(self._descriptor, lines, self.size, sync=True)

    def cut_torn_tail(self) -> bytes:
        """Remove what follows the last newline, and return it."""
        end = self.size
        tail = b""
        while end and b"\n" not in tail:
            start = max(0, end - _BLOCK)
            tail = os.pread(self._descriptor, end - start, start) + tail
            end = start
        torn = tail[tail.rfind(b"\n") + 1 :]
        self.size -= len(torn)
        os.ftruncate(self._descriptor, self.size)
        return torn

    def close(self) -> None:
        """Release the descriptor."""
        os.close(self._descriptor)


def _locked(path: Path) -> int:
    """The plain file, made when absent, of which no other process makes anything else."""
    while True:
        expand(path)
        created = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if os.fstat(descriptor).st_nlink:  # else it was compressed or removed while this waited
            if created:
                sync_directory(path.parent)
            return descriptor
        os.close(descriptor)


def lines_forward(path: Path, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines of ``path[start:end]``, each with the offset of its first byte."""
    with open_day(path) as day:
        position, rest = start, b""
        while block := day.read(min(_BLOCK, end - position), position):
            start, position = position - len(rest), position + len(block)
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                yield start, line
                start += len(line) + 1


def lines_backward(path: Path, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines of ``path[start:end]``, last first, each with the offset of its first byte."""
    with open_day(path) as day:
        buffer = b""
        while end > start:
            begin = max(start, end - _BLOCK)
            buffer = day.read(end - begin, begin) + buffer
            # Up to the first newline is the end of a line whose beginning is not read yet.
            whole = buffer.find(b"\n") + 1 if begin > start else 0
            yield from _reversed_lines(buffer[whole:], begin + whole)
            buffer, end = buffer[:whole] or buffer, begin


def _reversed_lines(block: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    lines = block.split(b"\n")
    position = start + len(block) - len(lines[-1])
    for line in reversed(lines[:-1]):
        position -= len(line) + 1
        yield position, line
