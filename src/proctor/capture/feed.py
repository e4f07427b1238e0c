# SPDX-License-Identifier: Apache-2.0
"""Blocks of records for an event loop, a barrier in them, and notices from cgroups."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import Protocol


class RingSource(Protocol):
    """A source of blocks of records: ``_ringbuf.Pump``."""

    def fileno(self) -> int:
        """Readable when something has changed since ``clear``."""

    def clear(self) -> None:
        """Changes up to now are known."""

    def take(self) -> tuple[int, bytes] | None:
        """Number and records of the oldest block that was not taken; None when there is none."""

    def pushed(self) -> int:
        """Number of blocks so far."""

    def waiting(self) -> int:
        """Bytes in the blocks that were not taken."""

    def produced(self) -> tuple[int, ...]:
        """Position in each ring up to which the kernel has reserved records."""

    def handed(self) -> tuple[int, ...]:
        """Position in each ring up to which blocks have been pushed."""

    def kick(self) -> None:
        """Empty the rings now."""

    def stop(self) -> None:
        """Read no more."""


class RingReader:
    """One taker of blocks; any number of barriers."""

    def __init__(self, source: RingSource, pushed: Callable[[], None] = lambda: None) -> None:
        """``pushed`` is called when there is more to take."""
        self._source = source
        self._pushed = pushed
        self._progress = asyncio.Event()
        self._finished = 0
        self._taken = 0
        self._watched: dict[int, Callable[[], None]] = {}
        self._poller = select.epoll()

    def start(self) -> None:
        """Begin to listen; needs a running event loop."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._source.fileno(), self._on_ready)
        loop.add_reader(self._poller.fileno(), self._on_change)

    def stop(self) -> None:
        """Stop listening and reading."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._source.fileno())
        loop.remove_reader(self._poller.fileno())
        self._source.stop()
        self._poller.close()

    def watch(self, descriptor: int, changed: Callable[[], None]) -> None:
        """Call ``changed`` whenever the file behind ``descriptor`` reports a change (POLLPRI)."""
        self._watched[descriptor] = changed
        self._poller.register(descriptor, select.EPOLLPRI | select.EPOLLET)

    def unwatch(self, descriptor: int) -> None:
        """The opposite of ``watch``, before the descriptor is closed."""
        del self._watched[descriptor]
        self._poller.unregister(descriptor)

    async def take(self) -> tuple[int, bytes]:
        """Number and records of the next block; taking it says that the one before was dealt with."""
        if self._taken:
            self._finished += 1
            self._taken = 0
            self._progress.set()
        while (block := self._source.take()) is None:
            self._progress.clear()
            await self._progress.wait()
        self._taken = len(block[1])
        return block

    @property
    def backlog(self) -> int:
        """Bytes of records that were not dealt with."""
        return self._source.waiting() + self._taken

    async def barrier(self) -> None:
        """Return when everything that the kernel has reserved up to now was taken and dealt with."""
        targets = self._source.produced()
        self._source.kick()
        await self._until(
            lambda: all(got >= want for got, want in zip(self._source.handed(), targets, strict=True))
        )
        pushed = self._source.pushed()
        await self._until(lambda: self._finished >= pushed)

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self._progress.clear()
            await self._progress.wait()

    def _on_ready(self) -> None:
        self._source.clear()
        self._progress.set()
        self._pushed()

    def _on_change(self) -> None:
        for descriptor, _ in self._poller.poll(0):
            if changed := self._watched.get(descriptor):
                changed()
