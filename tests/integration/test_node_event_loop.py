# SPDX-License-Identifier: Apache-2.0
"""The node's event loop waits for no disk: files are written by other threads."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from testing.looptrap import LoopTrap, trapped
from testing.node import NodeUnderTest, role
from testing.polling import auntil

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the spawner needs root")


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    node = NodeUnderTest(tmp_path)
    node.set_roles(role("access", logins=[node.login]))
    async with node.running():
        yield node


@pytest.fixture
def trap(node: NodeUnderTest) -> Iterator[LoopTrap]:
    with trapped(node.boot.data_dir / "spool", node.boot.data_dir / "log") as trap:
        yield trap


async def ended(node: NodeUnderTest, count: int = 1) -> None:
    await auntil(lambda: len(node.events("session.end")) == count and not _unfinished(node))


def _unfinished(node: NodeUnderTest) -> list[Path]:
    return list(node.boot.upload_dir.glob("*.journal"))


async def test_sessions_touch_the_disk_in_other_threads_only(node: NodeUnderTest, trap: LoopTrap) -> None:
    alice, mallory = node.person(), node.person(logins=["no-such-login"])

    much = await alice.ssh("-tt", "head -c 20000000 /dev/zero | tr '\\0' x")
    assert len(much.stdout) == 20_000_000
    await alice.ssh("scp -f /etc/hostname")
    await alice.run("sftp", *alice.options, alice.target, stdin=b"ls /etc/hostname\n")
    await mallory.ssh("true", login="no-such-login")
    await alice.ssh("-W", "127.0.0.1:1")
    await ended(node)
    await node.stop()

    assert not trap.found


async def test_other_sessions_go_on_while_the_disk_does_not(node: NodeUnderTest, trap: LoopTrap) -> None:
    alice = node.person()
    with alice.terminal("cat") as terminal:
        terminal.line("recorded")
        await asyncio.to_thread(terminal.expect, r"recorded\s+recorded")
        trap.disk.clear()
        await auntil(trap.stuck.is_set)

        answer = await alice.ssh("echo alive")

        assert answer.stdout == b"alive\n"
        trap.disk.set()
        terminal.send("\x04")
        await asyncio.to_thread(terminal.wait)
    await ended(node)
