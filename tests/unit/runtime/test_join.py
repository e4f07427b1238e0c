# SPDX-License-Identifier: Apache-2.0
import asyncio
import socket
from pathlib import Path

import pytest

from proctor.config.boot import ServiceBoot
from proctor.config.load import parse
from proctor.core.errors import ConfigError
from proctor.runtime.join import AuthEndpoint, ensure, principals, reachable


def boot(text: str, service: str = "node") -> ServiceBoot:
    return ServiceBoot(
        service=service,  # type: ignore[arg-type]  # one of the names
        config=parse(text, "f").config,
        host_uuid="h",
        run_id="r",
        uid=1,
        gid=1,
        node_uid=1,
        auth_address="",
        node_name="web",
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_the_first_address_that_answers() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        open_ = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        closed = f"127.0.0.1:{free_port()}"
        assert await reachable([closed, open_]) == open_
        assert await reachable([open_, closed]) == open_
    assert await reachable([closed, open_]) == closed, "no answer: the preferred one"


async def test_no_token_no_join(tmp_path: Path) -> None:
    (tmp_path / "proc/host").mkdir(parents=True)
    with pytest.raises(ConfigError, match="the node service has not joined a cluster yet and has no token"):
        await ensure(boot(f"teleport: {{data_dir: {tmp_path}}}"), AuthEndpoint(["127.0.0.1:1"], "", []))


async def test_an_identity_needs_no_token(tmp_path: Path) -> None:
    for directory in ("proc/proxy", "proc/trusted"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "proc/proxy/authorities.json").touch()
    way = AuthEndpoint(["127.0.0.1:1"], "", [])
    assert await ensure(boot(f"teleport: {{data_dir: {tmp_path}}}", "proxy"), way) == "127.0.0.1:1"


def test_names_of_a_host() -> None:
    text = "ssh_service: {public_addr: [web.example.com, '10.0.0.1:99']}\nteleport: {advertise_ip: 10.0.0.2}"
    names = principals(boot(text))
    assert {"web.example.com", "10.0.0.1", "10.0.0.2", "127.0.0.1", "::1"} <= set(names)
    assert not {"0.0.0.0", "::", ""} & set(names)
    proxy = principals(boot("proxy_service: {ssh_public_addr: ssh.example.com}", "proxy"))
    assert "ssh.example.com" in proxy
