"""The line between the supervisor and one service: a socket pair that carries frames of ``core.wire``.

The supervisor sends one frame, what to do; the service answers one frame, ``{"ready": …}`` or
``{"failed": …}``. Afterwards the end of the stream tells each that the other is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable
from typing import Any

from proctor.core import wire
from proctor.core.errors import ProctorError
from proctor.runtime.privileges import linux

STDIN = 0
DRAIN_SECONDS = 10.0
"""How long sessions and requests may go on after the signal to stop."""

HANGUP_SECONDS = 20.0
"""How long a service may take after that to hang up and store what it knows."""

_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/nonexistent",  # the uid of a service need not have an entry in passwd
    "GRPC_VERBOSITY": "NONE",
}
_INHERITED = ("PYTHONPATH", "TZ")


class ServiceFailed(ProctorError):
    """A service said that it cannot start, or ended without a word; ``retry``: another time it may."""

    def __init__(self, message: str, *, hint: str = "", retry: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.retry = retry


class Child:
    """The supervisor's end: one process of one service."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, channel: socket.socket) -> None:
        self.name = name
        self._process = process
        self._channel = channel

    @classmethod
    async def start(cls, module: str, name: str, boot: bytes) -> Child:
        """Run ``module`` with ``name`` as its only argument and hand it ``boot``."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                module,
                name,
                stdin=theirs.fileno(),
                env=_ENVIRONMENT | {name: os.environ[name] for name in _INHERITED if name in os.environ},
                start_new_session=True,
            )
        ours.setblocking(False)
        child = cls(name, process, ours)
        with contextlib.suppress(ConnectionError):  # its early end shows in ``answer``
            frame = wire.HEADER.pack(len(boot)) + boot
            await asyncio.get_running_loop().sock_sendall(ours, frame)
        return child

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def answer(self) -> dict[str, Any]:
        """What it reports when it is ready. Raises ServiceFailed."""
        header = await self._receive(wire.HEADER.size)
        message = wire.decode(await self._receive(wire.body_length(header)))
        if "failed" in message:
            hint, retry = str(message.get("hint", "")), bool(message.get("retry"))
            raise ServiceFailed(str(message["failed"]), hint=hint, retry=retry)
        return message

    async def _receive(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            part = await asyncio.get_running_loop().sock_recv(self._channel, length - len(data))
            if not part:
                how = ended(await self._process.wait())
                raise ServiceFailed(f"the {self.name} service ended before it was ready ({how})")
            data += part
        return data

    async def wait(self) -> int:
        """Its exit status, negative for a signal."""
        status = await self._process.wait()
        self._channel.close()
        return status

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing when it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def stop(self, seconds: float) -> int:
        """SIGTERM, then SIGKILL after ``seconds``; its exit status."""
        self.signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.wait(), seconds)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            return await self.wait()


def ended(status: int) -> str:
    """An exit status for people: ``exit status 1``, ``killed by SIGKILL``."""
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


class Line:
    """The service's end."""

    def __init__(self) -> None:
        """Take over standard input, which then reads as empty; end with the supervisor from now on."""
        linux.die_with_parent(signal.SIGKILL)
        if not stat.S_ISSOCK(os.fstat(STDIN).st_mode):
            sys.exit("services are started by: teleport start")
        self._socket = socket.socket(fileno=os.dup(STDIN))
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, STDIN)
        os.close(null)

    def receive(self) -> bytes:
        """The boot; SystemExit when the supervisor is gone already."""
        with self._socket.dup() as connection:
            stream = connection.makefile("rb")
            header = stream.read(wire.HEADER.size)
            body = stream.read(wire.body_length(header)) if len(header) == wire.HEADER.size else b""
        if not body:
            sys.exit(1)
        return body

    def ready(self, **details: object) -> None:
        """Report that the service works; ``details`` reach the supervisor."""
        linux.die_with_parent(signal.SIGKILL)  # a change of uid has undone the first
        wire.send(self._socket, {"ready": True, **details})

    def failed(self, error: ProctorError, *, retry: bool = False) -> None:
        """Report why the service does not start."""
        with contextlib.suppress(BrokenPipeError):
            wire.send(self._socket, {"failed": error.message, "hint": error.hint, "retry": retry})

    def watch(self, gone: Callable[[], None]) -> None:
        """Call ``gone`` in the running event loop when the supervisor is no more."""
        loop = asyncio.get_running_loop()

        def readable() -> None:
            loop.remove_reader(self._socket)
            gone()

        loop.add_reader(self._socket, readable)
