"""Frames of ``core.wire`` on a socket that is never waited for, descriptors included, for the spawner."""

from __future__ import annotations

import array
import os
import socket
from collections.abc import Iterator

from proctor.core import wire

_CHUNK = 256 << 10
MAX_PENDING = 1
"""Descriptors that wait for the end of their frame: no request comes with more."""

SEND_SECONDS = 1.0


class RequestChannel:
    """One connection of the node."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._buffer = bytearray()
        self._descriptors: list[int] = []

    @property
    def waiting(self) -> int:
        """Bytes of a frame that has not arrived whole."""
        return len(self._buffer)

    def fileno(self) -> int:
        """For ``poll``."""
        return self._connection.fileno()

    def receive(self) -> Iterator[tuple[wire.Message, list[int]]]:
        """Frames that have arrived whole, with the descriptors that came until then, which the caller owns.

        Raises EOFError at the end of the stream, FrameError for what is no frame, OSError.
        """
        control_bytes = socket.CMSG_SPACE(wire.MAX_DESCRIPTORS * array.array("i").itemsize)
        try:
            data, control, flags, _ = self._connection.recvmsg(_CHUNK, control_bytes, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        for level, kind, raw in control:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                rights = array.array("i")
                rights.frombytes(raw[: len(raw) - len(raw) % rights.itemsize])
                self._descriptors.extend(rights)
        if flags & socket.MSG_CTRUNC or len(self._descriptors) > MAX_PENDING:
            raise wire.FrameError("too many descriptors")
        if not data:
            raise EOFError
        self._buffer += data
        while (frame := self._next()) is not None:
            descriptors, self._descriptors = self._descriptors, []
            try:
                message = wire.decode(frame)
            except wire.FrameError:
                close_all(descriptors)
                raise
            yield message, descriptors

    def _next(self) -> bytes | None:
        if len(self._buffer) < wire.HEADER.size:
            return None
        end = wire.HEADER.size + wire.body_length(bytes(self._buffer[: wire.HEADER.size]))
        if len(self._buffer) < end:
            return None
        frame = bytes(self._buffer[wire.HEADER.size : end])
        del self._buffer[:end]
        return frame

    def send(self, message: wire.Message) -> None:
        """Send one frame; OSError when the peer does not take it soon."""
        self._connection.settimeout(SEND_SECONDS)
        try:
            wire.send(self._connection, message)
        finally:
            self._connection.setblocking(False)

    def close(self) -> None:
        """Close the connection, and descriptors that were not taken."""
        self._connection.close()
        close_all(self._descriptors)
        self._descriptors = []


def as_socket(descriptor: int) -> socket.socket:
    """A socket of our own for what the peer sent as ``descriptor``; OSError when it is something else."""
    own = os.dup(descriptor)
    try:
        return socket.socket(fileno=own)
    except OSError:
        os.close(own)
        raise


def close_all(descriptors: list[int]) -> None:
    """Close each of ``descriptors``."""
    for descriptor in descriptors:
        os.close(descriptor)
