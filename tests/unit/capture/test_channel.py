# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator

import pytest

from proctor.capture.channel import PeerChannel
from proctor.core import wire


@pytest.fixture
async def ends() -> AsyncIterator[tuple[PeerChannel, socket.socket]]:
    ours, theirs = socket.socketpair()
    channel = PeerChannel(ours)
    yield channel, theirs
    channel.close()
    theirs.close()


async def test_frames_with_descriptors(ends: tuple[PeerChannel, socket.socket]) -> None:
    channel, peer = ends
    read, write = os.pipe()
    wire.send(peer, {"op": "one"}, [write])
    wire.send(peer, {"op": "two"})
    os.close(write)

    received = await channel.receive()
    assert received is not None
    message, [passed] = received
    os.write(passed, b"x")
    os.close(passed)

    assert message == {"op": "one"}
    assert os.read(read, 10) == b"x"
    assert await channel.receive() == ({"op": "two"}, [])
    os.close(read)


async def test_frame_in_pieces(ends: tuple[PeerChannel, socket.socket]) -> None:
    channel, peer = ends
    frame = wire.encode({"op": "slow"})
    receiving = asyncio.ensure_future(channel.receive())
    for index in range(len(frame)):
        peer.send(frame[index : index + 1])
        await asyncio.sleep(0)

    assert await receiving == ({"op": "slow"}, [])


async def test_end_of_stream(ends: tuple[PeerChannel, socket.socket]) -> None:
    channel, peer = ends
    peer.shutdown(socket.SHUT_WR)

    assert await channel.receive() is None


@pytest.mark.parametrize(
    "junk",
    [
        b"\0\x01\0\0" + b"[" * (1 << 16),
        b"\xff\xff\xff\xff",
        b"\0\0\0\x02{]",
        b"\0\0\0\x02[]",
        b"\0\0",
        b"\0\0\0\x05{",
    ],
)
async def test_junk(ends: tuple[PeerChannel, socket.socket], junk: bytes) -> None:
    channel, peer = ends
    peer.send(junk)
    peer.shutdown(socket.SHUT_WR)

    with pytest.raises(wire.FrameError):
        await channel.receive()


async def test_descriptors_of_a_bad_frame_are_closed(ends: tuple[PeerChannel, socket.socket]) -> None:
    channel, peer = ends
    read, write = os.pipe()
    socket.send_fds(peer, [b"\0\0\0\x02[]"], [write])
    os.close(write)

    with pytest.raises(wire.FrameError):
        await channel.receive()

    assert os.read(read, 1) == b""
    os.close(read)


@pytest.mark.parametrize("nested", [0, 1 << 16])
async def test_descriptors_do_not_add_up(ends: tuple[PeerChannel, socket.socket], nested: int) -> None:
    """One for each byte of a frame that does not end, and one with a frame that no parser takes."""
    channel, peer = ends
    read, write = os.pipe()
    if nested:
        socket.send_fds(peer, [wire.HEADER.pack(nested)], [write])
        peer.send(b"[" * nested)
    else:
        peer.send(wire.HEADER.pack(100))
        for _ in range(2):
            socket.send_fds(peer, [b" "], [write])
    os.close(write)

    with pytest.raises(wire.FrameError):
        await channel.receive()
    channel.close()

    assert os.read(read, 1) == b""
    os.close(read)


async def test_longest_frame() -> None:
    ours, theirs = socket.socketpair()
    channel = PeerChannel(ours, longest=100)
    theirs.send(wire.HEADER.pack(101))

    with pytest.raises(wire.FrameError, match="limit 100"):
        await channel.receive()
    channel.close()
    theirs.close()


async def test_large_frames_wait_for_the_reader(ends: tuple[PeerChannel, socket.socket]) -> None:
    channel, peer = ends
    frame = wire.encode({"text": "x" * (1 << 20)})
    sending = asyncio.ensure_future(channel.send(frame))
    received = await asyncio.to_thread(wire.receive, peer)
    await sending

    assert received == ({"text": "x" * (1 << 20)}, [])


async def test_shutdown_ends_the_reader(ends: tuple[PeerChannel, socket.socket]) -> None:
    channel, _ = ends
    receiving = asyncio.ensure_future(channel.receive())
    await asyncio.sleep(0)
    channel.shutdown()

    assert await receiving is None
