# SPDX-License-Identifier: Apache-2.0
"""The diagnostics endpoint: what it answers, and that clients cannot keep others from an answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from proctor.core.accept import listen
from proctor.core.errors import Unavailable
from proctor.runtime.diag.diag_http import MAX_CONNECTIONS, MAX_HEADER_BYTES, DiagServer
from proctor.runtime.diag.metrics import Metrics

PROBLEMS = {"node": {"spawn": "no answer within 3 s"}}


class Endpoint:
    """A diag server on ``port``; ``answers`` is what the supervisor says, ``asked`` how often."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answers: dict[str, Mapping[str, Any]] = {"readiness": {"problems": {}}}
        self.asked = 0

    async def ask(self, what: str) -> Mapping[str, Any]:
        self.asked += 1
        if what not in self.answers:
            raise Unavailable("it does not answer within 8 s")
        return self.answers[what]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def raw(self, request: bytes) -> bytes:
        reader, writer = await self.connect()
        try:
            writer.write(request)
            return await asyncio.wait_for(reader.read(), 10)
        finally:
            writer.close()

    async def get(self, path: str) -> tuple[int, str]:
        answer = await self.raw(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        head, _, body = answer.decode().partition("\r\n\r\n")
        return int(head.split()[1]), body


@contextlib.asynccontextmanager
async def endpoint(*, header_seconds: float = 60.0) -> AsyncIterator[Endpoint]:
    listener = listen("127.0.0.1", 0)
    site = Endpoint(listener.getsockname()[1])
    server = DiagServer(listener, site.ask, header_seconds=header_seconds)
    await server.start()
    try:
        yield site
    finally:
        await server.stop()


async def test_alive_whatever_the_services_do() -> None:
    async with endpoint() as site:
        site.answers.clear()
        assert await site.get("/healthz") == (200, '{"status":"ok"}')
        assert site.asked == 0


async def test_ready_when_no_service_lacks_anything() -> None:
    async with endpoint() as site:
        assert await site.get("/readyz") == (200, '{"status":"ok"}')


async def test_what_is_not_ready_is_named_with_the_reason() -> None:
    async with endpoint() as site:
        site.answers["readiness"] = {"problems": PROBLEMS}
        status, body = await site.get("/readyz")
    assert status == 503
    assert json.loads(body) == {"status": "not ready: node", "problems": PROBLEMS}


async def test_not_ready_while_the_supervisor_is_silent() -> None:
    async with endpoint() as site:
        site.answers.clear()
        status, body = await site.get("/readyz")
    assert status == 503
    assert json.loads(body)["status"] == "not ready: supervisor: it does not answer within 8 s"


async def test_metrics_are_those_of_the_supervisor() -> None:
    metrics = Metrics()
    metrics.up("auth", True)
    metrics.restarted("proxy")
    async with endpoint() as site:
        site.answers["metrics"] = {"text": metrics.exposition(None)}
        status, body = await site.get("/metrics")
    assert status == 200
    assert 'proctor_service_up{service="auth"} 1.0' in body
    assert 'proctor_service_restarts_total{service="proxy"} 1.0' in body
    assert "supervisor_process_resident_memory_bytes" in body


async def test_nothing_else() -> None:
    async with endpoint() as site:
        assert (await site.get("/debug"))[0] == 404
        assert (await site.raw(b"POST /readyz HTTP/1.1\r\nHost: h\r\n\r\n")).startswith(b"HTTP/1.1 405 ")
        assert (await site.raw(b"\x16\x03\x01 hello\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


async def test_a_head_without_end_is_refused() -> None:
    async with endpoint() as site:
        answer = await site.raw(b"GET /readyz HTTP/1.1\r\nX: " + b"x" * MAX_HEADER_BYTES)
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_who_sends_no_request_in_time_is_cut() -> None:
    async with endpoint(header_seconds=0.2) as site:
        reader, writer = await site.connect()
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_seven_and_a_thousand_idle_connections_do_not_delay_others() -> None:
    async with endpoint() as site, contextlib.AsyncExitStack() as stack:
        for number in (7, 1000):
            for _ in range(number):
                _, writer = await site.connect()
                stack.callback(writer.close)
            async with asyncio.timeout(5):
                assert (await site.get("/readyz"))[0] == 200


async def test_the_oldest_connection_is_closed_for_another() -> None:
    async with endpoint() as site, contextlib.AsyncExitStack() as stack:
        first, writer = await site.connect()
        stack.callback(writer.close)
        for _ in range(MAX_CONNECTIONS):
            _, writer = await site.connect()
            stack.callback(writer.close)
        assert await asyncio.wait_for(first.read(), 10) == b""


async def test_a_crowd_costs_the_supervisor_one_question() -> None:
    async with endpoint() as site:
        await asyncio.gather(*(site.get("/readyz") for _ in range(30)))
        assert site.asked == 1
