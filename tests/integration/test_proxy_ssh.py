# SPDX-License-Identifier: Apache-2.0
"""The SSH proxy with a real auth service, a real OpenSSH client, and nodes that are plain TCP servers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncssh
import pytest

from proctor.core.clock import SYSTEM, FakeClock
from proctor.core.durable import replace_file
from proctor.model import serde
from proctor.model.resources import Metadata, Node, NodeSpec, Token, TokenSpec
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.identity_files import Credentials
from testing.auth import RunningAuth, running_auth
from testing.polling import auntil
from testing.proxy import RunningProxy, running_proxy


@dataclass
class Proxy:
    """A proxy in this process, and the file system of a client."""

    running: RunningProxy
    clock: FakeClock
    directory: Path

    @property
    def auth(self) -> RunningAuth:
        return self.running.auth

    def keep(self, user: Credentials) -> None:
        """Write the files of a client."""
        replace_file(self.directory / "key", user.ssh_key)
        replace_file(self.directory / "key-cert.pub", user.ssh_certificate)
        authority = f"@cert-authority * {user.authorities.host_ssh_ca[0]}\n"
        (self.directory / "known_hosts").write_text(authority)

    async def ssh(self, *arguments: str) -> tuple[int, bytes, bytes]:
        """OpenSSH's client with the files kept: exit status, output, errors."""
        options = [
            "StrictHostKeyChecking=yes",
            f"UserKnownHostsFile={self.directory / 'known_hosts'}",
            "BatchMode=yes",
        ]
        process = await asyncio.create_subprocess_exec(
            *["ssh", "-F", "none", "-i", str(self.directory / "key"), "-p", str(self.running.ssh_port)],
            *[part for option in options for part in ("-o", option)],
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate(b"ping")
        return process.returncode or 0, output, errors

    async def dial(self, user: Credentials, target: str) -> tuple[int, bytes, bytes]:
        """``ssh -W target`` through the proxy."""
        self.keep(user)
        return await self.ssh("-W", target, "anybody@127.0.0.1")

    async def connect(self, user: Credentials) -> asyncssh.SSHClientConnection:
        """A connection of asyncssh's client."""
        key = asyncssh.import_private_key(user.ssh_key)
        certificate = asyncssh.import_certificate(user.ssh_certificate)
        return await asyncssh.connect(
            "127.0.0.1",
            self.running.ssh_port,
            username="anybody",
            client_keys=[(key, certificate)],
            known_hosts=None,
            agent_path=None,
            config=None,
        )


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Proxy]:
    data, client_files = tmp_path / "auth", tmp_path / "client"
    data.mkdir()
    client_files.mkdir()
    clock = FakeClock(SYSTEM.now())
    async with running_auth(data) as auth, running_proxy(auth, tmp_path / "proxy", clock=clock) as running:
        yield Proxy(running, clock, client_files)
    await auntil(lambda: not greeting, 10, "the end of the nodes' connections")


