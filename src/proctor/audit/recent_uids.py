# SPDX-License-Identifier: Apache-2.0
"""The ``uid`` of events that were stored lately: no two events of the log may share one."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

from proctor.model import uids

SLOTS = 1 << 21
"""Slots of one table; at most half of them are used."""

_HEADER = 4096
_NAMES = ("audit-uids.0", "audit-uids.1")


class UidWindow:
    """The ``uid`` of the last events stored: at least ``slots / 2``, at most twice as many.

    Two files in ``directory``, mapped into memory (16 MiB each): what is added survives the death of the
    process; a power failure may take what the kernel had not written yet, the last half minute. When one is
    half full, the other is emptied and filled next. Raises OSError when the files cannot be had.
    """

    def __init__(self, directory: Path, *, slots: int = SLOTS) -> None:
        self._slots = slots
        self._tables = [_Table(directory / name, slots) for name in _NAMES]
        self._current = max(self._tables, key=lambda table: table.generation)

    def knows(self, found: bytes) -> bool:
        """Is any of these fingerprints (``model.uids``) among the last, or twice among themselves?"""
        if any(uids.count_known(table.slots, found) for table in self._tables):
            return True
        return len(set(memoryview(found).cast("Q"))) < len(found) // uids.SIZE

    def add(self, found: bytes) -> None:
        """These fingerprints are stored."""
        half = self._slots // 2
        step = half * uids.SIZE
        for start in range(0, len(found), step):
            part = found[start : start + step]
            if self._current.used + len(part) // uids.SIZE > half:
                self._turn()
            self._current.used += uids.add(self._current.slots, part)

    def _turn(self) -> None:
        generation = self._current.generation
        self._current = self._tables[self._tables[0] is self._current]
        self._current.empty(generation + 1)

    def close(self) -> None:
        """Release the files."""
        for table in self._tables:
            table.close()


class _Table:
    """One file: a header of two numbers, generation and slots in use, then the slots."""

    def __init__(self, path: Path, slots: int) -> None:
        size = _HEADER + slots * uids.SIZE
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if os.fstat(descriptor).st_size != size:
                os.ftruncate(descriptor, 0)
            # Not sparse: a full disk must not raise a signal when a page is written.
            os.posix_fallocate(descriptor, 0, size)
            self._map = mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)
        self._view = memoryview(self._map)
        self._numbers = self._view[: 2 * uids.SIZE].cast("Q")
        self.slots = self._view[_HEADER:]

    @property
    def generation(self) -> int:
        """The table filled last has the highest."""
        return self._numbers[0]

    @property
    def used(self) -> int:
        """Slots in use."""
        return self._numbers[1]

    @used.setter
    def used(self, count: int) -> None:
        self._numbers[1] = count

    def empty(self, generation: int) -> None:
        """Forget all."""
        self._map[:] = bytes(len(self._map))
        self._numbers[0] = generation

    def close(self) -> None:
        """Have the file system keep what was added, and release the file."""
        self._map.flush()
        self._numbers.release()
        self.slots.release()
        self._view.release()
        self._map.close()
