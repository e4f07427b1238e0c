# SPDX-License-Identifier: Apache-2.0
"""What the log says when events of the kernel could not be kept: never that all is well."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from proctor.capture.state.place import StateDirectory
from proctor.config.schema import EnhancedRecording, SshService
from proctor.model.resources import RoleOptions
from testing.capture import cgroup_mount
from testing.node import NodeUnderTest, role
from testing.nodeprocess import NodeProcess
from testing.polling import auntil
from testing.spawner import SpawnerProcess


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    """A node with capture enabled and a spawner; capture and server are the tests' to start."""
    recording = EnhancedRecording(
        enabled=True, cgroup_path=str(cgroup_mount()), root_path=f"/proctor-losses-{os.getpid()}"
    )
    node = NodeUnderTest(tmp_path, SshService(enhanced_recording=recording))
    node.set_roles(role("access", logins=[node.login], options=RoleOptions(enhanced_recording=["command"])))
    with SpawnerProcess(replace(node.boot, service="spawner")):
        yield node
    await node.stop()
    StateDirectory(node.boot.run_dir).discard()


async def test_notes_that_cannot_be_written_cost_no_events(node: NodeUnderTest) -> None:
    async with node.capturing():
        await node.server.start()
        (node.boot.spool_dir / f".deliveries.json.{os.getpid()}.new").mkdir()

        await node.person().ssh("/bin/echo one")

        (end,) = await auntil(lambda: node.events("session.end"))
        programs = [event["program"] for event in node.events("session.command", sid=end["sid"])]
        assert programs == ["bash", "echo"]
        await node.server.stop()


async def test_session_that_node_and_capture_both_left_is_whole(node: NodeUnderTest) -> None:
    async with node.capturing():
        first = await asyncio.to_thread(NodeProcess, node.boot)
        with node.person(port=first.port).terminal() as terminal:
            await asyncio.to_thread(terminal.line, "/bin/echo he''re")
            await asyncio.to_thread(terminal.expect, "here")
            await auntil(lambda: node.events("session.command", program="echo"))
            first.kill()
    async with node.capturing():
        await node.server.start()
        (end,) = await auntil(lambda: node.events("session.end"))
        await node.server.stop()

    (ledger,) = node.events("session.ledger", sid=end["sid"])
    assert not node.events("session.loss")
    assert ledger["submitted"] == ledger["stored"]
    assert ledger["stored"]["command"] == len(node.events("session.command", sid=end["sid"]))
