"""Frames of ``core.wire`` on a non-blocking socket, descriptors included, for the capture service."""

from __future__ import annotations

import array
import asyncio
import contextlib
import os
import socket

from proctor.core import wire

_CHUNK = 64 * 1024
MAX_PENDING = 1
"""Descriptors that wait for the end of their frame: no request comes with more."""


class PeerChannel:
    """One connection; one task reads, others may send."""

    def __init__(self, connection: socket.socket, longest: int = wire.MAX_FRAME) -> None:
        """``longest``: bytes of the longest frame that is taken."""
        connection.setblocking(False)
        self._longest = longest
        self._connection = connection
        self._buffer = bytearray()
        self._descriptors: list[int] = []
        self._sending = asyncio.Lock()

    async def receive(self) -> tuple[wire.Message, list[int]] | None:
        """The next frame with its descriptors, which the caller owns; None at the end of the stream.

        Raises FrameError for what is not a frame.
        """
        while (frame := self._next()) is None:
            if not await self._read():
                if self._buffer:
                    raise wire.FrameError("connection closed inside a frame")
                return None
        descriptors, self._descriptors = self._descriptors, []
        try:
            return wire.decode(frame), descriptors
        except wire.FrameError:
            close_all(descriptors)
            raise

    async def send(self, frame: bytes) -> None:
        """Send a whole frame; waits while the peer does not read. Raises OSError."""
        async with self._sending:
            await asyncio.get_running_loop().sock_sendall(self._connection, frame)

    def shutdown(self) -> None:
        """Make the reader of this channel see the end of the stream."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection, and descriptors that were not taken."""
        self._connection.close()
        close_all(self._descriptors)
        self._descriptors = []

    def _next(self) -> bytes | None:
        if len(self._buffer) < wire.HEADER.size:
            return None
        length = wire.body_length(bytes(self._buffer[: wire.HEADER.size]))
        if length > self._longest:
            raise wire.FrameError(f"frame of {length} bytes, limit {self._longest}")
        end = wire.HEADER.size + length
        if len(self._buffer) < end:
            return None
        frame = bytes(self._buffer[wire.HEADER.size : end])
        del self._buffer[:end]
        return frame

    async def _read(self) -> bool:
        """Take what has arrived; False at the end of the stream."""
        space = socket.CMSG_SPACE(wire.MAX_DESCRIPTORS * array.array("i").itemsize)
        while True:
            try:
                data, control, flags, _ = self._connection.recvmsg(_CHUNK, space, socket.MSG_CMSG_CLOEXEC)
                break
            except BlockingIOError:
                await self._readable()
        for level, kind, raw in control:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                rights = array.array("i")
                rights.frombytes(raw[: len(raw) - len(raw) % rights.itemsize])
                self._descriptors.extend(rights)
        if flags & socket.MSG_CTRUNC or len(self._descriptors) > MAX_PENDING:
            raise wire.FrameError("too many descriptors, or more than this process can open")
        self._buffer += data
        return bool(data)

    async def _readable(self) -> None:
        loop, descriptor = asyncio.get_running_loop(), self._connection.fileno()
        ready = loop.create_future()
        loop.add_reader(descriptor, _resolve, ready)
        try:
            await ready
        finally:
            loop.remove_reader(descriptor)


def _resolve(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def close_all(descriptors: list[int]) -> None:
    """Close each of ``descriptors``."""
    for descriptor in descriptors:
        os.close(descriptor)
