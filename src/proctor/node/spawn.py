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

SPAWN_SECONDS = 45.0
_FRAME_SECONDS = 5.0
_LOST = Exited(code=255, drained=False, reason="the process that watched it has ended unexpectedly")


class Process:
    """A session's process. ``descriptors`` go with it when it is released, unless they were taken."""

    def __init__(self, connection: socket.socket, answer: Spawned, descriptors: list[int]) -> None:
        self.pid = answer.pid
        self.cgroup_id = answer.cgroup_id
        self.descriptors = descriptors
        self._connection = connection

    def take(self) -> list[int]:
        """The descriptors, which are the caller's to close from now on."""
        taken, self.descriptors = self.descriptors, []
        return taken

    async def wait(self, unrecorded: Callable[[], None]) -> Exited:
        """How it ended; ``drained`` is false when its monitor has gone without telling.

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
        """Send a signal to its process group."""
        with contextlib.suppress(OSError):
            wire.send(self._connection, to_builtins(SendSignal(signal=name)))

    def kill(self) -> None:
        """Kill all processes of its session, wherever they are."""
        with contextlib.suppress(OSError):
            wire.send(self._connection, to_builtins(SendSignal(signal="KILL", everyone=True)))

    def follow(self) -> None:
        """Have the network policy of the access bundle hold for it from now on, or have it ended."""
        with contextlib.suppress(OSError):
            wire.send(self._connection, to_builtins(Follow()))

    def hang_up(self) -> None:
        """Tell the monitor that nobody listens any more; ``wait`` still reports the end."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    def release(self) -> None:
        """Close the connection; the process is hung up if it still runs."""
        self._connection.close()
        for descriptor in self.take():
            os.close(descriptor)


async def spawn(privileged: PrivilegedConnection, request: Spawn) -> Process:
    """Start a process for the user of the SSH connection. Raises AccessDenied (refused) or Unavailable."""
    connection = privileged.open_session()
    try:
        connection.settimeout(_FRAME_SECONDS)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused: see the answer
            wire.send(connection, to_builtins(request))
        received = await asyncio.wait_for(_receive(connection), SPAWN_SECONDS)
        if received is None:
            raise Unavailable("the spawn service of this node broke off")
        message, descriptors = received
        return Process(connection, _accepted(message, descriptors), descriptors)
    except (OSError, TimeoutError, wire.FrameError) as error:
        connection.close()
        raise Unavailable(f"the spawn service of this node failed: {error}") from None
    except BaseException:
        connection.close()
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
