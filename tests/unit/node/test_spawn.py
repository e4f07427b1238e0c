# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from proctor.core import wire
from proctor.node.spawn import MAX_UNSENT, FrameWriter
from proctor.spawnerproto.messages import Follow, SendSignal
from testing.polling import auntil

INT, KILL = SendSignal(signal="INT"), SendSignal(signal="KILL", everyone=True)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(5)
    with ours, theirs:
        yield ours, theirs


def frames(peer: socket.socket) -> list[wire.Message]:
    """Everything up to the end of the stream."""
    found = []
    while (received := wire.receive(peer)) is not None:
        found.append(received[0])
    return found


def stuff(writer: FrameWriter) -> int:
    """Send signals until they are dropped; how many were not."""
    for sent in range(10**6):
        before = len(writer._unsent)
        writer.send(INT, needed=False)
        if before > MAX_UNSENT:
            assert len(writer._unsent) == before
            return sent
    raise AssertionError("nothing was dropped")


async def test_frames_go_out_at_once(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    writer = FrameWriter(ours)
    writer.send(Follow())
    writer.end()

    assert frames(theirs) == [{"op": "follow"}]
    writer.close()


async def test_a_peer_that_does_not_read_is_not_waited_for(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    writer = FrameWriter(ours)
    sent = stuff(writer)
    writer.send(KILL)
    writer.end()
    theirs.setblocking(False)
    content = bytearray()

    def read() -> bool:
        while True:
            try:
                part = theirs.recv(1 << 20)
            except BlockingIOError:
                return False
            if not part:
                return True
            content.extend(part)

    await auntil(read)
    assert content.count(b'"INT"') == sent
    assert content.count(b'"KILL"') == 1
    assert content.endswith(wire.encode({"op": "signal", "signal": "KILL", "everyone": True}))
    writer.close()


async def test_a_peer_that_has_gone_is_ignored(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    writer = FrameWriter(ours)
    theirs.close()
    writer.send(KILL)
    writer.end()
    writer.close()
    writer.send(KILL)
