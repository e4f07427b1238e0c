# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from proctor.capture.feed import RingReader


class FakeSource:
    """Rings and pump in memory: records are reserved, finished, and pushed as blocks on request."""

    def __init__(self) -> None:
        self._ready = os.eventfd(0, os.EFD_NONBLOCK)
        self._blocks: list[tuple[int, bytes]] = []
        self._pushed = 0
        self._handed = 0
        self.reserved = 0
        self.kicks = 0
        self.stopped = False

    def push(self, block: bytes, up_to: int) -> None:
        self._pushed += 1
        self._blocks.append((self._pushed, block))
        self._handed = up_to
        os.eventfd_write(self._ready, 1)

    def fileno(self) -> int:
        return self._ready

    def clear(self) -> None:
        os.eventfd_read(self._ready)

    def take(self) -> tuple[int, bytes] | None:
        return self._blocks.pop(0) if self._blocks else None

    def pushed(self) -> int:
        return self._pushed

    def waiting(self) -> int:
        return sum(len(block) for _, block in self._blocks)

    def produced(self) -> tuple[int, ...]:
        return (self.reserved,)

    def handed(self) -> tuple[int, ...]:
        return (self._handed,)

    def kick(self) -> None:
        self.kicks += 1

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
async def feed(source: FakeSource) -> AsyncIterator[RingReader]:
    feed = RingReader(source)
    feed.start()
    yield feed
    feed.stop()
    assert source.stopped


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_blocks_come_in_order(feed: RingReader, source: FakeSource) -> None:
    first = asyncio.ensure_future(feed.take())
    await settle()
    assert not first.done()

    source.push(b"one", 1)
    source.push(b"two", 2)

    assert await first == (1, b"one")
    assert await feed.take() == (2, b"two")


async def test_barrier_waits_for_records_that_are_being_written(feed: RingReader, source: FakeSource) -> None:
    source.reserved = 2
    source.push(b"one", 1)
    barrier = asyncio.ensure_future(feed.barrier())
    await feed.take()
    taking = asyncio.ensure_future(feed.take())
    await settle()
    assert source.kicks == 1
    assert not barrier.done()

    source.push(b"two", 2)
    assert await taking == (2, b"two")
    await settle()
    assert not barrier.done()

    last = asyncio.ensure_future(feed.take())
    await asyncio.wait_for(barrier, 5)
    last.cancel()


async def test_barrier_with_nothing_to_wait_for(feed: RingReader) -> None:
    await asyncio.wait_for(feed.barrier(), 5)


async def test_barrier_does_not_wait_for_later_records(feed: RingReader, source: FakeSource) -> None:
    source.reserved = 1
    source.push(b"one", 1)
    barrier = asyncio.ensure_future(feed.barrier())
    await settle()
    source.reserved = 5

    await feed.take()
    last = asyncio.ensure_future(feed.take())
    await asyncio.wait_for(barrier, 5)
    last.cancel()


async def test_many_barriers(feed: RingReader, source: FakeSource) -> None:
    source.reserved = 1
    barriers = [asyncio.ensure_future(feed.barrier()) for _ in range(5)]
    await settle()
    source.push(b"one", 1)

    await feed.take()
    last = asyncio.ensure_future(feed.take())
    await asyncio.wait_for(asyncio.gather(*barriers), 5)
    last.cancel()
