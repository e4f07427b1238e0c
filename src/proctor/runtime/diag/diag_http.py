# SPDX-License-Identifier: Apache-2.0
"""``diag_addr``: /healthz, /readyz and /metrics over HTTP/1.1, one request for each connection.

Anybody who reaches the address may hold connections: they are few, each must send its request at once,
and when there are too many the one that has waited longest goes.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import h11

from proctor.core.accept import accept
from proctor.core.errors import Unavailable
from proctor.core.tasks import TaskSet
from proctor.model.serde import to_json

MAX_CONNECTIONS = 64
HEADER_SECONDS = 5.0
ANSWER_SECONDS = 10.0
MAX_HEADER_BYTES = 8 << 10
FRESH_SECONDS = 1.0
"""For how long an answer of the supervisor is given to others as well."""

JSON, TEXT = "application/json", "text/plain; version=0.0.4; charset=utf-8"

Ask = Callable[[str], Awaitable[Mapping[str, Any]]]
"""Asks the supervisor for ``readiness`` or ``metrics``; raises Unavailable."""


class DiagServer:
    """Answers on ``listener`` with what ``ask`` says."""

    def __init__(self, listener: socket.socket, ask: Ask, *, header_seconds: float = HEADER_SECONDS) -> None:
        self._listener = listener
        self._answers = {name: _Shared(ask, name) for name in ("readiness", "metrics")}
        self._header_seconds = header_seconds
        self._tasks = TaskSet("diag")
        self._open: dict[asyncio.Task[None], None] = {}

    async def start(self) -> dict[str, Any]:
        """Accept from now on."""
        self._tasks.spawn(accept(self._listener, self._accepted), name="accept", vital=True)
        return {}

    async def probe(self) -> Mapping[str, str]:
        """See ``build.Service``: whoever reads the answer has just reached it."""
        return {}

    def status(self) -> Mapping[str, Any]:
        """See ``build.Service``."""
        return {}

    def adopt(self, handover: Mapping[str, Any]) -> None:
        """See ``build.Service``."""

    async def retire(self) -> Mapping[str, Any]:
        """See ``build.Service``."""
        await self.stop()
        return {}

    async def finished(self) -> None:
        """See ``build.Service``."""

    async def drain(self, seconds: float) -> None:
        """See ``build.Service``."""

    async def stop(self) -> None:
        """Stop answering."""
        await self._tasks.close()
        self._listener.close()

    def _accepted(self, connection: socket.socket, _: object) -> None:
        if len(self._open) >= MAX_CONNECTIONS:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.cancel()
        task = self._tasks.spawn(self._serve(connection), name="connection")
        self._open[task] = None
        task.add_done_callback(lambda ended: self._open.pop(ended, None))

    async def _serve(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADER_BYTES)
            try:
                async with asyncio.timeout(self._header_seconds):
                    request = await _request(connection, http)
            except h11.RemoteProtocolError as error:
                status, kind, body = HTTPStatus(error.error_status_hint), JSON, {"status": str(error)}
            else:
                if request is None:
                    return
                status, kind, body = await self._respond(request)
            async with asyncio.timeout(ANSWER_SECONDS):
                await loop.sock_sendall(connection, _response(http, status, kind, body))
        except (OSError, TimeoutError, h11.LocalProtocolError):
            return
        finally:
            connection.close()

    async def _respond(self, request: h11.Request) -> tuple[HTTPStatus, str, Any]:
        path = request.target.split(b"?")[0]
        if request.method != b"GET":
            return HTTPStatus.METHOD_NOT_ALLOWED, JSON, {"status": "only GET"}
        if path == b"/healthz":
            return HTTPStatus.OK, JSON, {"status": "ok"}
        try:
            if path == b"/readyz":
                return _readiness(await self._answers["readiness"]())
            if path == b"/metrics":
                return HTTPStatus.OK, TEXT, (await self._answers["metrics"]())["text"]
        except Unavailable as error:
            return HTTPStatus.SERVICE_UNAVAILABLE, JSON, {"status": f"not ready: supervisor: {error.message}"}
        return HTTPStatus.NOT_FOUND, JSON, {"status": "no such page"}


class _Shared:
    """One question to the supervisor at a time, its answer for all who ask meanwhile and a moment later."""

    def __init__(self, ask: Ask, what: str) -> None:
        self._ask = ask
        self._what = what
        self._asking = asyncio.Lock()
        self._answer: Mapping[str, Any] = {}
        self._until = 0.0

    async def __call__(self) -> Mapping[str, Any]:
        async with self._asking:
            loop = asyncio.get_running_loop()
            if loop.time() >= self._until:
                self._answer = await self._ask(self._what)
                self._until = loop.time() + FRESH_SECONDS
            return self._answer


def _readiness(answer: Mapping[str, Any]) -> tuple[HTTPStatus, str, Any]:
    problems: Mapping[str, Mapping[str, str]] = answer["problems"]
    if not problems:
        return HTTPStatus.OK, JSON, {"status": "ok"}
    body = {"status": f"not ready: {', '.join(problems)}", "problems": problems}
    return HTTPStatus.SERVICE_UNAVAILABLE, JSON, body


async def _request(connection: socket.socket, http: h11.Connection) -> h11.Request | None:
    """The head of the request; None when the peer hangs up first. Raises RemoteProtocolError."""
    loop = asyncio.get_running_loop()
    while (event := http.next_event()) is h11.NEED_DATA:
        http.receive_data(await loop.sock_recv(connection, MAX_HEADER_BYTES))
    return event if isinstance(event, h11.Request) else None


def _response(http: h11.Connection, status: HTTPStatus, kind: str, body: Any) -> bytes:
    content = body.encode() if isinstance(body, str) else to_json(body)
    headers = [("Content-Type", kind), ("Content-Length", str(len(content))), ("Connection", "close")]
    events: list[h11.Event] = [
        h11.Response(status_code=status.value, reason=status.phrase.encode(), headers=headers)
    ]
    events += [h11.Data(data=content), h11.EndOfMessage()]
    return b"".join(http.send(event) or b"" for event in events)
