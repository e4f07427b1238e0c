# SPDX-License-Identifier: Apache-2.0
"""Roles that restrict the network, from the role to the refused connection."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proctor.config.schema import EnhancedRecording, SshService
from proctor.model.resources import NetworkRule, RoleOptions
from testing.capture import cgroup_mount
from testing.node import NodeUnderTest, role
from testing.polling import auntil

ALLOWED, DENIED = "127.0.0.1", "127.0.0.7"


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A port that listens on all addresses of this machine, and hangs up on everyone."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "0.0.0.0", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def node_at(directory: Path, port: int, *, enhanced: bool) -> NodeUnderTest:
    """A node that knows two roles with a policy."""
    recording = EnhancedRecording(
        enabled=enhanced, cgroup_path=str(cgroup_mount()), root_path=f"/proctor-policy-{os.getpid()}"
    )
    node = NodeUnderTest(directory, SshService(enhanced_recording=recording))
    rules = [NetworkRule(cidr=f"{ALLOWED}/32", ports=[port], protocol="tcp")]
    unwatched = RoleOptions(enhanced_recording=[])
    node.set_roles(
        role("watched", logins=[node.login, "root"], network=rules),
        role("unwatched", logins=[node.login], network=rules, options=unwatched),
    )
    return node


@pytest.fixture
async def node(tmp_path: Path, port: int) -> AsyncIterator[NodeUnderTest]:
    """A node that captures."""
    node = node_at(tmp_path, port, enhanced=True)
    async with node.running():
        yield node


@pytest.mark.parametrize(("name", "actions"), [("watched", [0, 1]), ("unwatched", [1])])
async def test_connections(node: NodeUnderTest, port: int, name: str, actions: list[int]) -> None:
    script = f"for to in {ALLOWED} {DENIED}; do : 3<>/dev/tcp/$to/{port} && echo reached $to; done"

    done = await node.person(roles=[name]).ssh(f"exec bash -c '{script}'")

    assert done.stdout.decode().splitlines() == [f"reached {ALLOWED}"]
    assert "Operation not permitted" in done.stderr
    (end,) = await auntil(lambda: node.events("session.end"))
    events = node.events("session.network", sid=end["sid"])
    assert [event["action"] for event in events] == actions
    assert (events[-1]["dst_addr"], events[-1]["return_code"]) == (DENIED, -1)


@pytest.mark.parametrize(
    ("address", "code"),
    [(ALLOWED, "T3003I"), (DENIED, "T3003E"), ("0.0.0.0", "T3003E")],
)
async def test_forwarded_connections(node: NodeUnderTest, port: int, address: str, code: str) -> None:
    person = node.person(roles=["watched"])

    await person.run("ssh", *person.options, "-W", f"{address}:{port}", person.target, stdin=b"")

    [event] = await auntil(lambda: node.events("port", code=code))
    assert event["addr"] == f"{address}:{port}"
    assert event.get("error") == (
        None if code == "T3003I" else f"your roles do not allow connections to {event['addr']}"
    )


async def test_root_cannot_make_packets(node: NodeUnderTest) -> None:
    root = node.person(roles=["watched"], logins=["root"])
    root.login = "root"
    script = "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"

    done = await root.ssh(f"python3 -c '{script}'")

    assert "PermissionError" in done.stderr


async def test_node_that_cannot_enforce_it_refuses(tmp_path: Path, port: int) -> None:
    node = node_at(tmp_path, port, enhanced=False)
    async with node.running():
        done = await node.person(roles=["watched"]).ssh("true")

    assert done.status == 254
    assert "a role restricts the network, which takes enhanced recording on this node" in done.stderr
