# SPDX-License-Identifier: Apache-2.0
"""One port, two protocols: real TLS clients, slow ones, and clients that speak something else."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest

from proctor.core.accept import listen
from proctor.core.clock import SYSTEM
from proctor.core.durable import replace_file
from proctor.core.errors import Unavailable
from proctor.proxy.certificate import Pair, self_signed
from proctor.proxy.mux import GREETING_PER_NETWORK, Mux, pass_through
from proctor.proxy.web.http_server import HttpsServer
from proctor.proxy.web.middleware import Message, Receive, SecurityMiddleware, Send
from proctor.rpc import auth_client as rpc_client
from proctor.rpc import tls
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.auth_client import Client
from proctor.sshkit import keys
from testing.auth import STATIC_TOKEN, RunningAuth, running_auth
from testing.polling import auntil
from testing.proxy import RunningProxy, running_proxy


@pytest.fixture
async def auth(tmp_path: Path) -> AsyncIterator[RunningAuth]:
    (tmp_path / "auth").mkdir()
    async with running_auth(tmp_path / "auth") as auth:
        yield auth


@pytest.fixture
async def proxy(auth: RunningAuth, tmp_path: Path) -> AsyncIterator[RunningProxy]:
    async with running_proxy(auth, tmp_path / "proxy") as proxy:
        yield proxy


async def test_the_auth_service_is_reached_through_the_proxy_by_mtls(proxy: RunningProxy) -> None:
    client = Client(proxy.web, proxy.auth.admin)
    try:
        assert (await client.ping()).cluster_name == "purple"
        await client.call(client.auth.ListDocuments, pb.ListDocumentsRequest(kind="user"))
    finally:
        await client.close()


async def test_a_node_joins_through_the_proxy(proxy: RunningProxy) -> None:
    request = pb.RegisterHostRequest(
        token=STATIC_TOKEN,
        host_id=str(uuid4()),
        node_name="far-away",
        role="node",
        tls_public_key=tls.public_key(tls.generate_key()),
        ssh_public_key=keys.generate()[1].encode(),
    )
    pins = tls.ca_pins(proxy.auth.admin.authorities.host_tls_ca)

    answer = await rpc_client.join(proxy.web, pins, request)

    assert answer.authorities.cluster_name == "purple"


async def test_both_at_once(proxy: RunningProxy) -> None:
    client = Client(proxy.web, proxy.auth.admin)
    async with proxy.browser() as browser:
        for _ in range(5):
            answers = await asyncio.gather(client.ping(), browser.get("/webapi/ping"))
            assert answers[1].json()["cluster_name"] == answers[0].cluster_name
    await client.close()


async def begun(port: int, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which ``data`` was sent and no more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    await writer.drain()
    return reader, writer


async def test_clients_that_say_nothing_hold_up_no_others(proxy: RunningProxy) -> None:
    slow = [await begun(proxy.port, data) for data in [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"] * 60]

    async with proxy.browser() as browser, asyncio.timeout(5):
        assert (await browser.get("/webapi/ping")).status_code == 200
    client = Client(proxy.web, proxy.auth.admin)
    assert (await client.ping()).cluster_name == "purple"
    await client.close()

    for _, writer in slow:
        writer.close()


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-x\r\n", b"\x16\x03\x01\x00\x00", b"\0" * 9]
)
async def test_who_speaks_something_else_is_cut_at_once(proxy: RunningProxy, data: bytes) -> None:
    reader, writer = await begun(proxy.port, data)

    async with asyncio.timeout(5):
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()


def hello(name: str) -> bytes:
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


@asynccontextmanager
async def small_mux(
    own: Callable[[socket.socket], object], *, limit: int = 100, hello_seconds: float = 10.0
) -> AsyncIterator[int]:
    """A multiplexer whose own connections go to ``own`` and whose others go nowhere."""

    async def serve(connection: socket.socket) -> None:
        own(connection)

    listener = listen("127.0.0.1", 0)
    mux = Mux(
        listener,
        passes=lambda name: name.endswith(".cluster.local"),
        through=pass_through("127.0.0.1:1"),
        own=serve,
        limit=limit,
        hello_seconds=hello_seconds,
    )
    mux.start()
    try:
        yield listener.getsockname()[1]
    finally:
        await mux.close()


async def test_a_hello_that_comes_in_pieces_is_handed_on_whole() -> None:
    received: list[bytes] = []
    data = hello("proxy.example.com")
    async with small_mux(lambda connection: received.append(connection.recv(65536))) as port:
        reader, writer = await begun(port, b"")
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(data), 7):
            writer.write(data[start : start + 7])
            await asyncio.sleep(0)
        assert await reader.read() == b""
        writer.close()

    assert received == [data]


async def test_waiting_for_the_rest_of_a_hello_costs_no_time() -> None:
    data = hello("proxy.example.com")
    async with small_mux(lambda _: None) as port:
        connections = [await begun(port, data[:-1]) for _ in range(50)]
        before = os.times()
        with suppress(TimeoutError):
            await asyncio.wait_for(connections[0][0].read(), 0.5)
        after = os.times()
        for _, writer in connections:
            writer.close()

    assert after.user + after.system - before.user - before.system < 0.2


async def test_a_deadline_ends_the_waiting() -> None:
    async with small_mux(lambda _: None, hello_seconds=0.2) as port:
        reader, writer = await begun(port, hello("x.example.com")[:-1])
        async with asyncio.timeout(5):
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()


async def test_one_address_cannot_take_all_places() -> None:
    served: list[object] = []
    async with small_mux(served.append, limit=10_000) as port:
        slow = [await begun(port, b"\x16") for _ in range(GREETING_PER_NETWORK)]
        reader, writer = await begun(port, hello("x.example.com"))
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        assert served == []
        slow.pop()[1].close()

        async def gets_through() -> bool:
            _, writer = await begun(port, hello("x.example.com"))
            writer.close()
            return bool(served)

        await auntil(gets_through, 5)  # type: ignore[arg-type]  # mypy cannot choose T
        for _, slow_writer in slow:
            slow_writer.close()
        writer.close()


async def test_connections_have_a_limit() -> None:
    async with small_mux(lambda _: None, limit=2) as port:
        held = [await begun(port, b"") for _ in range(2)]
        reader, writer = await begun(port, b"")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        for _, other in [*held, (reader, writer)]:
            other.close()


async def test_when_the_auth_service_is_away_calls_fail_at_once(auth: RunningAuth) -> None:
    async with small_mux(lambda _: None) as port:
        client = Client(f"127.0.0.1:{port}", auth.admin)
        async with asyncio.timeout(5):
            with pytest.raises(Unavailable):
                await client.ping()
        await client.close()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_nothing_is_left_of_connections(proxy: RunningProxy) -> None:
    await test_both_at_once(proxy)
    before = descriptors()
    for _ in range(3):
        await test_both_at_once(proxy)
        for data in (b"", b"junk", hello("x.cluster.local")[:50], hello("x.cluster.local"), hello("y")):
            _, writer = await begun(proxy.port, data)
            writer.close()

    await auntil(lambda: descriptors() <= before, 10, "descriptors to be closed")


async def greet(_scope: Message, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    key = tls.generate_key()
    replace_file(tmp_path / "key", key)
    replace_file(tmp_path / "crt", self_signed(key, ["localhost"], SYSTEM.now()))
    return Pair.read(tmp_path / "key", tmp_path / "crt").context


async def test_a_client_that_dawdles_over_its_request_is_cut(context: ssl.SSLContext, tmp_path: Path) -> None:
    server = HttpsServer(SecurityMiddleware(greet), context, request_seconds=0.4)
    listener = listen("127.0.0.1", 0)
    mux = Mux(listener, passes=lambda _: False, through=server.serve, own=server.serve, limit=9)
    mux.start()
    trust = ssl.create_default_context(cafile=str(tmp_path / "crt"))
    reader, writer = await asyncio.open_connection(
        "localhost", listener.getsockname()[1], ssl=trust, server_hostname="localhost"
    )
    writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")

    async with asyncio.timeout(10):
        with suppress(ConnectionError, ssl.SSLError):
            writer.write(b"GET / HTTP/1.1\r\n")
            while not reader.at_eof():
                writer.write(b"x: y\r\n")
                await writer.drain()
                await asyncio.wait({asyncio.ensure_future(reader.read(1))}, timeout=0.05)
    writer.close()
    with suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()
    await mux.close()
