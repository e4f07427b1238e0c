# SPDX-License-Identifier: Apache-2.0
import json
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core import wire


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_message_and_descriptors_arrive_together(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    read_end, write_end = os.pipe()
    wire.send(ours, {"op": "spawn", "argv": ["a", "ü"]}, [write_end])
    os.close(write_end)
    received = wire.receive(theirs)
    assert received is not None
    message, (descriptor,) = received
    os.write(descriptor, b"x")
    os.close(descriptor)
    assert message == {"op": "spawn", "argv": ["a", "ü"]}
    assert os.read(read_end, 2) == b"x"
    os.close(read_end)


class LeavingReceiver(socket.socket):
    """A socket whose other side takes what is sent with descriptors, and closes at once."""

    other: socket.socket
    received: wire.Message

    def sendmsg(self, *arguments: Any) -> int:
        sent = super().sendmsg(*arguments)
        found = wire.receive(self.other)
        assert found is not None
        self.received = found[0]
        wire.close_all(found[1])
        self.other.close()
        return sent


def test_a_receiver_that_leaves_with_the_frame_is_no_error(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    with LeavingReceiver(fileno=ours.detach()) as sender:
        sender.other = theirs
        wire.send(sender, {"op": "spawned"}, [0])
        assert sender.received == {"op": "spawned"}
        with pytest.raises(BrokenPipeError):
            wire.send(sender, {"op": "spawned"})


def test_end_of_stream_between_frames_is_not_an_error(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    wire.send(ours, {"n": 1})
    ours.close()
    assert wire.receive(theirs) == ({"n": 1}, [])
    assert wire.receive(theirs) is None


@pytest.mark.parametrize(
    "data",
    [
        wire.encode({"n": 1})[:-1],
        wire.encode({"n": 1})[:2],
        wire.HEADER.pack(3) + b"[1]",
        wire.HEADER.pack(4) + b"\xff\xfe{}",
        wire.HEADER.pack(wire.MAX_FRAME + 1),
        wire.HEADER.pack(200_000) + b"[" * 200_000,
        wire.HEADER.pack(200_005) + b'{"a":' + b"[" * 200_000,
    ],
    ids=["torn body", "torn header", "not an object", "not UTF-8", "too long", "nested", "nested field"],
)
def test_bad_frames_are_refused(pair: tuple[socket.socket, socket.socket], data: bytes) -> None:
    ours, theirs = pair
    ours.sendall(data)
    ours.close()
    with pytest.raises(wire.FrameError):
        wire.receive(theirs)


def test_descriptors_of_a_bad_frame_are_closed(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    read_end, write_end = os.pipe()
    socket.send_fds(ours, [wire.HEADER.pack(3) + b"[1]"], [write_end])
    os.close(write_end)
    with pytest.raises(wire.FrameError):
        wire.receive(theirs)
    assert os.read(read_end, 1) == b"", "the writing end is still open"
    os.close(read_end)


def test_descriptors_do_not_add_up_in_a_frame(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    read_end, write_end = os.pipe()
    ours.sendall(wire.HEADER.pack(1000))
    for _ in range(4):
        socket.send_fds(ours, [b" "], [write_end] * 3)
    os.close(write_end)
    with pytest.raises(wire.FrameError, match="too many descriptors"):
        wire.receive(theirs)
    theirs.close()
    assert os.read(read_end, 1) == b"", "the writing end is still open"
    os.close(read_end)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), json_values))
def test_codec_round_trip(message: dict[str, object]) -> None:
    frame = wire.encode(message)
    assert wire.body_length(frame[: wire.HEADER.size]) == len(frame) - wire.HEADER.size
    assert wire.decode(frame[wire.HEADER.size :]) == json.loads(json.dumps(message))


@given(st.binary())
def test_any_body_decodes_or_is_refused(body: bytes) -> None:
    with suppress(wire.FrameError):
        assert isinstance(wire.decode(body), dict)


@given(st.lists(st.binary(max_size=40), max_size=6), st.data())
def test_frames_come_out_however_the_stream_is_cut(bodies: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(wire.frame, bodies))
    decoder, found = wire.FrameDecoder(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        decoder.feed(stream[:size])
        stream = stream[size:]
        while (frame := decoder.body()) is not None:
            found.append(frame[0])
    decoder.finish()
    assert found == bodies


def test_reader_that_takes_what_is_wanted_stays_within_the_frame() -> None:
    first, second = wire.encode({"n": 1}), wire.encode({"n": 2})
    stream, decoder = first + second, wire.FrameDecoder()
    while (found := decoder.message()) is None:
        size = decoder.wanted
        decoder.feed(stream[:size])
        stream = stream[size:]
    assert (found, stream, decoder.waiting) == (({"n": 1}, []), second, 0)


def test_frame_beyond_the_own_limit_is_refused() -> None:
    decoder = wire.FrameDecoder(longest=3)
    decoder.feed(wire.frame(b"{}  "))
    with pytest.raises(wire.FrameError, match="limit 3"):
        decoder.body()


def test_decoder_closes_descriptors_that_were_not_returned() -> None:
    read_end, write_end = os.pipe()
    decoder = wire.FrameDecoder(most_descriptors=1)
    decoder.feed(b"\0", [write_end])
    decoder.close()
    assert os.read(read_end, 1) == b""
    os.close(read_end)
