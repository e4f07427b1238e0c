"""SHA-256 of executed files: read beside everything else, kept for as long as a file stays as it is."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from proctor.bpf.kernel import abi
from proctor.bpf.kernel.lines import Executable, digest_table

WAIT_SECONDS = 2.0
"""For how long an event waits for a digest, and all behind it."""

MAX_SIZE = 256 << 20
GONE, CHANGED, SIZE, LATE = "gone", "changed", "size", "late"
"""Why there is no digest: the file cannot be had any more, is not what was executed any more, is larger than
``MAX_SIZE`` bytes, or takes longer than ``WAIT_SECONDS``."""

READERS = 2
_MOST = 16384


class Identity(NamedTuple):
    """``struct file_identity``."""

    inode: int
    size: int
    changed: int
    changed_ns: int
    device: int

    def is_of(self, found: os.stat_result) -> bool:
        """Is it this file, with this content? Devices are left out: some file systems show others."""
        when = self.changed * 10**9 + self.changed_ns
        same = (found.st_ino, found.st_size, found.st_ctime_ns) == (self.inode, self.size, when)
        return same and stat.S_ISREG(found.st_mode)


class Digests:
    """Digests by identity of the file. One event loop, and some threads that read files."""

    def __init__(self, *, wait: float = WAIT_SECONDS, max_size: int = MAX_SIZE) -> None:
        self._wait = wait
        self._max_size = max_size
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="digest")
        self._known: OrderedDict[bytes, str] = OrderedDict()
        self._running: dict[bytes, asyncio.Future[str]] = {}
        self._late: set[bytes] = set()

    async def table(self, executed: Iterable[Executable]) -> bytes:
        """The ``digest_table`` for what was ``executed``. Nobody is waited for twice."""
        wanted = {one.identity: one for one in executed}
        fresh = [one for identity, one in wanted.items() if identity not in self._known]
        if pending := {one.identity: future for one in fresh if (future := self._begin(one)) is not None}:
            await asyncio.wait(pending.values(), timeout=self._wait)
            self._late.update(pending.keys() & self._running.keys())
        found = {identity: self._known.get(identity, LATE) for identity in wanted}
        self._forget()
        return digest_table(found)

    def close(self) -> None:
        """Wait for nobody."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    def _begin(self, executable: Executable) -> asyncio.Future[str] | None:
        """None when it was waited for, or all readers are with files that do not come to an end."""
        identity = executable.identity
        if identity in self._late or len(self._late) >= READERS:
            return None
        if identity not in self._running:
            loop = asyncio.get_running_loop()
            future = loop.run_in_executor(self._readers, digest, executable, self._max_size)
            self._running[identity] = future
            future.add_done_callback(lambda done: self._learn(identity, done))
        return self._running[identity]

    def _learn(self, identity: bytes, done: asyncio.Future[str]) -> None:
        del self._running[identity]
        self._late.discard(identity)
        if not done.cancelled():
            self._known[identity] = GONE if done.exception() else done.result()

    def _forget(self) -> None:
        """The oldest, and what may be had another time."""
        for identity in [identity for identity, text in self._known.items() if text in (GONE, CHANGED)]:
            del self._known[identity]
        while len(self._known) > _MOST:
            self._known.popitem(last=False)


def digest(executable: Executable, max_size: int = MAX_SIZE) -> str:
    """SHA-256 of what was executed, hexadecimal, or why there is none. Blocks."""
    identity = Identity(*abi.IDENTITY.unpack(executable.identity))
    if identity.size > max_size:
        return SIZE
    found = _read(f"/proc/{executable.pid}/exe".encode(), identity)
    return found if found not in (GONE, CHANGED) else _read(executable.path, identity)


def _read(path: bytes, identity: Identity) -> str:
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
