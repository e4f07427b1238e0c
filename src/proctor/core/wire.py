# SPDX-License-Identifier: Apache-2.0
"""Frames on local stream sockets: four bytes of length (big-endian), then JSON; descriptors ride along.

Used between node, spawn helper and capture. Standard library only.
"""

from __future__ import annotations

import array
import json
import os
import socket
import struct
from collections.abc import Iterable, Sequence
from typing import Any

HEADER = struct.Struct(">I")
MAX_FRAME = 16 * 1024 * 1024
MAX_DESCRIPTORS = 8

_CHUNK = 256 << 10
_CONTROL_BYTES = socket.CMSG_SPACE(MAX_DESCRIPTORS * array.array("i").itemsize)

Message = dict[str, Any]


class FrameError(ValueError):
    """The peer sent something that is not a frame."""


def frame(body: bytes) -> bytes:
    """``body`` behind its length."""
    return HEADER.pack(len(body)) + body


def encode(message: Message) -> bytes:
    """One frame."""
    return frame(json.dumps(message, separators=(",", ":")).encode())


def body_length(header: bytes) -> int:
    """Length announced by a header of four bytes; FrameError beyond MAX_FRAME."""
    (length,) = HEADER.unpack(header)
    if length > MAX_FRAME:
        raise FrameError(f"frame of {length} bytes, limit {MAX_FRAME}")
    return int(length)


def decode(body: bytes) -> Message:
    """The message in a frame's body; FrameError when it is not a JSON object."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"frame is not JSON: {error}") from None
    if not isinstance(message, dict):
        raise FrameError("frame is not a JSON object")
    return message


def send(connection: socket.socket, message: Message, descriptors: Sequence[int] = ()) -> None:
    """Send one frame, blocking; ``descriptors`` travel with its first byte."""
    data = encode(message)
    if descriptors:
        rights = array.array("i", descriptors)
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)]
        sent = connection.sendmsg([data], control)
        data = data[sent:]
    if data:  # sending nothing fails as well when the other side has taken the frame and left
        connection.sendall(data)


class FrameDecoder:
    """Split what arrives on a stream into frames; does no I/O.

    It owns the descriptors that it was given until they are returned with a frame.
    """

    def __init__(self, longest: int = MAX_FRAME, most_descriptors: int = MAX_DESCRIPTORS) -> None:
        """``longest``: bytes of the longest body. ``most_descriptors``: that wait for the end of a frame."""
        self._longest = longest
        self._most_descriptors = most_descriptors
        self._buffer = bytearray()
        self._descriptors: list[int] = []

    @property
    def waiting(self) -> int:
        """Bytes of a frame that has not arrived whole."""
        return len(self._buffer)

    @property
    def wanted(self) -> int:
        """Return the number of bytes to read next, at least 1, none of the next frame. Raises FrameError."""
        end = HEADER.size if len(self._buffer) < HEADER.size else self._end()
        return max(1, min(end - len(self._buffer), _CHUNK))

    def feed(self, data: bytes, descriptors: Sequence[int] = ()) -> None:
        """Take what has arrived. Raises FrameError for more descriptors than may wait."""
        self._descriptors += descriptors
        if len(self._descriptors) > self._most_descriptors:
            raise FrameError("too many descriptors")
        self._buffer += data

    def finish(self) -> None:
        """The stream has ended: FrameError when that was inside a frame."""
        if self._buffer:
            raise FrameError("connection closed inside a frame")

    def body(self) -> tuple[bytes, list[int]] | None:
        """The body of the next frame, and the descriptors that came until then, which the caller owns.

        None while it has not arrived whole. Raises FrameError when it is too long.
        """
        if len(self._buffer) < HEADER.size or len(self._buffer) < (end := self._end()):
            return None
        body = bytes(self._buffer[HEADER.size : end])
        del self._buffer[:end]
        descriptors, self._descriptors = self._descriptors, []
        return body, descriptors

    def message(self) -> tuple[Message, list[int]] | None:
        """As ``body``, decoded; FrameError, with its descriptors closed, when it is not a JSON object."""
        found = self.body()
        if found is None:
            return None
        try:
            return decode(found[0]), found[1]
        except FrameError:
            close_all(found[1])
            raise

    def close(self) -> None:
        """Close descriptors that were not returned."""
        close_all(self._descriptors)
        self._descriptors = []

    def _end(self) -> int:
        length = body_length(bytes(self._buffer[: HEADER.size]))
        if length > self._longest:
            raise FrameError(f"frame of {length} bytes, limit {self._longest}")
        return HEADER.size + length


def receive_available(connection: socket.socket, size: int = _CHUNK) -> tuple[bytes, list[int]]:
    """Receive at most ``size`` bytes and the descriptors (close-on-exec) that come with them.

    No bytes: the end of the stream. Raises FrameError when descriptors were lost, and OSError.
    """
    data, control, flags, _ = connection.recvmsg(size, _CONTROL_BYTES, socket.MSG_CMSG_CLOEXEC)
    descriptors = array.array("i")
    for level, kind, raw in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(raw[: len(raw) - len(raw) % descriptors.itemsize])
    if flags & socket.MSG_CTRUNC:
        close_all(descriptors)
        raise FrameError("too many descriptors, or more than this process can open")
    return data, list(descriptors)


def receive(
    connection: socket.socket, longest: int = MAX_FRAME, most_descriptors: int = MAX_DESCRIPTORS
) -> tuple[Message, list[int]] | None:
    """Receive one frame, blocking, with its descriptors (close-on-exec); None at end of stream.

    ``longest``, ``most_descriptors``: as for FrameDecoder. Raises FrameError for a bad or torn frame;
    descriptors received until then are closed.
    """
    found = receive_body(connection, longest, most_descriptors)
    if found is None:
        return None
    try:
        return decode(found[0]), found[1]
    except FrameError:
        close_all(found[1])
        raise


def receive_message(connection: socket.socket, longest: int = MAX_FRAME) -> Message | None:
    """As ``receive``, from a peer that has no descriptors to send: FrameError when one comes."""
    found = receive(connection, longest, 0)
    return found[0] if found else None


def receive_body(
    connection: socket.socket, longest: int = MAX_FRAME, most_descriptors: int = MAX_DESCRIPTORS
) -> tuple[bytes, list[int]] | None:
    """As ``receive``, with the body as it is."""
    decoder = FrameDecoder(longest, most_descriptors)
    try:
        while (found := decoder.body()) is None:
            data, descriptors = receive_available(connection, decoder.wanted)
            decoder.feed(data, descriptors)
            if not data:
                decoder.finish()
                return None
    except BaseException:
        decoder.close()
        raise
    return found


def close_all(descriptors: Iterable[int]) -> None:
    """Close each of ``descriptors``."""
    for descriptor in descriptors:
        os.close(descriptor)
