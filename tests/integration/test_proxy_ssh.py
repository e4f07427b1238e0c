"""The SSH proxy with a real auth service, a real OpenSSH client, and nodes that are plain TCP servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from proctor.audit.spool import Spool
from proctor.model import serde
from proctor.model.resources import Metadata, Node, NodeSpec
from proctor.proxy.directory import Directory
from proctor.proxy.sshd import SshProxy, SshProxySettings
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.identity import Credentials, write_private
from tests.support.auth import RunningAuth, running_auth
from tests.support.polling import auntil


@dataclass
class Proxy:
    """A proxy in this process, and the file system of a client."""

    auth: RunningAuth
    port: int
    spool: Spool
    directory: Path

    async def dial(self, user: Credentials, target: str) -> tuple[int, bytes, bytes]:
        """``ssh -W target`` through the proxy: exit code, output, errors."""
        write_private(self.directory / "key", user.ssh_key)
        write_private(self.directory / "key-cert.pub", user.ssh_certificate)
        authority = f"@cert-authority * {user.authorities.host_ssh_ca[0]}\n"
        (self.directory / "known_hosts").write_text(authority)
        options = [
            "StrictHostKeyChecking=yes",
            f"UserKnownHostsFile={self.directory / 'known_hosts'}",
            "BatchMode=yes",
        ]
        process = await asyncio.create_subprocess_exec(
            *["ssh", "-F", "none", "-i", str(self.directory / "key"), "-p", str(self.port)],
            *[part for option in options for part in ("-o", option)],
            *["-W", target, "anybody@127.0.0.1"],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate(b"ping")
        return process.returncode or 0, output, errors


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Proxy]:
    data, client_files = tmp_path / "auth", tmp_path / "client"
    data.mkdir()
    client_files.mkdir()
    async with running_auth(data) as auth:
        host_id, credentials = await auth.join("proxy")
        client = auth.client(credentials)
        spool = Spool(tmp_path / "spool", source=f"proxy/{host_id}", cluster_name="purple")
        server = SshProxy(SshProxySettings(host_id, "proxy-1", credentials), Directory(client), spool)
        delivery = asyncio.create_task(spool.deliver(lambda: client))
        port = await server.start("127.0.0.1", 0)
        yield Proxy(auth, port, spool, client_files)
        await server.stop()
        delivery.cancel()
        await client.close()
        spool.close()


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that speaks first, as SSH servers do, and answers at the end of input."""
    writer.write(b"banner ")
    writer.write(await reader.read())
    writer.close()


def port_of(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


async def register(proxy: Proxy, name: str, **labels: str) -> tuple[str, asyncio.Server]:
    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    address = f"127.0.0.1:{port_of(server)}"
    host_id, node = await proxy.auth.join("node")
    document = Node(
        metadata=Metadata(name=host_id), spec=NodeSpec(hostname=name, addr=address, labels=labels)
    )
    await proxy.auth.call(node, "auth.Heartbeat", pb.HeartbeatRequest(node=serde.to_json(document)))
    return host_id, server


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
    event = proxy.auth.events("auth")[0]
    assert (event["code"], event["user"]) == ("T3007W", "bob")
    assert "web-1 not found" in event["error"]
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


async def test_a_certificate_of_another_cluster_is_refused(proxy: Proxy, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with running_auth(other, cluster="green") as stranger:
        request = pb.CreateUserRequest(name="eve", roles=["access"], logins=["root"])
        await stranger.call(stranger.admin, "auth.CreateUser", request)
        eve = await stranger.sign("eve")
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


async def test_who_asks_for_a_shell_is_told_what_to_do(proxy: Proxy) -> None:
    alice = await user(proxy, "alice")
    await proxy.dial(alice, "nowhere:1")
    files = proxy.directory
    process = await asyncio.create_subprocess_exec(
        *["ssh", "-F", "none", "-i", str(files / "key"), "-p", str(proxy.port), "-o", "BatchMode=yes"],
        *["-o", f"UserKnownHostsFile={files / 'known_hosts'}", "anybody@127.0.0.1", "uname"],
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"no shell" in errors
    assert b"tsh ssh" in errors
