"""Frames on local stream sockets: four bytes of length (big-endian), then JSON; descriptors ride along.

Used between node, spawn helper and capture. Standard library only.
"""

from __future__ import annotations

import array
import json
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any

HEADER = struct.Struct(">I")
MAX_FRAME = 16 * 1024 * 1024
MAX_DESCRIPTORS = 8

Message = dict[str, Any]


class FrameError(ValueError):
    """The peer sent something that is not a frame."""


def encode(message: Message) -> bytes:
    """One frame."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return HEADER.pack(len(body)) + body


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
    connection.sendall(data)


def receive(connection: socket.socket) -> tuple[Message, list[int]] | None:
    """Receive one frame, blocking, with its descriptors (close-on-exec); None at end of stream.

    Raises FrameError for a bad or torn frame; descriptors received until then are closed.
    """
    descriptors: list[int] = []
    try:
        body = _body(connection, descriptors)
        return (decode(body), descriptors) if body is not None else None
    except BaseException:
        for descriptor in descriptors:
            os.close(descriptor)
        raise


def receive_body(connection: socket.socket) -> tuple[bytes | None, list[int]]:
    """Receive the body of one frame, whatever it is, blocking, with its descriptors; None at end of stream.

    Raises FrameError.
    """
    descriptors: list[int] = []
    return _body(connection, descriptors), descriptors


def _body(connection: socket.socket, descriptors: list[int]) -> bytes | None:
    header = _exactly(connection, HEADER.size, descriptors)
    return _exactly(connection, body_length(header), descriptors) if header else None


def _exactly(connection: socket.socket, length: int, descriptors: list[int]) -> bytes:
    data = bytearray()
    control_bytes = socket.CMSG_SPACE(MAX_DESCRIPTORS * array.array("i").itemsize)
    while len(data) < length:
        part, control, flags, _ = connection.recvmsg(
            length - len(data), control_bytes, socket.MSG_CMSG_CLOEXEC
        )
        for level, kind, raw in control:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                rights = array.array("i")
                rights.frombytes(raw[: len(raw) - len(raw) % rights.itemsize])
                descriptors.extend(rights)
        if flags & socket.MSG_CTRUNC or len(descriptors) > MAX_DESCRIPTORS:
            raise FrameError("too many descriptors, or more than this process can open")
        if not part:
            if data:
                raise FrameError("connection closed inside a frame")
            return b""
        data += part
    return bytes(data)
