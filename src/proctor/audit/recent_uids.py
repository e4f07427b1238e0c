# SPDX-License-Identifier: Apache-2.0
"""The ``uid`` of events that were stored lately: no two events of the log may share one."""

from __future__ import annotations

import logging
import mmap
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from proctor.audit.brief import brief_of
from proctor.audit.dayfiles import day_files, lines_backward, open_day
from proctor.core.errors import Corrupted
from proctor.model import uids

SLOTS = 1 << 21
"""Slots of one table; at most half of them are used."""

_HEADER = 4096
_VERSION = 16
_KEY = _VERSION + len(uids.ALGORITHM)
_NAMES = ("audit-uids.0", "audit-uids.1")
_log = logging.getLogger(__name__)


class UidWindow:
    """The ``uid`` of the last events stored: at least ``slots / 2``, at most twice as many.

    Two files in ``directory``, mapped into memory (16 MiB each): what is added survives the death of the
    process; a power failure may take what the kernel had not written yet, the last half minute. When one is
    half full, the other is emptied and filled next.

    Both files hold the key of their fingerprints, which is drawn when they are made. When one is missing, is
    of another version or of another key, both are made again from the last ``slots / 2`` events of the day
    files in ``log``. Raises OSError when the files cannot be had.
    """

    def __init__(self, directory: Path, log: Path, *, slots: int = SLOTS) -> None:
        self._slots = slots
        self._tables = [_Table(directory / name, slots) for name in _NAMES]
        self._current = max(self._tables, key=lambda table: table.generation)
        if {table.state for table in self._tables} != {(uids.ALGORITHM, self.key)}:
            self._rebuild(log)

    def _rebuild(self, log: Path) -> None:
        key = os.urandom(uids.KEY_SIZE)
        for table in self._tables:
            table.empty(0, key)
        found = list(islice(_last_uids(log), self._slots // 2))
        self.add(self.fingerprints(found))
        if found:
            _log.warning("the table of the uids of events is made again, from the last %d events", len(found))
        # Last: after a crash on the way it is made once more.
        for table in self._tables:
            table.validate()

    @property
    def key(self) -> bytes:
        """The key of the fingerprints."""
        return self._current.key

    def fingerprints(self, found: Iterable[str]) -> bytes:
        """Those of some ``uid``, by the key of this window."""
        return uids.fingerprints(found, self.key)

    def knows(self, found: bytes) -> bool:
        """Is any of these fingerprints among the last, or twice among themselves?"""
        if any(uids.count_known(table.slots, found) for table in self._tables):
            return True
        return len(set(memoryview(found).cast("Q"))) < len(found) // uids.SIZE

    def knows_uid(self, uid: str) -> bool:
        """Is it among the last?"""
        return self.knows(self.fingerprints([uid]))

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
        generation, key = self._current.generation, self._current.key
        self._current = self._tables[self._tables[0] is self._current]
        self._current.empty(generation + 1, key)
        self._current.validate()

    def close(self) -> None:
        """Release the files."""
        for table in self._tables:
            table.close()


def _last_uids(log: Path) -> Iterator[str]:
    """The ``uid`` of stored events, the last first, as far as days can be read."""
    for name in reversed(day_files(log)):
        try:
            with open_day(log / name) as day:
                size = day.size
            for _, line in lines_backward(log / name, 0, size):
                with suppress(Corrupted):
                    yield brief_of(line).uid
        except OSError as error:
            _log.warning("%s is not in the table of uids: %s", name, error.strerror)


class _Table:
    """One file: a header of generation, slots in use, version (``uids.ALGORITHM``), key; then slots."""

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
        self._version = self._view[_VERSION : _VERSION + len(uids.ALGORITHM)]
        self._key = self._view[_KEY : _KEY + uids.KEY_SIZE]
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

    @property
    def state(self) -> tuple[bytes, bytes]:
        """Version and key; without a version it is not complete."""
        return bytes(self._version), self.key

    def validate(self) -> None:
        """It is complete."""
        self._version[:] = uids.ALGORITHM

    @property
    def key(self) -> bytes:
        """The key of its fingerprints."""
        return bytes(self._key)

    def empty(self, generation: int, key: bytes) -> None:
        """Forget all; not valid at first."""
        self._map[:] = bytes(len(self._map))
        self._numbers[0] = generation
        self._key[:] = key

    def close(self) -> None:
        """Have the file system keep what was added, and release the file."""
        self._map.flush()
        for view in (self._numbers, self._version, self._key):
            view.release()
        self.slots.release()
        self._view.release()
        self._map.close()
