# SPDX-License-Identifier: Apache-2.0
"""SHA-256 of executed files: read beside everything else, kept for as long as a file stays as it is."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from proctor.capture.kernel import abi
from proctor.capture.kernel.formatter import Executable, digest_table

WAIT_SECONDS = 2.0
"""For how long an event waits for a digest, and all behind it."""

MAX_SIZE = 256 << 20
GONE, CHANGED, RECENT, SIZE, LATE = "gone", "changed", "recent", "size", "late"
"""Why there is no digest: the file cannot be had any more, is not what was executed any more, may not be (it
was changed within ``TICK_NS`` of its execution, and the process has ended), is larger than ``MAX_SIZE``
bytes, or takes longer than ``WAIT_SECONDS``."""

TICK_NS = 20_000_000
"""More than file systems' clocks advance by at once: two changes within it may have the same time."""

READERS = 2
_MOST = 16384


class FileIdentity(NamedTuple):
    """``struct file_identity``."""

    inode: int
    size: int
    changed: int
    changed_ns: int
    device: int

    @property
    def changed_at(self) -> int:
        """Nanoseconds since 1970."""
        return self.changed * 10**9 + self.changed_ns

    def is_of(self, found: os.stat_result) -> bool:
        """Is it this file, with this content? Devices are left out: some file systems show others."""
        same = (found.st_ino, found.st_size, found.st_ctime_ns) == (self.inode, self.size, self.changed_at)
        return same and stat.S_ISREG(found.st_mode)


class FileVersion(NamedTuple):
    """A file to read. ``fresh``: its time of change does not tell it from the versions before or after."""

    identity: bytes
    path: bytes
    pids: tuple[int, ...]
    fresh: bool

    @classmethod
    def of(cls, runs: Sequence[Executable], boot: int) -> FileVersion:
        """Return the version of one file that all of ``runs`` have executed."""
        first = runs[0]
        identity = FileIdentity(*abi.IDENTITY.unpack(first.identity))
        since = min(run.time for run in runs) + boot * 1000 - identity.changed_at
        return cls(first.identity, first.path, tuple(run.pid for run in runs), since < TICK_NS)


class Digests:
    """Digests by identity of the file. One event loop, and some threads that read files."""

    def __init__(self, *, wait: float = WAIT_SECONDS, max_size: int = MAX_SIZE) -> None:
        self._wait = wait
        self._max_size = max_size
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="digest")
        self._known: OrderedDict[FileVersion | bytes, str] = OrderedDict()
        self._running: dict[FileVersion | bytes, asyncio.Future[str]] = {}
        self._late: set[FileVersion | bytes] = set()

    async def table(self, executed: Iterable[Executable], boot: int) -> bytes:
        """The ``digest_table`` for what was ``executed``. Each file is waited for at most once.

        ``boot``: when the kernel's clock was 0, microseconds since 1970.
        """
        runs = defaultdict[bytes, list[Executable]](list)
        for one in executed:
            runs[one.identity].append(one)
        wanted = [FileVersion.of(same, boot) for same in runs.values()]
        begun = {_key(one): self._begin(one) for one in wanted if _key(one) not in self._known}
        if pending := [future for future in begun.values() if future is not None]:
            await asyncio.wait(pending, timeout=self._wait)
            self._late.update(begun.keys() & self._running.keys())
        found = {one.identity: self._known.get(_key(one), LATE) for one in wanted}
        self._forget()
        return digest_table(found)

    def close(self) -> None:
        """Give up what is pending, without waiting."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    def _begin(self, content: FileVersion) -> asyncio.Future[str] | None:
        """None when it was waited for, or all readers are with files that do not come to an end."""
        key = _key(content)
        if key in self._late or len(self._late) >= READERS:
            return None
        if key not in self._running:
            loop = asyncio.get_running_loop()
            future = loop.run_in_executor(self._readers, digest, content, self._max_size)
            self._running[key] = future
            future.add_done_callback(lambda done: self._learn(key, done))
        return self._running[key]

    def _learn(self, key: FileVersion | bytes, done: asyncio.Future[str]) -> None:
        del self._running[key]
        self._late.discard(key)
        if not done.cancelled():
            self._known[key] = GONE if done.exception() else done.result()

    def _forget(self) -> None:
        """The oldest, what may be had another time, and what holds for no other time."""
        passing = [
            key
            for key, text in self._known.items()
            if text in (GONE, CHANGED) or isinstance(key, FileVersion)
        ]
        for key in passing:
            del self._known[key]
        while len(self._known) > _MOST:
            self._known.popitem(last=False)


def _key(content: FileVersion) -> FileVersion | bytes:
    return content if content.fresh else content.identity


def digest(content: FileVersion, max_size: int = MAX_SIZE) -> str:
    """SHA-256 of what was executed, hexadecimal, or why there is none. Blocks."""
    identity = FileIdentity(*abi.IDENTITY.unpack(content.identity))
    if identity.size > max_size:
        return SIZE
    found = _read(_running(content.pids[0]), identity)
    if content.fresh:  # a file cannot be written while a process executes it (ETXTBSY)
        return found if all(_holds(pid, identity) for pid in content.pids) else RECENT
    return found if found not in (GONE, CHANGED) else _read(content.path, identity)


def _running(pid: int) -> bytes:
    return f"/proc/{pid}/exe".encode()


def _holds(pid: int, identity: FileIdentity) -> bool:
    try:
        return identity.is_of(os.stat(_running(pid)))
    except OSError:
        return False


def _read(path: bytes, identity: FileIdentity) -> str:
    """Nothing but the file meant is opened for reading: to open a device may have consequences."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (OSError, ValueError):
        return GONE
    try:
        if not identity.is_of(os.fstat(place)):
            return CHANGED
        with open(f"/proc/self/fd/{place}", "rb", buffering=0) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        return found if identity.is_of(os.fstat(place)) else CHANGED
    except OSError:
        return GONE
    finally:
        os.close(place)
