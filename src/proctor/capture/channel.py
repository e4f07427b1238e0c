# SPDX-License-Identifier: Apache-2.0
"""Frames of ``core.wire`` on a non-blocking socket, descriptors included, for the capture service."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from proctor.core import wire
from proctor.core.accept import readable

_CHUNK = 64 * 1024
MAX_PENDING = 1
"""Descriptors that wait for the end of their frame: no request comes with more."""


class PeerChannel:
    """One connection; one task reads, others may send."""

    def __init__(self, connection: socket.socket, longest: int = wire.MAX_FRAME) -> None:
        """``longest``: bytes of the longest frame that is taken."""
        connection.setblocking(False)
        self._connection = connection
        self._decoder = wire.FrameDecoder(longest, MAX_PENDING)
        self._sending = asyncio.Lock()

    async def receive(self) -> tuple[wire.Message, list[int]] | None:
        """The next frame with its descriptors, which the caller owns; None at the end of the stream.

        Raises FrameError for what is not a frame.
        """
        while (found := self._decoder.message()) is None:
            data, descriptors = await self._available()
            self._decoder.feed(data, descriptors)
            if not data:
                self._decoder.finish()
                return None
        return found

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
        self._decoder.close()

    async def _available(self) -> tuple[bytes, list[int]]:
        while True:
            try:
                return wire.receive_available(self._connection, _CHUNK)
            except BlockingIOError:
                await readable(self._connection)
