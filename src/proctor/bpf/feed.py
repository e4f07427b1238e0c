"""Empties the rings as the kernel fills them, in an event loop, without polling."""

from __future__ import annotations

import asyncio
import select
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

BATCH_SECONDS = 0.01
"""How long records wait for company before they are drained, unless a ring fills."""

DRAIN_BYTES = 4 << 20
"""Drained at once: more than the longest record."""

MAX_BACKLOG = 256 << 20
"""Drained and not yet decoded bytes beyond which the rings are left to fill; losses are counted there."""


class RingReader(Protocol):
    """The reading end of a ring; see ``_native.Ring``."""

    def drain(self, limit: int) -> bytearray:
        """Finished records, each behind its length."""

    def produced(self) -> int:
        """Position up to which the kernel has reserved."""

    def consumed(self) -> int:
        """Position up to which was drained."""


class Barrier(asyncio.Future[None]):
    """Stands in the feed behind everything written before it was asked for; resolved by the taker."""


class Feed:
    """Blocks of records in the order of each ring, and notices of other descriptors."""

    def __init__(self, rings: Mapping[int, tuple[RingReader, int]]) -> None:
        """``rings``: by descriptor, the ring and how many bytes waiting in it are urgent."""
        self._rings = rings
        self._poller = select.epoll()
        self._watched: dict[int, Callable[[], None]] = {}
        self._queue: deque[bytearray | Barrier] = deque()
        self._backlog = 0
        self._filled = asyncio.Event()
        self._progress = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to listen; needs a running event loop."""
        for descriptor in self._rings:
            self._poller.register(descriptor, select.EPOLLIN | select.EPOLLET)
        asyncio.get_running_loop().add_reader(self._poller.fileno(), self._on_edge)

    def stop(self) -> None:
        """Stop listening and release descriptors."""
        if self._timer is not None:
            self._timer.cancel()
        asyncio.get_running_loop().remove_reader(self._poller.fileno())
        self._poller.close()

    def watch(self, descriptor: int, changed: Callable[[], None]) -> None:
        """Call ``changed`` whenever the file behind ``descriptor`` reports a change (POLLPRI)."""
        self._watched[descriptor] = changed
        self._poller.register(descriptor, select.EPOLLPRI | select.EPOLLET)

    def unwatch(self, descriptor: int) -> None:
        """The opposite of ``watch``; before the descriptor is closed."""
        del self._watched[descriptor]
        self._poller.unregister(descriptor)

    async def take(self) -> bytearray | Barrier:
        """The next block of records, or a barrier."""
        while not self._queue:
            self._filled.clear()
            await self._filled.wait()
        item = self._queue.popleft()
        if isinstance(item, bytearray):
            self._backlog -= len(item)
        return item

    async def barrier(self) -> None:
        """Return when everything that the kernel has reserved up to now was taken and dealt with."""
        targets = [(ring, ring.produced()) for ring, _ in self._rings.values()]
        while True:
            self._progress.clear()
            self.drain(limit=None)
            if all(ring.consumed() >= target for ring, target in targets):
                break
            await self._progress.wait()
        barrier = Barrier()
        self._put(barrier)
        await barrier

    def relieve(self) -> None:
        """Drain rings that are filling up; to be called between pieces of work that take time."""
        if self._urgent():
            self.drain()

    def drain(self, limit: int | None = MAX_BACKLOG) -> None:
        """Take what is in the rings, unless ``limit`` bytes wait to be decoded already."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for ring, _ in self._rings.values():
            while limit is None or self._backlog < limit:
                block = ring.drain(DRAIN_BYTES)
                if not block:
                    break
                self._backlog += len(block)
                self._put(block)

    def _put(self, item: bytearray | Barrier) -> None:
        self._queue.append(item)
        self._filled.set()

    def _urgent(self) -> bool:
        return any(ring.produced() - ring.consumed() >= mark for ring, mark in self._rings.values())

    def _on_edge(self) -> None:
        for descriptor, _ in self._poller.poll(0):
            if descriptor in self._watched:
                self._watched[descriptor]()
            else:
                self._progress.set()
        if self._urgent():
            self.drain()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BATCH_SECONDS, self.drain)
