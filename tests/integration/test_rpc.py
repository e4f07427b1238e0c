# SPDX-License-Identifier: Apache-2.0
"""A real server and real clients on loopback: identity, version, access, errors."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import grpc
import pytest

from proctor.core.clock import SYSTEM
from proctor.core.errors import (
    AccessDenied,
    IncompatibleVersion,
    NotFound,
    ProctorError,
    Unauthenticated,
    Unavailable,
)
from proctor.core.version import VERSION
from proctor.model.identity import HostIdentity, SystemRole, UserIdentity
from proctor.rpc import grpc_server as rpc_server
from proctor.rpc import tls
from proctor.rpc._pb import auth_pb2, auth_pb2_grpc
from proctor.rpc.auth_client import Client, fetch_authorities_tls, join
from proctor.rpc.identity_files import Authorities, Credentials
from testing.polling import auntil

NOW = datetime.now(UTC)
LATER = NOW + timedelta(hours=1)
TABLE = {
    "/proctor.v1.Auth/Ping": frozenset({"anonymous", "user", "node"}),
    "/proctor.v1.Auth/GetAuthorities": frozenset({"node"}),
    "/proctor.v1.Auth/GetRoles": frozenset({"node"}),
    "/proctor.v1.Auth/GetDocument": frozenset({"user"}),
    "/proctor.v1.Join/RegisterHost": frozenset({"anonymous"}),
}


class Authority:
    """A CA of the test."""

    def __init__(self, name: str) -> None:
        self.key = tls.generate_key()
        self.certificate = tls.self_signed_ca(self.key, name, now=NOW, lifetime=timedelta(days=1))

    def issue(
        self, identity: HostIdentity | UserIdentity, *, names: tuple[str, ...] = (), until: datetime = LATER
    ) -> Any:
        key = tls.generate_key()
        return key, tls.issue(
            self.key,
            self.certificate,
            tls.public_key(key),
            identity,
            now=NOW,
            valid_before=until,
            names=names,
        )


class Auth(auth_pb2_grpc.AuthServicer, auth_pb2_grpc.JoinServicer):
    async def Ping(self, _request: Any, _context: Any) -> auth_pb2.PingResponse:  # noqa: N802
        return auth_pb2.PingResponse(cluster_name=rpc_server.caller().kind, server_version="14.0.0")

    async def GetDocument(self, request: Any, _context: Any) -> auth_pb2.Document:  # noqa: N802
        if request.kind == "bug":
            raise RuntimeError("secret detail")
        raise NotFound(f"{request.kind} {request.name} does not exist", hint="Ünicode hint")

    async def GetAuthorities(self, _request: Any, _context: Any) -> auth_pb2.Authorities:  # noqa: N802
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async def RegisterHost(self, request: Any, _context: Any) -> auth_pb2.HostCredentials:  # noqa: N802
        return auth_pb2.HostCredentials(tls_certificate=request.node_name.encode())


class OldAuth(Auth):
    """One that lets newer clients in, so that it is they who judge."""

    async def Ping(self, _request: Any, context: Any) -> auth_pb2.PingResponse:  # noqa: N802
        await context.send_initial_metadata((("proctor-version", "13.4.0"),))
        return auth_pb2.PingResponse()


@asynccontextmanager
async def running(
    service: Auth | None = None,
    server: grpc.aio.Server | None = None,
    *,
    address: str = "127.0.0.1:0",
    authority: tuple[Authority, Authority] | None = None,
) -> AsyncIterator[SimpleNamespace]:
    """A server of a little cluster; its CAs are made unless given."""
    host_ca, user_ca = authority or (Authority("host"), Authority("user"))
    authorities = Authorities(
        cluster_name="c", host_tls_ca=host_ca.certificate, user_tls_ca=user_ca.certificate
    )
    own = HostIdentity(host_id=str(uuid4()), role=SystemRole.AUTH)
    key, certificate = host_ca.issue(own, names=(tls.SERVER_NAME,))
    if server is None:
        server = rpc_server.make_server(lambda: (host_ca.certificate, user_ca.certificate), TABLE, SYSTEM)
    auth_pb2_grpc.add_AuthServicer_to_server(service or Auth(), server)  # type: ignore[no-untyped-call]
    auth_pb2_grpc.add_JoinServicer_to_server(service or Auth(), server)  # type: ignore[no-untyped-call]
    credentials = Credentials(tls_key=key, tls_certificate=certificate, authorities=authorities)
    port = rpc_server.add_port(server, address, credentials)
    await server.start()
    try:
        yield SimpleNamespace(
            address=f"127.0.0.1:{port}", host_ca=host_ca, user_ca=user_ca, authorities=authorities
        )
    finally:
        await server.stop(0)


@pytest.fixture
async def cluster() -> AsyncIterator[SimpleNamespace]:
    async with running() as started:
        yield started


def credentials(cluster: SimpleNamespace, authority: Authority, identity: Any, **options: Any) -> Credentials:
    key, certificate = authority.issue(identity, **options)
    return Credentials(tls_key=key, tls_certificate=certificate, authorities=cluster.authorities)


NODE = HostIdentity(host_id=str(uuid4()), role=SystemRole.NODE)
ALICE = UserIdentity(username="alice", roles=("access",), logins=("root",))


async def kind_of(cluster: SimpleNamespace, given: Credentials | None, **options: Any) -> str:
    client = Client(cluster.address, given, authorities=cluster.host_ca.certificate, **options)
    try:
        return (await client.ping()).cluster_name
    finally:
        await client.close()


async def test_the_issuer_of_the_certificate_decides_who_calls(cluster: SimpleNamespace) -> None:
    assert await kind_of(cluster, None) == "anonymous"
    assert await kind_of(cluster, credentials(cluster, cluster.host_ca, NODE)) == "node"
    assert await kind_of(cluster, credentials(cluster, cluster.user_ca, ALICE)) == "user"


async def test_a_user_certificate_that_claims_to_be_a_host_is_refused(cluster: SimpleNamespace) -> None:
    with pytest.raises(Unauthenticated):
        await kind_of(cluster, credentials(cluster, cluster.user_ca, NODE))


async def test_a_certificate_of_another_cluster_does_not_get_in(cluster: SimpleNamespace) -> None:
    with pytest.raises(Unavailable):
        await kind_of(cluster, credentials(cluster, Authority("foreign"), NODE))


async def test_an_expired_certificate_does_not_get_in(cluster: SimpleNamespace) -> None:
    expired = credentials(cluster, cluster.user_ca, ALICE, until=NOW - timedelta(seconds=1))
    with pytest.raises((Unauthenticated, Unavailable)):
        await kind_of(cluster, expired)


@pytest.mark.parametrize(("version", "works"), [("13.9.0", True), ("15.0.0", False), ("12.0.0", False)])
async def test_versions_are_checked_on_every_call(
    cluster: SimpleNamespace, version: str, works: bool
) -> None:
    if works:
        assert await kind_of(cluster, None, version=version) == "anonymous"
        return
    with pytest.raises(IncompatibleVersion, match=version):
        await kind_of(cluster, None, version=version)


@pytest.mark.parametrize("skip", [False, True])
async def test_a_server_that_is_too_old_is_refused_unless_configured(skip: bool) -> None:
    async with running(OldAuth(), grpc.aio.server()) as old:
        client = Client(old.address, None, authorities=old.host_ca.certificate, skip_version_check=skip)
        if skip:
            await client.ping()
        else:
            with pytest.raises(IncompatibleVersion, match=r"13\.4\.0, older than"):
                await client.ping()
        await client.close()


async def test_the_server_tells_its_version(cluster: SimpleNamespace) -> None:
    client = Client(cluster.address, None, authorities=cluster.host_ca.certificate)
    call = client.auth.Ping(auth_pb2.PingRequest())
    assert dict(await call.initial_metadata())["proctor-version"] == VERSION
    await client.close()


async def test_a_call_after_the_end_is_a_proctor_error(cluster: SimpleNamespace) -> None:
    client = Client(cluster.address, None, authorities=cluster.host_ca.certificate)
    await client.close()
    with pytest.raises(Unavailable, match="closed"):
        await client.ping()


async def test_a_client_finds_back_soon_after_the_server_does() -> None:
    async with running() as first:
        client = Client(first.address, credentials(first, first.user_ca, ALICE))
        await client.ping()
    with pytest.raises(Unavailable):
        await client.ping()
    async with running(address=first.address, authority=(first.host_ca, first.user_ca)):

        async def answered() -> bool:
            try:
                return bool(await client.ping())
            except Unavailable:
                return False

        predicate: Callable[[], bool | Awaitable[bool]] = answered
        await auntil(predicate, 5.0)
    await client.close()


@pytest.mark.parametrize(
    ("authority", "identity", "refusal"),
    [(None, None, Unauthenticated), ("user_ca", ALICE, AccessDenied)],
)
async def test_what_the_table_does_not_allow_is_refused(
    cluster: SimpleNamespace, authority: str | None, identity: Any, refusal: type[ProctorError]
) -> None:
    given = credentials(cluster, getattr(cluster, authority), identity) if authority else None
    client = Client(cluster.address, given, authorities=cluster.host_ca.certificate)
    with pytest.raises(refusal):
        await client.call(client.auth.GetRoles, auth_pb2.GetRolesRequest())
    with pytest.raises((Unauthenticated, AccessDenied)):
        await client.call(client.auth.CreateUser, auth_pb2.CreateUserRequest())
    await client.close()


async def test_errors_keep_their_class_message_and_hint(cluster: SimpleNamespace) -> None:
    client = Client(cluster.address, credentials(cluster, cluster.user_ca, ALICE))
    with pytest.raises(NotFound) as missing:
        await client.call(client.auth.GetDocument, auth_pb2.DocumentRequest(kind="role", name="x"))
    assert (missing.value.message, missing.value.hint) == ("role x does not exist", "Ünicode hint")
    with pytest.raises(ProctorError) as broken:
        await client.call(client.auth.GetDocument, auth_pb2.DocumentRequest(kind="bug"))
    assert "secret detail" not in broken.value.diagnostics()
    await client.close()


async def test_joining_pins_the_ca(cluster: SimpleNamespace) -> None:
    request = auth_pb2.RegisterHostRequest(node_name="web-1")
    (pin,) = tls.ca_pins(cluster.host_ca.certificate)
    assert (await join(cluster.address, [pin], request)).tls_certificate == b"web-1"
    with pytest.raises(AccessDenied, match=pin):
        await join(cluster.address, ["sha256:" + "0" * 64], request)


async def test_a_peer_that_falls_silent_is_given_up_soon(cluster: SimpleNamespace) -> None:
    silent = asyncio.Event()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if not silent.is_set():
                    writer.write(data)
                    await writer.drain()
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward = await asyncio.open_connection(*cluster.address.split(":"))
        await asyncio.gather(copy(reader, onward[1]), copy(onward[0], writer))

    listener = await asyncio.start_server(relay, "127.0.0.1", 0)
    host, port = listener.sockets[0].getsockname()
    client = Client(f"{host}:{port}", credentials(cluster, cluster.host_ca, NODE))
    await client.ping()
    silent.set()
    started = SYSTEM.monotonic()
    with pytest.raises(Unavailable):
        await client.call(client.auth.GetAuthorities, auth_pb2.GetAuthoritiesRequest(), timeout=60.0)
    assert SYSTEM.monotonic() - started < 25
    await client.close()
    listener.close()


async def test_no_server_at_the_address(cluster: SimpleNamespace) -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1 cannot be reached"):
        fetch_authorities_tls("127.0.0.1:1")
