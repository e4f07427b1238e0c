"""Files of JSON lines, one per UTC day: names, appending, and reading from either end in bounded memory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from proctor.core.durable import append_at, sync_directory

_NAME = re.compile(r"(\d{4}-\d\d-\d\d)\.00:00:00\.log")
_BLOCK = 256 << 10


def day_name(day: date) -> str:
    """The name of the file of ``day``."""
    return f"{day.isoformat()}.00:00:00.log"


def day_files(directory: Path) -> list[str]:
    """Names of the day files in ``directory``, oldest first."""
    return sorted(entry.name for entry in os.scandir(directory) if is_day_name(entry.name))


def is_day_name(name: str) -> bool:
    """Is ``name`` that of a day file?"""
    return _NAME.fullmatch(name) is not None


class DayFile:
    """A day file open for appending. OSError from ``append`` leaves it as it was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        created = not path.exists()
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
        os.fchmod(self._descriptor, 0o640)
        self.size = os.fstat(self._descriptor).st_size
        if created:
            sync_directory(path.parent)

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


def lines_forward(path: Path, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines of ``path[start:end]``, each with the offset of its first byte."""
    with path.open("rb") as file:
        file.seek(start)
        while start < end and (line := file.readline(end - start)).endswith(b"\n"):
            yield start, line[:-1]
            start += len(line)


def lines_backward(path: Path, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines of ``path[start:end]``, last first, each with the offset of its first byte."""
    with path.open("rb") as file:
        buffer = b""
        while end > start:
            begin = max(start, end - _BLOCK)
            file.seek(begin)
            buffer = file.read(end - begin) + buffer
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
