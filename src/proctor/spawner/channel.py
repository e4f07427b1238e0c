# SPDX-License-Identifier: Apache-2.0
"""Frames of ``core.wire`` on a socket that is never waited for, descriptors included, for the spawner."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

from proctor.core import wire
from proctor.spawner import timeouts

MAX_PENDING = 1
"""Descriptors that wait for the end of their frame: no request comes with more."""


class RequestChannel:
    """One connection of the node."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._decoder = wire.FrameDecoder(most_descriptors=MAX_PENDING)

    @property
    def waiting(self) -> int:
        """Bytes of a frame that has not arrived whole."""
        return self._decoder.waiting

    def fileno(self) -> int:
        """For ``poll``."""
        return self._connection.fileno()

    def receive(self) -> Iterator[tuple[wire.Message, list[int]]]:
        """Frames that have arrived whole, with the descriptors that came until then, which the caller owns.

        Raises EOFError at the end of the stream, FrameError for what is no frame, OSError.
        """
        try:
            data, descriptors = wire.receive_available(self._connection)
        except BlockingIOError:
            return
        self._decoder.feed(data, descriptors)
        if not data:
            raise EOFError
        while (found := self._decoder.message()) is not None:
            yield found

    def send(self, message: wire.Message) -> None:
        """Send one frame; OSError when the peer does not take it soon."""
        self._connection.settimeout(timeouts.SEND)
        try:
            wire.send(self._connection, message)
        finally:
            self._connection.setblocking(False)

    def close(self) -> None:
        """Close the connection, and descriptors that were not taken."""
        self._connection.close()
        self._decoder.close()


def as_socket(descriptor: int) -> socket.socket:
    """A socket of our own for what the peer sent as ``descriptor``; OSError when it is something else."""
    own = os.dup(descriptor)
    try:
        return socket.socket(fileno=own)
    except OSError:
        os.close(own)
        raise
