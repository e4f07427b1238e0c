# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from proctor.sshkit import forward
from proctor.sshkit.forward import Counts, Relays, Stream, pump, relay

PAYLOAD = bytes(range(256)) * 5000


class Pipe:
    """Two ends of a TCP connection on loopback."""

    def __init__(self, near: Stream, far: Stream) -> None:
        self.near, self.far = near, far

    @classmethod
    async def open(cls) -> Pipe:
        accepted: asyncio.Queue[Stream] = asyncio.Queue()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted.put_nowait(Stream(reader, writer))

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        near = Stream(*await asyncio.open_connection(*server.sockets[0].getsockname()))
        far = await accepted.get()
        server.close()
        return cls(near, far)


@pytest.fixture
async def pipes() -> AsyncIterator[tuple[Pipe, Pipe]]:
    first, second = await Pipe.open(), await Pipe.open()
    yield first, second
    for pipe in (first, second):
        pipe.near.sink.close()
        pipe.far.sink.close()


async def read_all(stream: Stream) -> bytes:
    data = b""
    while part := await stream.source.read(1 << 16):
        data += part
    return data


async def test_relay_counts_both_ways_and_passes_the_end_on(pipes: tuple[Pipe, Pipe]) -> None:
    client, server = pipes
    moved: list[int] = []

    async def converse() -> tuple[bytes, bytes]:
        client.near.sink.write(PAYLOAD)
        client.near.sink.write_eof()
        got = await read_all(server.near)
        server.near.sink.write(b"answer after the end")
        server.near.sink.write_eof()
        return got, await read_all(client.near)

    counts, (request, answer) = await asyncio.gather(relay(client.far, server.far, moved.append), converse())

    assert (request, answer) == (PAYLOAD, b"answer after the end")
    assert counts == Counts(len(PAYLOAD), len(b"answer after the end"))
    assert sum(moved) == sum(counts)


async def test_slow_reader_holds_the_pump_back(pipes: tuple[Pipe, Pipe]) -> None:
    client, server = pipes

    async def flood() -> None:
        for _ in range(400):
            client.near.sink.write(bytes(64 << 10))
            await client.near.sink.drain()

    moved = 0

    def count(size: int) -> None:
        nonlocal moved
        moved += size

    tasks = [
        asyncio.ensure_future(flood()),
        asyncio.ensure_future(pump(client.far.source, server.far.sink, count)),
    ]
    done, _ = await asyncio.wait(tasks, timeout=0.5)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)

    assert not done
    assert 0 < moved < 20 << 20


async def test_broken_connection_ends_the_relay(pipes: tuple[Pipe, Pipe]) -> None:
    client, server = pipes
    client.near.sink.write(b"x")
    writer = server.near.sink
    assert isinstance(writer, asyncio.StreamWriter)
    writer.transport.abort()
    client.near.sink.close()

    counts = await asyncio.wait_for(relay(client.far, server.far), 5)

    assert counts.received == 0


async def test_relays_end_with_their_connection(
    pipes: tuple[Pipe, Pipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other side may be silent for ever: asyncssh does not end what its connections have opened."""
    monkeypatch.setattr(forward, "LINGER_SECONDS", 0.01)
    client, server = pipes
    relays: Relays[str] = Relays()
    task = asyncio.create_task(relays.relay(client.far, server.far, "there"))
    client.near.sink.write(b"the last bytes")
    client.near.sink.close()
    assert await server.near.source.read(100) == b"the last bytes"
    assert not task.done()

    relays.connection_lost()

    assert await asyncio.wait_for(read_all(server.near), 5) == b""
    with pytest.raises(asyncio.CancelledError):
        await task
    assert relays.targets == set()


async def test_relays_are_cut_by_target(pipes: tuple[Pipe, Pipe]) -> None:
    client, server = pipes
    relays: Relays[str] = Relays()
    task = asyncio.create_task(relays.relay(client.far, server.far, "there"))
    await asyncio.sleep(0)
    assert relays.targets == {"there"}
    relays.cut("elsewhere")
    server.near.sink.write(b"still open")
    assert await client.near.source.read(100) == b"still open"

    relays.cut("there")

    with pytest.raises(asyncio.CancelledError):
        await task
    for end in (client.near, server.near):
        assert await asyncio.wait_for(read_all(end), 5) == b""
