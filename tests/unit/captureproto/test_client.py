# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from proctor.captureproto.capture_messages import Drained, KernelEvents, Subscribed
from proctor.captureproto.client import CaptureClient, SessionCapture
from proctor.core import unixsock, wire
from proctor.core.errors import Unavailable

SID = "86aca627-971d-4883-854d-d309ba04c658"
HELLO = {"op": "subscribed", "instance": "one", "sessions": [SID]}
BATCH = {"op": "events", "sid": SID, "seq": 1, "counts": {"command": 1}, "lost": {}}
END = {"op": "drained", "sid": SID, "seq": 2, "lost": {"disk": 1}}


@asynccontextmanager
async def server(path: Path, *scripts: list[wire.Message]) -> AsyncIterator[list[wire.Message]]:
    """Sends one script to each connection in turn and hangs up; collects what clients say."""
    heard: list[wire.Message] = []
    waiting = list(scripts)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def hear() -> None:
            header = await reader.readexactly(wire.HEADER.size)
            heard.append(wire.decode(await reader.readexactly(wire.body_length(header))))

        script = waiting.pop(0) if waiting else []
        with closing(writer), suppress(asyncio.IncompleteReadError):
            await hear()
            for message in script:
                writer.write(wire.encode(message))
                if "seq" in message:
                    await hear()

    listening = unixsock.listen(path)
    async with await asyncio.start_unix_server(converse, sock=listening):
        yield heard


async def test_stream_over_reconnections(tmp_path: Path) -> None:
    client = CaptureClient(tmp_path / "socket")
    received = []
    scripts: tuple[list[dict[str, Any]], ...] = ([HELLO, BATCH], [HELLO, BATCH, END])
    async with server(tmp_path / "socket", *scripts) as heard, aclosing(client.subscribe()) as deliveries:
        async for delivery in deliveries:
            received.append(delivery)
            client.acknowledge(delivery)
            if isinstance(delivery, Drained):
                break

    hello = Subscribed(instance="one", sessions=[SID])
    batch = KernelEvents(sid=SID, seq=1, counts={"command": 1})
    assert received == [hello, batch, hello, batch, Drained(sid=SID, seq=2, lost={"disk": 1})]
    acks = [message for message in heard if message["op"] == "ack"]
    assert acks[:2] == [{"op": "ack", "sid": SID, "seq": 1}] * 2


async def test_subscribe_waits_for_the_service(tmp_path: Path) -> None:
    client = CaptureClient(tmp_path / "socket")
    async with aclosing(client.subscribe()) as messages:
        first = asyncio.ensure_future(anext(messages))
        await asyncio.sleep(0)
        async with server(tmp_path / "socket", [HELLO]):
            assert await asyncio.wait_for(first, 5) == Subscribed(instance="one", sessions=[SID])


async def test_status(tmp_path: Path) -> None:
    client = CaptureClient(tmp_path / "socket")
    with pytest.raises(Unavailable, match="does not answer"):
        await client.status()
    async with server(tmp_path / "socket", [{"ok": True, "sessions": {}}]):
        assert await client.status() == {"ok": True, "sessions": {}}


def answering(path: Path, *answers: wire.Message) -> Callable[[], list[wire.Message]]:
    """A blocking service of one connection; the result joins it and returns the requests."""
    listening = unixsock.listen(path)
    requests: list[wire.Message] = []

    def serve() -> None:
        with listening, listening.accept()[0] as connection:
            for answer in answers:
                received = wire.receive(connection)
                assert received is not None
                message, descriptors = received
                for descriptor in descriptors:
                    os.close(descriptor)
                requests.append({**message, "descriptors": len(descriptors)})
                wire.send(connection, answer)

    thread = threading.Thread(target=serve)
    thread.start()

    def finish() -> list[wire.Message]:
        thread.join()
        return requests

    return finish


def test_monitor(tmp_path: Path) -> None:
    finish = answering(
        tmp_path / "socket", {"ok": True, "number": 3}, {"ok": True, "seq": 4, "lost": {"disk": 2}}
    )
    pidfd = os.pidfd_open(os.getpid())

    with SessionCapture(tmp_path / "socket") as capture:
        capture.open(SID, cgroup=Path("/cgroup2/x"), cgroup_id=7, pidfd=pidfd, kinds=["command"])
        assert capture.close(SID) == Drained(sid=SID, seq=4, lost={"disk": 2})

    os.close(pidfd)
    opened, closed = finish()
    assert opened == {
        "op": "open",
        "sid": SID,
        "cgroup": "/cgroup2/x",
        "cgroup_id": 7,
        "kinds": ["command"],
        "strict": False,
        "network": None,
        "descriptors": 1,
    }
    assert closed == {"op": "close", "sid": SID, "descriptors": 0}


def test_refusal_has_the_reason(tmp_path: Path) -> None:
    finish = answering(tmp_path / "socket", {"ok": False, "error": "the kernel says no"})
    with (
        SessionCapture(tmp_path / "socket") as capture,
        pytest.raises(Unavailable, match="the kernel says no"),
    ):
        capture.close(SID)
    finish()


def test_service_that_hangs_up(tmp_path: Path) -> None:
    finish = answering(tmp_path / "socket")
    with SessionCapture(tmp_path / "socket") as capture, pytest.raises(Unavailable):
        capture.close(SID)
    finish()


def test_no_service(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        SessionCapture(tmp_path / "socket")
