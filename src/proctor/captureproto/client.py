# SPDX-License-Identifier: Apache-2.0
"""The other end of ``capture.sock``: blocking for a session's monitor, asynchronous for the node."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import select
import socket
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from proctor.captureproto.absence import RETURN_SECONDS
from proctor.captureproto.capture_messages import (
    Acknowledge,
    Claim,
    CloseSession,
    Delivery,
    Drained,
    Forgotten,
    RegisterSession,
    RestrictSession,
    ResumeSession,
    Subscribe,
    Subscribed,
    decode,
)
from proctor.core import unixsock, wire
from proctor.core.clock import SYSTEM
from proctor.core.errors import Unavailable
from proctor.model.network import NetworkPolicy
from proctor.model.resources import EnhancedKind
from proctor.model.serde import to_builtins

_log = logging.getLogger(__name__)
_RECONNECT_SECONDS = (0.05, 0.2, 1.0)
_ANSWER_SECONDS = 30.0


class BrokenOff(Unavailable):
    """Capture has ended before it has answered."""


class SessionCapture:
    """A monitor's registration of one session: opened before the child's first exec, closed after its end.

    The connection stays up in between. When it breaks, capture has ended, or acts as if the session had been
    closed then; ``resume`` announces it to a capture that takes over. Blocking; not for use in an event loop.
    """

    def __init__(self, path: Path) -> None:
        """Connect to the capture service at ``path``; raises Unavailable."""
        self._path = path
        self._sid = ""
        self.number = 0
        """Of the session in the kernel, once it is open."""
        self._connection = self._connected()

    def _connected(self) -> socket.socket:
        try:
            connection = unixsock.connect(self._path)
        except OSError as error:
            raise Unavailable(f"the capture service does not answer: {error.strerror}") from None
        connection.settimeout(_ANSWER_SECONDS)
        return connection

    def open(
        self,
        sid: str,
        *,
        cgroup: Path,
        cgroup_id: int,
        pidfd: int,
        kinds: Sequence[EnhancedKind],
        strict: bool = False,
        network: NetworkPolicy | None = None,
    ) -> None:
        """Record ``kinds`` of the process behind ``pidfd`` and all its descendants as session ``sid``.

        ``network``: what restricts where they connect to; None does not.
        When this returns, the next system call of the process is recorded. Raises Unavailable with
        the reason when capture cannot; then the process must not go on.
        """
        request = RegisterSession(
            sid=sid,
            cgroup=str(cgroup),
            cgroup_id=cgroup_id,
            kinds=list(kinds),
            strict=strict,
            network=network,
        )
        self.number = int(self._ask(request, (pidfd,))["number"])
        self._sid = sid

    def restrict(self, sid: str, network: NetworkPolicy | None) -> None:
        """Have ``network`` hold for the session from now on. Raises Unavailable when it does not."""
        self._ask_whoever_is_there(RestrictSession(sid=sid, network=network))

    def close(self, sid: str) -> Drained:
        """The drain barrier: returns when every event up to now is on its way to the node.

        The answer's ``seq`` is the number of the ``Drained`` message that ends them.
        """
        answer = self._ask_whoever_is_there(CloseSession(sid=sid))
        return Drained(sid=sid, seq=answer["seq"], lost=answer["lost"])

    def call_again(self) -> bool:
        """After capture has ended: ask the one that takes over to go on, if it is there.

        Then ``fileno`` is readable when it answers, which ``resumed`` reads.
        """
        self.disconnect()
        try:
            self._connection = self._connected()
            wire.send(self._connection, to_builtins(ResumeSession(sid=self._sid)))
        except (OSError, Unavailable):
            return False
        return True

    def resumed(self) -> bool:
        """Does capture go on with the session? False when it has ended once more.

        Raises Unavailable when it knows nothing of the session.
        """
        try:
            answer = wire.receive_message(self._connection)
        except (OSError, wire.FrameError):
            return False
        if answer is None:
            return False
        if not answer.get("ok"):
            raise Unavailable(str(answer.get("error")))
        return True

    def _reconnected(self, request: RestrictSession | CloseSession) -> bool:
        """Is there a capture to be asked? What is to be closed need not be registered again."""
        if isinstance(request, RestrictSession):
            return self.call_again() and self.resumed()
        self.disconnect()
        try:
            self._connection = self._connected()
        except Unavailable:
            return False
        return True

    def _ask_whoever_is_there(self, request: RestrictSession | CloseSession) -> wire.Message:
        """The answer, of a capture that takes over if the one asked ends; waits for that for a while."""
        deadline = SYSTEM.monotonic() + RETURN_SECONDS
        while True:
            try:
                return self._ask(request)
            except BrokenOff:
                while not self._reconnected(request):
                    if SYSTEM.monotonic() > deadline:
                        raise
                    select.select([], [], [], _RECONNECT_SECONDS[0])

    def fileno(self) -> int:
        """Readable when capture has ended, or answers ``call_again``; it says nothing else unasked."""
        return self._connection.fileno()

    def disconnect(self) -> None:
        """Release the connection."""
        self._connection.close()

    def __enter__(self) -> SessionCapture:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.disconnect()

    def _ask(
        self, request: RegisterSession | RestrictSession | CloseSession, descriptors: Sequence[int] = ()
    ) -> wire.Message:
        try:
            wire.send(self._connection, to_builtins(request), descriptors)
            answer = wire.receive_message(self._connection)
        except (OSError, wire.FrameError) as error:
            raise BrokenOff(f"the capture service broke off: {error}") from None
        if answer is None:
            raise BrokenOff("the capture service closed the connection")
        if not answer.get("ok"):
            raise Unavailable(str(answer.get("error", "the capture service refused")))
        return answer


class CaptureClient:
    """The node's side: the stream of events, acknowledged one by one, over reconnections."""

    def __init__(self, path: Path, owner: str = "") -> None:
        """``owner``: the name of this subscriber."""
        self.main = True
        """It gets what belongs to no other subscriber."""
        self._path = path
        self._owner = owner
        self._left = False
        self._writer: asyncio.StreamWriter | None = None
        self._gone = asyncio.Event()
        self._gone.set()
        self._away_since = SYSTEM.monotonic()

    @property
    def away(self) -> float:
        """For how many seconds capture has not been there; 0 when it is."""
        return SYSTEM.monotonic() - self._away_since if self._gone.is_set() else 0.0

    async def subscribe(self, sessions: Callable[[], Sequence[str]] = tuple) -> AsyncGenerator[Delivery]:
        """Messages of ``sessions`` and those that come to it later, in order per session, without end.

        What was not acknowledged comes again after a reconnection or to the next subscriber, with the
        same ``sid``, ``seq`` and event ``uid``. Reconnects by itself; each time starts with ``Subscribed``.
        """
        attempt = 0
        while True:
            try:
                request = Subscribe(owner=self._owner, main=self.main, sessions=list(sessions()))
                reader, self._writer = await self._connect(to_builtins(request))
            except OSError:
                await asyncio.sleep(_RECONNECT_SECONDS[min(attempt, len(_RECONNECT_SECONDS) - 1)])
                attempt += 1
                continue
            self._gone.clear()
            try:
                while (body := await _frame(reader)) is not None:
                    attempt = 0
                    yield decode(body)
            finally:
                self._writer.close()
                self._writer = None
                self._away_since = SYSTEM.monotonic()
                self._gone.set()
            if self._left:
                await asyncio.get_running_loop().create_future()
            _log.warning("the capture service closed the stream; connecting again")
            await asyncio.sleep(_RECONNECT_SECONDS[0])

    @property
    def subscribed(self) -> bool:
        """The stream is connected."""
        return self._writer is not None

    async def hung_up(self, seconds: float) -> None:
        """Wait, at most ``seconds``, until capture has gone and all that it had sent was handled."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), seconds)

    async def claim(self, sid: str) -> None:
        """Have the messages of ``sid`` come here, main subscriber or not. Raises Unavailable."""
        answer = await self._ask(to_builtins(Claim(sid=sid, owner=self._owner)))
        if not answer.get("ok"):
            raise Unavailable(str(answer.get("error")))

    async def leave(self, seconds: float) -> None:
        """Give up all sessions for good, after everything acknowledged until now."""
        self._left = True
        if self._writer is not None:
            self._writer.write(wire.encode({"op": "leave"}))
            await self.hung_up(seconds)

    def acknowledge(self, delivery: Delivery) -> None:
        """Tell capture that ``delivery`` and all before it of the same session are stored for good."""
        if isinstance(delivery, Subscribed | Forgotten) or self._writer is None:
            return
        self._writer.write(wire.encode(to_builtins(Acknowledge(sid=delivery.sid, seq=delivery.seq))))

    async def status(self) -> dict[str, Any]:
        """Ask capture for its report and counters; raises Unavailable."""
        return await self._ask({"op": "status"})

    async def _ask(self, request: wire.Message) -> dict[str, Any]:
        try:
            reader, writer = await self._connect(request)
        except OSError as error:
            raise Unavailable(f"the capture service does not answer: {error}") from None
        with contextlib.closing(writer):
            body = await _frame(reader)
        if body is None:
            raise Unavailable("the capture service closed the connection")
        return wire.decode(body)

    async def awake(self, seconds: float) -> bool:
        """Does capture answer within ``seconds``? True, too, when it is not there."""
        try:
            await asyncio.wait_for(self.status(), seconds)
        except TimeoutError:
            return False
        except (Unavailable, wire.FrameError):
            return True
        return True

    async def _connect(self, request: wire.Message) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        connection = unixsock.connect(self._path)
        connection.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=connection, limit=wire.MAX_FRAME)
        writer.write(wire.encode(request))
        return reader, writer


async def _frame(reader: asyncio.StreamReader) -> bytes | None:
    decoder = wire.FrameDecoder(most_descriptors=0)
    try:
        while (found := decoder.body()) is None:
            data = await reader.read(decoder.wanted)
            if not data:
                return None
            decoder.feed(data)
    except ConnectionError:
        return None
    return found[0]