greeting: set[asyncio.StreamWriter] = set()


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that speaks first, as SSH servers do, and answers at the end of input."""
    greeting.add(writer)
    writer.write(b"banner ")
    writer.write(await reader.read())
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    greeting.discard(writer)


def port_of(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


async def register(proxy: Proxy, name: str, **labels: str) -> tuple[str, asyncio.Server]:
    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    return await announce(proxy, name, f"127.0.0.1:{port_of(server)}", **labels), server


async def announce(proxy: Proxy, name: str, address: str, **labels: str) -> str:
    """A node that says it listens at ``address``; its id."""
    host_id, node = await proxy.auth.join("node", await any_name(proxy), name=name)
    document = Node(
        metadata=Metadata(name=host_id), spec=NodeSpec(hostname=name, addr=address, labels=labels)
    )
    await proxy.auth.call(node, "auth.Heartbeat", pb.HeartbeatRequest(node=serde.to_json(document)))
    return host_id


async def any_name(proxy: Proxy) -> str:
    """A token whose hosts may have names that others hold."""
    token = Token(metadata=Metadata(name=uuid4().hex), spec=TokenSpec(roles=["node"], host_names=["*"]))
    request = pb.PutDocumentRequest(json=serde.to_json(token))
    await proxy.auth.call(proxy.auth.admin, "auth.PutDocument", request)
    return token.metadata.name


async def user(proxy: Proxy, name: str, role: str = "access") -> Credentials:
    request = pb.CreateUserRequest(name=name, roles=[role], logins=["root"])
    await proxy.auth.call(proxy.auth.admin, "auth.CreateUser", request)
    return await proxy.auth.sign(name)


async def test_nodes_are_reached_by_name_uuid_and_address(proxy: Proxy) -> None:
    alice = await user(proxy, "alice")
    host_id, server = await register(proxy, "web-1")
    port = port_of(server)
    for target in ("web-1:3022", "WEB-1.purple:22", f"{host_id}:1", f"127.0.0.1:{port}"):
        code, output, errors = await proxy.dial(alice, target)
        assert (code, output) == (0, b"banner ping"), errors
    server.close()


async def test_unknown_and_forbidden_nodes_look_the_same_and_are_audited(proxy: Proxy) -> None:
    spec = '{"allow":{"logins":["root"],"node_labels":{"env":"dev"}}}'
    role = f'{{"kind":"role","metadata":{{"name":"dev"}},"spec":{spec}}}'.encode()
    await proxy.auth.call(proxy.auth.admin, "auth.PutDocument", pb.PutDocumentRequest(json=role))
    bob = await user(proxy, "bob", "dev")
    _, server = await register(proxy, "web-1", env="prod")
    for name in ("web-1", "web-2"):
        code, output, errors = await proxy.dial(bob, f"{name}:3022")
        assert (code != 0, output) == (True, b"")
        assert f"node {name} not found, or access to it denied".encode() in errors
    await auntil(lambda: len(proxy.auth.events("auth")) == 2, 10)
    forbidden, unknown = proxy.auth.events("auth")
    assert (forbidden["code"], forbidden["user"]) == ("T3007W", "bob")
    assert forbidden["error"] == "web-1:3022: no role of user bob allows access to this node"
    assert unknown["error"] == "web-2:3022: there is no such node"
    server.close()


async def test_an_arbitrary_address_is_not_dialled(proxy: Proxy) -> None:
    alice = await user(proxy, "alice")
    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    code, output, _ = await proxy.dial(alice, f"127.0.0.1:{port_of(server)}")
    assert (code != 0, output) == (True, b"")
    server.close()


async def test_an_ambiguous_name_lists_the_candidates(proxy: Proxy) -> None:
    alice = await user(proxy, "alice")
    nodes = [await register(proxy, "twin"), await register(proxy, "twin")]
    code, _, errors = await proxy.dial(alice, "twin:3022")
    assert code != 0
    for host_id, server in nodes:
        assert host_id.encode() in errors
        server.close()


async def test_the_default_port_does_not_choose_between_nodes_of_one_name(proxy: Proxy) -> None:
    """Clients send 3022 when no port was given; any other port is a choice."""
    alice = await user(proxy, "alice")
    usual = await announce(proxy, "twin", "127.0.0.1:3022")
    other, server = await register(proxy, "twin")
    code, _, errors = await proxy.dial(alice, "twin:3022")
    assert code != 0
    assert {usual.encode() in errors, other.encode() in errors} == {True}
    code, output, _ = await proxy.dial(alice, f"twin:{port_of(server)}")
    assert output
    server.close()


async def test_a_certificate_of_another_cluster_is_refused(proxy: Proxy, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with running_auth(other, cluster="green") as foreign:
        request = pb.CreateUserRequest(name="eve", roles=["access"], logins=["root"])
        await foreign.call(foreign.admin, "auth.CreateUser", request)
        eve = await foreign.sign("eve")
    trusting = Credentials(
        tls_key=b"",
        tls_certificate=b"",
        ssh_key=eve.ssh_key,
        ssh_certificate=eve.ssh_certificate,
        authorities=proxy.auth.admin.authorities,
    )
    code, _, errors = await proxy.dial(trusting, "web-1:3022")
    assert code == 255
    assert b"not signed by this cluster's user CA" in errors
    await auntil(lambda: len(proxy.auth.events("auth")) == 1, 10)


async def test_a_plain_key_is_not_enough(proxy: Proxy) -> None:
    proxy.keep(await user(proxy, "alice"))
    (proxy.directory / "key-cert.pub").unlink()

    code, _, _ = await proxy.ssh("-W", "web-1:3022", "mallory@127.0.0.1")

    assert code == 255
    await auntil(lambda: proxy.auth.events("auth"), 10)
    (event,) = proxy.auth.events("auth")
    assert (event["login"], event["error"]) == ("mallory", "no certificate of this cluster was offered")
    assert event["addr.remote"].startswith("127.0.0.1:")


async def test_the_port_decides_between_nodes_of_one_name(proxy: Proxy) -> None:
    alice = await user(proxy, "alice")
    (_, first), (_, second) = await register(proxy, "twin"), await register(proxy, "twin")

    code, output, errors = await proxy.dial(alice, f"twin:{port_of(second)}")

    assert (code, output) == (0, b"banner ping"), errors
    first.close()
    second.close()


async def test_a_node_that_is_down(proxy: Proxy) -> None:
    alice = await user(proxy, "alice")
    _, server = await register(proxy, "web-1")
    server.close()
    await server.wait_closed()

    code, _, errors = await proxy.dial(alice, "web-1:3022")

    assert code != 0
    assert b"node web-1 cannot be reached" in errors


async def test_no_new_channels_after_the_certificate_has_expired(proxy: Proxy) -> None:
    alice = await user(proxy, "alice")
    _, server = await register(proxy, "web-1")
    async with await proxy.connect(alice) as connection:
        reader, _ = await connection.open_connection("web-1", 0, encoding=None)
        assert await reader.read(6) == b"banner"
        proxy.clock.advance(31 * 3600)

        with pytest.raises(asyncssh.ChannelOpenError, match="expired"):
            await connection.open_connection("web-1", 0)
    server.close()


@pytest.mark.parametrize("kind", ["remote", "unix"])
async def test_other_forwarding_is_refused(proxy: Proxy, kind: str) -> None:
    async with await proxy.connect(await user(proxy, "alice")) as connection:
        with pytest.raises((asyncssh.ChannelOpenError, asyncssh.ChannelListenError)):
            if kind == "remote":
                await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", 1)
            else:
                await connection.open_unix_connection("/run/docker.sock")


async def test_a_drain_waits_for_channels_in_use_and_accepts_no_more(proxy: Proxy) -> None:
    alice = await user(proxy, "alice")
    _, server = await register(proxy, "web-1")
    async with await proxy.connect(alice) as connection:
        reader, writer = await connection.open_connection("web-1", 0, encoding=None)
        await reader.readexactly(7)
        draining = asyncio.create_task(proxy.running.server.drain(30))
        _, waiting = await asyncio.wait({draining}, timeout=0.2)
        assert waiting
        assert refuses(proxy.running.ssh_port)
        assert refuses(proxy.running.port)
        writer.write(b"still here")
        writer.write_eof()
        assert await reader.read() == b"still here"
        await asyncio.wait_for(draining, 10)
    server.close()


async def test_a_drain_has_a_bound(proxy: Proxy) -> None:
    alice = await user(proxy, "alice")
    _, server = await register(proxy, "web-1")
    async with await proxy.connect(alice) as connection:
        reader, _ = await connection.open_connection("web-1", 0, encoding=None)
        await reader.readexactly(7)
        await asyncio.wait_for(proxy.running.server.drain(0.1), 5)
        await asyncio.wait_for(proxy.running.server.stop(), 5)
        await asyncio.wait_for(connection.wait_closed(), 5)
    server.close()


def refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


async def test_a_shell_is_refused_with_a_hint(proxy: Proxy) -> None:
    proxy.keep(await user(proxy, "alice"))

    code, _, errors = await proxy.ssh("anybody@127.0.0.1", "uname")

    assert code == 1
    assert b"no shell" in errors
    assert b"tsh ssh" in errors
