# SPDX-License-Identifier: Apache-2.0
"""The socket pair between the supervisor and one service, with frames of ``core.wire``.

It begins with one frame in each direction: the supervisor sends the boot, with listening sockets as
descriptors, and the service answers ``{"ready": true, …}`` or ``{"failed": sentence}``. From then on each
side calls the other: ``{"call": number, "op": name, …}`` is answered by ``{"reply": number, …}``. The end
of the stream shows each that the other is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import signal
import socket
import stat
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from proctor.core import linux, wire
from proctor.core.errors import ProctorError, Unavailable
from proctor.core.tasks import TaskSet

STDIN = 0
DRAIN_SECONDS = 10.0
"""How long sessions and requests may go on after the signal to stop."""

HANGUP_SECONDS = 20.0
"""How long a service may take after that to hang up and store what it knows."""

CALL_SECONDS = 5.0
MAX_UNANSWERED = 64
"""Calls of the other side that wait for their answers; whoever makes more is cut off."""

_MAX_NAME = 64
_PAUSE = 0.01
_log = logging.getLogger(__name__)

Handler = Callable[[str, wire.Message], Awaitable[Mapping[str, Any]]]
"""Answers a call: operation and arguments to the fields of the reply; raises ProctorError."""


class Calls:
    """Calls in both directions over an established channel, one at a time or many."""

    def __init__(
        self,
        connection: socket.socket,
        handler: Handler,
        closed: Callable[[], None],
        *,
        longest_call: int = wire.MAX_FRAME,
    ) -> None:
        """``closed`` is called once when the other side is gone.

        ``longest_call``: bytes of a call by the other side; it is cut off for a longer one, and for any
        longer frame while no reply of it is awaited.
        """
        connection.setblocking(False)
        self._connection = connection
        self._handler = handler
        self._closed = closed
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[wire.Message]] = {}
        self._sending = asyncio.Lock()
        self._tasks = TaskSet("channel")
        self._reader = TaskSet("channel")
        self._reader.spawn(self._receive(), name="frames")
        self._decoder = wire.FrameDecoder(most_descriptors=0)
        self._unanswered = 0
        self._longest_call = longest_call

    async def call(
        self, operation: str, *, seconds: float = CALL_SECONDS, returns: str = "", **fields: Any
    ) -> wire.Message:
        """Ask the other side; what it answers, or of that the object in the field ``returns``.

        Raises Unavailable when it is gone, is silent, says that it cannot, or answers something else.
        """
        number = next(self._numbers)
        answer: asyncio.Future[wire.Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(seconds):
                await self._send({"call": number, "op": operation, **fields})
                message = await answer
        except TimeoutError:
            raise Unavailable(f"it does not answer within {seconds:g} s") from None
        except OSError as error:
            raise Unavailable(f"it cannot be asked: {error.strerror}") from None
        finally:
            del self._waiting[number]
        if "error" in message:
            raise Unavailable(str(message["error"]))
        found = message.get(returns) if returns else message
        if not isinstance(found, dict):
            raise Unavailable(f"its answer to {operation} has no {returns}")
        return found

    async def pause(self) -> None:
        """Take no more frames, and end between two of them, all calls answered: another program goes on."""
        while self._decoder.waiting:  # noqa: ASYNC110 - the rest of a frame is under way
            await asyncio.sleep(_PAUSE)
        await self._reader.close()
        await self._tasks.drain(CALL_SECONDS)

    async def close(self) -> None:
        """Stop listening and release the connection."""
        await self._reader.close()
        await self._tasks.close()
        self._connection.close()

    async def _send(self, message: wire.Message) -> None:
        async with self._sending:
            await asyncio.get_running_loop().sock_sendall(self._connection, wire.encode(message))

    async def _receive(self) -> None:
        try:
            while (message := await self._frame()) is not None:
                self._dispatch(message)
        except OSError as error:
            _log.debug("the channel broke: %s", error)
        except wire.FrameError as error:
            _log.error("the channel is not listened to any more: %s", error)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Unavailable("it has ended"))
        self._closed()

    async def _frame(self) -> wire.Message | None:
        loop = asyncio.get_running_loop()
        while (found := self._decoder.message()) is None:
            if self._decoder.waiting > self._longest_call and not self._waiting:
                raise wire.FrameError(f"a frame of more than {self._longest_call} bytes that is no reply")
            data = await loop.sock_recv(self._connection, self._decoder.wanted)
            if not data:
                self._decoder.finish()
                return None
            self._decoder.feed(data)
        return found[0]

    def _dispatch(self, message: wire.Message) -> None:
        """Raises FrameError."""
        if "call" in message:
            if len(wire.encode(message)) > wire.HEADER.size + self._longest_call:
                raise wire.FrameError(f"a call of more than {self._longest_call} bytes")
            if self._unanswered >= MAX_UNANSWERED:
                raise wire.FrameError(f"{MAX_UNANSWERED} calls wait for their answers")
            self._unanswered += 1
            operation = str(message.get("op", ""))[:_MAX_NAME]
            self._tasks.spawn(self._answer(operation, message), name=operation)
            return
        number = message.get("reply")
        if not isinstance(number, int):
            raise wire.FrameError("a frame is neither a call nor a reply")
        if (answer := self._waiting.get(number)) is not None and not answer.done():
            answer.set_result(message)

    async def _answer(self, operation: str, message: wire.Message) -> None:
        try:
            await self._handle(operation, message)
        finally:
            self._unanswered -= 1

    async def _handle(self, operation: str, message: wire.Message) -> None:
        number = message["call"]
        try:
            reply: wire.Message = dict(await self._handler(operation, message))
        except ProctorError as error:
            reply = {"error": error.message}
        except Exception as error:  # noqa: BLE001 - the caller must get an answer
            _log.exception("the call %s failed", operation)
            reply = {"error": f"unexpected {type(error).__name__}: {error}"}
        with contextlib.suppress(OSError):
            await self._send({"reply": number, **reply})


class SupervisorChannel:
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

    def receive(self) -> tuple[bytes, list[int]]:
        """The boot, and the descriptors that come with it; SystemExit when the supervisor is gone already."""
        with contextlib.suppress(wire.FrameError):
            if (received := wire.receive_body(self._socket)) is not None:
                return received
        sys.exit(1)

    def ready(self, **details: object) -> None:
        """Report that the service works; ``details`` reach the supervisor."""
        linux.die_with_parent(signal.SIGKILL)  # a change of uid has undone the first
        wire.send(self._socket, {"ready": True, **details})

    def failed(self, error: ProctorError, *, retry: bool = False) -> None:
        """Report why the service does not start."""
        with contextlib.suppress(BrokenPipeError):
            wire.send(self._socket, {"failed": error.message, "hint": error.hint, "retry": retry})

    def calls(self, handler: Handler, gone: Callable[[], None]) -> Calls:
        """Calls from and to the supervisor in the running event loop; ``gone`` is called at its end."""
        return Calls(self._socket, handler, gone)
