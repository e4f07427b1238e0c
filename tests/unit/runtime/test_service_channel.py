# SPDX-License-Identifier: Apache-2.0
"""The supervisor's end of a channel, with a service at the other that says anything."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from proctor.core import wire
from proctor.core.errors import Unavailable
from proctor.runtime.service_channel import MAX_UNANSWERED, Calls

SECONDS = 10.0


@dataclass
class Ends:
    """Calls at one end, a bare socket at the other."""

    service: socket.socket
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0
    calls: Calls = field(init=False)

    async def answer(self, operation: str, _message: wire.Message) -> Mapping[str, Any]:
        """For ``slow`` never."""
        self.asked += 1
        if operation == "slow":
            await asyncio.Event().wait()
        return {"said": operation}


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    ours, theirs = socket.socketpair()
    found = Ends(theirs)
    found.calls = Calls(ours, found.answer, found.closed.set)
    with theirs:
        yield found
        await found.calls.close()


@pytest.mark.parametrize(
    "frame",
    [
        wire.encode({}),
        wire.encode({"reply": []}),
        wire.encode({"reply": {"a": 1}}),
        wire.HEADER.pack(1 << 17) + b"[" * (1 << 17),
        wire.HEADER.pack(2) + b"[]",
        wire.HEADER.pack(wire.MAX_FRAME + 1),
    ],
    ids=["empty", "list", "object", "nested", "no object", "long"],
)
async def test_nonsense_ends_the_channel_and_what_waits_for_it(ends: Ends, frame: bytes) -> None:
    waiting = asyncio.ensure_future(ends.calls.call("probe", seconds=SECONDS))
    await asyncio.to_thread(wire.receive, ends.service)
    await asyncio.to_thread(ends.service.sendall, frame)
    async with asyncio.timeout(SECONDS):
        await ends.closed.wait()
    with pytest.raises(Unavailable, match="it has ended"):
        await waiting


@pytest.mark.parametrize("answer", [{}, {"problems": []}, {"problems": None}, {"problems": "x"}])
async def test_answers_of_another_shape(ends: Ends, answer: dict[str, Any]) -> None:
    waiting = asyncio.ensure_future(ends.calls.call("probe", seconds=SECONDS, returns="problems"))
    received = await asyncio.to_thread(wire.receive, ends.service)
    assert received is not None
    wire.send(ends.service, {"reply": received[0]["call"], **answer})
    with pytest.raises(Unavailable, match="its answer to probe has no problems"):
        await waiting


async def test_calls_without_an_operation_are_answered(ends: Ends) -> None:
    wire.send(ends.service, {"call": 1})
    assert await asyncio.to_thread(wire.receive, ends.service) == ({"reply": 1, "said": ""}, [])


@pytest.mark.parametrize("awaited", [False, True], ids=["idle", "while a reply is awaited"])
async def test_calls_are_short(awaited: bool) -> None:
    """A service cannot have the supervisor keep 64 calls of 16 MiB."""
    ours, theirs = socket.socketpair()
    found = Ends(theirs)
    found.calls = Calls(ours, found.answer, found.closed.set, longest_call=1000)
    with theirs:
        theirs.settimeout(SECONDS)
        if awaited:
            waiting = asyncio.ensure_future(found.calls.call("probe", seconds=SECONDS))
            await asyncio.to_thread(wire.receive, theirs)
            await asyncio.to_thread(wire.send, theirs, {"reply": 99, "content": "x" * 100_000})
        call = wire.encode({"call": 1, "op": "x", "content": "x" * 100_000})
        await asyncio.to_thread(theirs.sendall, call if awaited else call[:2000])
        async with asyncio.timeout(SECONDS):
            await found.closed.wait()
        if awaited:
            with pytest.raises(Unavailable, match="it has ended"):
                await waiting
    await found.calls.close()
    assert found.asked == 0


async def test_calls_that_wait_are_bounded(ends: Ends) -> None:
    for number in range(MAX_UNANSWERED + 1):
        assert not ends.closed.is_set()
        await asyncio.to_thread(wire.send, ends.service, {"call": number, "op": "slow"})
    async with asyncio.timeout(SECONDS):
        await ends.closed.wait()
    assert ends.asked == MAX_UNANSWERED
