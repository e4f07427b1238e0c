# SPDX-License-Identifier: Apache-2.0
"""The node's side of a monitor: ask for a process, hear of its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable

import msgspec

from proctor.core import wire
from proctor.core.accept import readable
from proctor.core.errors import AccessDenied, Unavailable
from proctor.model.serde import convert, to_builtins
from proctor.node import timeouts
from proctor.node.privsep import PrivilegedConnection
from proctor.spawnerproto.messages import (
    Exited,
    Follow,
    SendSignal,
    SignalName,
    Spawn,
    Spawned,
    SpawnRejected,
)

MAX_UNSENT = 64 << 10
"""Bytes that wait for a monitor beyond which signals of the client are dropped."""

_LOST = Exited(code=255, drained=False, reason="the process that watched it has ended unexpectedly")


class FrameWriter:
    """Sends frames over a socket without waiting; what its peer does not read yet is kept, up to a limit."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._unsent = bytearray()
        self._ending = False

    def send(self, message: object, *, needed: bool = True) -> None:
        """Send ``message``, unless it is not ``needed`` and MAX_UNSENT bytes wait. A lost peer is ignored."""
        if self._ending or (len(self._unsent) > MAX_UNSENT and not needed):
            return
        self._unsent += wire.encode(to_builtins(message))
        if not self._write():
            self._loop.add_writer(self._connection, self._writable)

    def end(self) -> None:
        """Let the peer see the end of the stream after what was sent."""
        self._ending = True
        if not self._unsent:
            self._shut_down()

    def close(self) -> None:
        """Close the socket, dropping what was not sent."""
        self._loop.remove_writer(self._connection)
        self._connection.close()

    def _write(self) -> bool:
        """Send what fits now; True when nothing is left."""
        try:
            # Not through the socket object: with a timeout, it would wait.
            del self._unsent[: os.write(self._connection.fileno(), self._unsent)]
        except BlockingIOError:
            return False
        except OSError:  # EPIPE: the peer has gone
            self._unsent.clear()
        return not self._unsent

    def _writable(self) -> None:
        if self._write():
            self._loop.remove_writer(self._connection)
            if self._ending:
                self._shut_down()

    def _shut_down(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)


class Process:
    """A session's process. ``descriptors`` go with it when it is released, unless they were taken."""

    def __init__(
        self, connection: socket.socket, writer: FrameWriter, answer: Spawned, descriptors: list[int]
    ) -> None:
        self.pid = answer.pid
        self.cgroup_id = answer.cgroup_id
        self.attestation = answer.attestation
        self.descriptors = descriptors
        self._connection = connection
        self._writer = writer

    def take(self) -> list[int]:
        """The descriptors, which are the caller's to close from now on."""
        taken, self.descriptors = self.descriptors, []
        return taken

    async def wait(self, unrecorded: Callable[[], None]) -> Exited:
        """How it ended; ``drained`` is false when its monitor has ended without a word.

        ``unrecorded`` is called when capture ends before.
        """
        try:
            while (received := await _receive(self._connection)) is not None:
                if received[0].get("op") != "capture_ended":
                    return convert(received[0], Exited)
                unrecorded()
        except (OSError, wire.FrameError, msgspec.ValidationError):
            return _LOST
        return _LOST

    def signal(self, name: SignalName) -> None:
        """Send a signal to its process group; dropped when the monitor does not keep up."""
        self._writer.send(SendSignal(signal=name), needed=False)

    def kill(self) -> None:
        """Kill all processes of its session, wherever they are."""
        self._writer.send(SendSignal(signal="KILL", everyone=True))

    def follow(self) -> None:
        """Have the network policy of the access bundle hold for it from now on, or have it ended."""
        self._writer.send(Follow())

    def hang_up(self) -> None:
        """Let the monitor hang the process up; ``wait`` still reports the end."""
        self._writer.end()

    def release(self) -> None:
        """Close the connection; the process is hung up if it still runs."""
        self._writer.close()
        for descriptor in self.take():
            os.close(descriptor)


async def spawn(privileged: PrivilegedConnection, request: Spawn) -> Process:
    """Start a process for the user of the SSH connection. Raises AccessDenied (refused) or Unavailable."""
    connection = privileged.open_session(request.sid)
    connection.settimeout(timeouts.MONITOR_FRAME)
    writer = FrameWriter(connection)
    try:
        writer.send(request)
        received = await asyncio.wait_for(_receive(connection), timeouts.SPAWN)
        if received is None:
            raise Unavailable("the spawn service of this node broke off")
        message, descriptors = received
        return Process(connection, writer, _accepted(message, descriptors), descriptors)
    except (OSError, TimeoutError, wire.FrameError) as error:
        writer.close()
        raise Unavailable(f"the spawn service of this node failed: {error}") from None
    except BaseException:
        writer.close()
        raise


def _accepted(message: wire.Message, descriptors: list[int]) -> Spawned:
    try:
        if message.get("ok"):
            return convert(message, Spawned)
        reason = convert(message, SpawnRejected).error
    except msgspec.ValidationError as error:
        reason = f"the spawn service of this node answered nonsense: {error}"
    for descriptor in descriptors:
        os.close(descriptor)
    raise AccessDenied(reason)


async def _receive(connection: socket.socket) -> tuple[wire.Message, list[int]] | None:
    """A frame; its sender writes frames whole, so that only its start is waited for."""
    await readable(connection)
    return wire.receive(connection)
