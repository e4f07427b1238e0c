# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import grpc
import pytest

from proctor.core.clock import FakeClock
from proctor.core.errors import Unavailable
from proctor.rpc import watch
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.auth_client import Client
from proctor.rpc.watch import STALE_SECONDS, BundleWatch
from testing.polling import auntil


class Stream:
    """One stream of the auth service: gives ``messages``, and then waits or ends."""

    def __init__(self, messages: list[Any]) -> None:
        self._messages = messages
        self.cancelled = False

    async def read(self) -> Any:
        if not self._messages:
            await asyncio.Event().wait()
        if isinstance(message := self._messages.pop(0), Exception):
            raise message
        return message

    def cancel(self) -> None:
        self.cancelled = True


class Fixture:
    """A watch of streams that are given one after the other; then the auth service is out of reach."""

    def __init__(self, *streams: list[Any]) -> None:
        self.clock = FakeClock()
        self.left = [Stream(each) for each in streams]
        self.opened: list[Stream] = []
        self.received: list[bytes] = []
        self.changes: list[bool] = []
        self.watch = BundleWatch(self._connect, self._take, self._changed, self.clock)

    def _connect(self) -> Client:
        if not self.left:
            raise Unavailable("down")
        self.opened.append(self.left.pop(0))
        return cast(Client, SimpleNamespace(auth=SimpleNamespace(WatchAccessBundle=lambda: self.opened[-1])))

    async def _take(self, message: pb.AccessBundle) -> None:
        self.received.append(message.json)

    def _changed(self) -> None:
        self.changes.append(self.watch.stale)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "RETRY_SECONDS", 0.001)
    monkeypatch.setattr(watch, "SILENT_SECONDS", 0.05)


@contextlib.asynccontextmanager
async def following(fixture: Fixture) -> AsyncIterator[Fixture]:
    task = asyncio.create_task(fixture.watch.run())
    try:
        yield fixture
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def bundle(number: int) -> pb.AccessBundle:
    return pb.AccessBundle(json=str(number).encode())


async def test_bundles_are_handed_on_and_beats_are_not() -> None:
    async with following(Fixture([bundle(1), pb.AccessBundle(), bundle(2)])) as fixture:
        assert fixture.watch.stale
        await auntil(lambda: len(fixture.received) == 2)
        assert fixture.received == [b"1", b"2"]
        assert not fixture.watch.stale
        assert fixture.changes == [False], "it became known that nothing is out of date"


async def test_another_stream_follows_one_that_ends_fails_or_is_silent() -> None:
    error = grpc.aio.AioRpcError(
        grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "gone", "debug"
    )
    fixture = Fixture([bundle(1), None], [bundle(2), error], [bundle(3)], [bundle(4)])
    async with following(fixture):
        await auntil(lambda: fixture.received == [b"1", b"2", b"3", b"4"])
        await auntil(lambda: all(each.cancelled for each in fixture.opened))


async def test_silence_becomes_staleness() -> None:
    async with following(Fixture([bundle(1)])) as fixture:
        await auntil(lambda: fixture.received and not fixture.watch.reachable)
        assert not fixture.watch.stale, "for a while what was heard last counts"
        fixture.clock.advance(STALE_SECONDS + 1)
        assert fixture.watch.stale
        await auntil(lambda: fixture.changes == [False, True])
        fixture.left.append(Stream([bundle(2)]))
        await auntil(lambda: fixture.changes == [False, True, False])
        assert fixture.watch.reachable
