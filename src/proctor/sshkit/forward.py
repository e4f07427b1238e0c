# SPDX-License-Identifier: Apache-2.0
"""Bytes from one stream to another, counted, with back-pressure and half-close.

Works between any two of asyncio's and asyncssh's streams; asyncssh's own forwarding is not used
because it counts and audits nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import asyncssh

T = TypeVar("T")
CHUNK = 64 << 10
LINGER_SECONDS = 10.0
"""How long the last bytes of a connection that has ended may take to be passed on."""


class ReadableStream(Protocol):
    """The reading half of a stream: ``asyncio.StreamReader``, ``asyncssh.SSHReader``."""

    async def read(self, n: int = -1, /) -> bytes:
        """Up to ``n`` bytes; empty at the end."""


class Sink(Protocol):
    """The writing half of a stream: ``asyncio.StreamWriter``, ``asyncssh.SSHWriter``."""

    def write(self, data: bytes, /) -> None:
        """Queue ``data``."""

    async def drain(self) -> None:
        """Wait until more can be written."""

    def can_write_eof(self) -> bool:
        """Can the end of our data be signalled while the other side still sends?"""

    def write_eof(self) -> None:
        """Tell the other side that nothing follows."""

    def close(self) -> None:
        """Close both halves."""


class Stream(NamedTuple):
    """Both halves of one connection."""

    source: ReadableStream
    sink: Sink


class Counts(NamedTuple):
    """Bytes that a relay carried, seen from its first stream."""

    sent: int
    received: int


def _unwatched(_count: int) -> None:
    pass


async def pump(source: ReadableStream, sink: Sink, moved: Callable[[int], None] = _unwatched) -> int:
    """Copy until the end of ``source``, then pass the end on; returns the number of bytes.

    A connection that breaks ends the copy as the end of the stream does. ``moved`` hears of each piece.
    """
    count = 0
    with contextlib.suppress(OSError, EOFError, asyncssh.Error):
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()
            count += len(data)
            moved(len(data))
        if sink.can_write_eof():
            sink.write_eof()
    return count


async def relay(first: Stream, second: Stream, moved: Callable[[int], None] = _unwatched) -> Counts:
    """Copy both ways until both ends have finished, then close both; cancelling closes both at once."""
    try:
        sent, received = await asyncio.gather(
            pump(first.source, second.sink, moved), pump(second.source, first.sink, moved)
        )
        return Counts(sent, received)
    finally:
        first.sink.close()
        second.sink.close()


class Relays(Generic[T]):
    """The relays of one SSH connection: they end with it, whatever the other side does."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[Any], T] = {}

    async def relay(
        self, first: Stream, second: Stream, to: T, moved: Callable[[int], None] = _unwatched
    ) -> Counts:
        """As the function of this name, until ``cut``; ``to`` is where the second stream leads."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        self._tasks[task] = to
        try:
            return await relay(first, second, moved)
        finally:
            del self._tasks[task]

    @property
    def targets(self) -> set[T]:
        """Destinations of the relays."""
        return set(self._tasks.values())

    def cut(self, to: T | None = None) -> None:
        """End all of them at once, or those that lead to ``to``."""
        for task, target in list(self._tasks.items()):
            if to is None or to == target:
                task.cancel()

    def connection_lost(self) -> None:
        """The SSH connection has ended: what it has sent may still be passed on."""
        if self._tasks:
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self.cut)
