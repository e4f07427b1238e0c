# SPDX-License-Identifier: Apache-2.0
"""The supervisor's end: one process of one service, started by us or by a supervisor before."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

from proctor.core import wire
from proctor.core.errors import ProctorError, Unavailable
from proctor.runtime.service_channel import Calls, Handler
from proctor.runtime.supervisor.resume import SavedProcess

START_SECONDS = 300.0
"""In which a service starts: capture may wait for the verifier, auth for an index that is made again."""

LONGEST_CALL = 64 << 10
"""Bytes of a call by a service; what it hands over to its successor is a reply."""

_LONGEST_REPORT = 1 << 20
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/nonexistent",  # the uid of a service need not have an entry in passwd
    "GRPC_VERBOSITY": "NONE",
}
_INHERITED = ("PYTHONPATH", "TZ")
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


class ServiceFailed(ProctorError):
    """A service said that it cannot start, or ended without a word; ``retry``: another time it may."""

    def __init__(self, message: str, *, hint: str = "", retry: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.retry = retry


class ServiceProcess:
    """A child process, followed by its pidfd, so that it need not be one that this program image started."""

    def __init__(self, name: str, pid: int, channel: socket.socket) -> None:
        """``channel``: our end of the socket pair."""
        channel.setblocking(False)
        self.name = name
        self.pid = pid
        self.channel = channel
        self._status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._pidfd = os.pidfd_open(pid)
        self._calls: Calls | None = None
        asyncio.get_running_loop().add_reader(self._pidfd, self._reap)

    @classmethod
    async def start(
        cls, module: str, name: str, boot: bytes, descriptors: Sequence[int] = ()
    ) -> ServiceProcess:
        """Run ``module`` with ``name`` as its only argument, and hand it ``boot`` and ``descriptors``."""
        ours, theirs = socket.socketpair()
        with theirs:
            argv = [sys.executable, "-P", "-m", module, name]
            pid = os.posix_spawn(  # noqa: ASYNC221 - it returns with the exec of the child
                sys.executable,
                argv,
                _ENVIRONMENT | {key: os.environ[key] for key in _INHERITED if key in os.environ},
                file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0)],
                setsid=True,
                setsigdef=_IGNORED_BY_PYTHON,
            )
        process = cls(name, pid, ours)
        with contextlib.suppress(ConnectionError):  # its early end shows in ``answer``
            await process._hand_over(boot, descriptors)
        return process

    async def _hand_over(self, boot: bytes, descriptors: Sequence[int]) -> None:
        frame = wire.frame(boot)
        sent = socket.send_fds(self.channel, [frame[: wire.HEADER.size]], list(descriptors))
        await asyncio.get_running_loop().sock_sendall(self.channel, frame[sent:])

    async def answer(self, seconds: float = START_SECONDS) -> dict[str, Any]:
        """Wait for its report of readiness for ``seconds`` at most. Raises ServiceFailed."""
        try:
            async with asyncio.timeout(seconds):
                message = await self._receive()
        except TimeoutError:
            raise ServiceFailed(
                f"the {self.name} service has not started within {seconds:g} s", retry=True
            ) from None
        except wire.FrameError as error:
            raise ServiceFailed(f"the {self.name} service does not report properly: {error}") from None
        if "failed" in message:
            hint, retry = str(message.get("hint", "")), bool(message.get("retry"))
            raise ServiceFailed(str(message["failed"]), hint=hint, retry=retry)
        return message

    async def _receive(self) -> wire.Message:
        decoder = wire.FrameDecoder(_LONGEST_REPORT, most_descriptors=0)
        while (found := decoder.message()) is None:
            data = await asyncio.get_running_loop().sock_recv(self.channel, decoder.wanted)
            if not data:
                how = ended(await self.wait())
                raise ServiceFailed(f"the {self.name} service ended before it was ready ({how})")
            decoder.feed(data)
        return found[0]

    def serve(self, handler: Handler) -> None:
        """Take calls of the process from now on, and allow ``call``."""
        self._calls = Calls(self.channel, handler, lambda: None, longest_call=LONGEST_CALL)

    async def call(self, operation: str, *, seconds: float, returns: str = "", **fields: Any) -> wire.Message:
        """Ask the process, as ``Calls.call`` does; raises Unavailable."""
        if self._calls is None:
            raise Unavailable("it has not started yet")
        return await self._calls.call(operation, seconds=seconds, returns=returns, **fields)

    async def detach(self, slot: int) -> SavedProcess:
        """Leave it to another program, which adopts it by this."""
        if self._calls is not None:
            await self._calls.pause()
        return SavedProcess(pid=self.pid, channel=self.channel.fileno(), slot=slot)

    async def wait(self) -> int:
        """Its exit status, negative for a signal."""
        status = await asyncio.shield(self._status)
        if self._calls is not None:
            await self._calls.close()
        self.channel.close()
        return status

    @property
    def running(self) -> bool:
        """Has it not ended?"""
        return not self._status.done()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing when it has ended."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.signal(signal.SIGKILL)

    async def stop(self, seconds: float) -> int:
        """SIGTERM, then SIGKILL after ``seconds``; its exit status."""
        self.signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.wait(), seconds)
        except TimeoutError:
            self.kill()
            return await self.wait()

    def _reap(self) -> None:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._status.set_result(os.waitstatus_to_exitcode(status))


def ended(status: int) -> str:
    """An exit status for people: ``exit status 1``, ``killed by SIGKILL``."""
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
