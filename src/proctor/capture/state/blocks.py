# SPDX-License-Identifier: Apache-2.0
"""Blocks of records that were taken out of the rings and are not events yet: files of ``_ringbuf.Pump``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

HEADER_BYTES = 64
"""Of a block's file, before its records: where it ends in each ring."""


class Left(NamedTuple):
    """The state that a pump continues with: arguments of ``_ringbuf.Pump`` from the fourth on."""

    directory: int
    number: int
    blocks: list[tuple[int, int]]
    ends: bytes


class Blocks:
    """The files in ``directory``; those before ``next`` have become events."""

    def __init__(self, directory: Path, first: int = 0) -> None:
        directory.mkdir(exist_ok=True, mode=0o700)
        self._path = directory
        self._first = first
        self._descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def left(self) -> Left:
        """List the blocks, after removing those that are finished."""
        numbers = sorted(int(path.name, 16) for path in self._path.iterdir() if path.name != "new")
        ends = self._file(numbers[-1]).read_bytes()[:HEADER_BYTES] if numbers else b""
        for number in [number for number in numbers if number < self._first]:
            self.remove(number)
        blocks = [(number, self._size(number)) for number in numbers if number >= self._first]
        return Left(self._descriptor, max([self._first, *(number + 1 for number in numbers)]), blocks, ends)

    def remove(self, number: int) -> None:
        """All of the block has become events."""
        self._file(number).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all: they are of rings that do not exist any more."""
        for path in self._path.iterdir():
            path.unlink()

    def close(self) -> None:
        """Release the directory."""
        os.close(self._descriptor)

    def _file(self, number: int) -> Path:
        return self._path / f"{number:016x}"

    def _size(self, number: int) -> int:
        return self._file(number).stat().st_size - HEADER_BYTES
