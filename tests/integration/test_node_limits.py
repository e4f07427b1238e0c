# SPDX-License-Identifier: Apache-2.0
"""A node that unauthenticated clients fill up, or that runs out of descriptors; modes of links."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from testing.node import NodeUnderTest
from testing.polling import auntil

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the spawner needs root")


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    """A node that serves."""
    node = NodeUnderTest(tmp_path)
    async with node.running():
        yield node


def running(*argv: str) -> list[int]:
    """Processes with exactly these arguments."""
    wanted = b"".join(word.encode() + b"\0" for word in argv)
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == wanted:
                found.append(int(path.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def open_terminals() -> list[str]:
    """Descriptors of this process, in which the node runs, that are terminals' master sides."""
    descriptors = [path for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return sorted(path.name for path in descriptors if os.readlink(path).endswith("ptmx"))


async def test_idle_clients_do_not_shut_others_out(
    node: NodeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor.sshkit.admission.MAX_UNAUTHENTICATED", 5)
    streams = [await asyncio.open_connection("127.0.0.1", node.server.port) for _ in range(8)]

    async def ended(reader: asyncio.StreamReader) -> bool:
        try:
            await asyncio.wait_for(reader.read(), 1)
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True

    assert await asyncio.gather(*(ended(reader) for reader, _ in streams)) == [True] * 3 + [False] * 5
    assert (await node.person().ssh("echo one")).stdout == b"one\n"
    for _, writer in streams:
        writer.close()


async def test_running_sessions_are_not_closed_for_others(
    node: NodeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor.sshkit.admission.MAX_UNAUTHENTICATED", 2)
    with node.person().terminal() as terminal:
        await asyncio.to_thread(terminal.line, "echo he''re")
        await asyncio.to_thread(terminal.expect, "here")
        streams = [await asyncio.open_connection("127.0.0.1", node.server.port) for _ in range(4)]
        await asyncio.to_thread(terminal.line, "echo still''here")
        await asyncio.to_thread(terminal.expect, "stillhere")
    for _, writer in streams:
        writer.close()


async def test_a_session_that_cannot_be_joined_leaves_nothing_behind(
    node: NodeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(_descriptor: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    alice = node.person()
    terminals = open_terminals()
    monkeypatch.setattr(os, "dup", exhausted)
    done = await alice.run("ssh", *alice.options, "-tt", alice.target, "trap '' HUP; exec sleep 4243")

    assert done.status == 254
    assert open_terminals() == terminals
    await auntil(lambda: not running("sleep", "4243"), 15)
    (event,) = await auntil(lambda: node.events("session.rejected"))
    assert event["reason"] == "this node cannot start a session: Too many open files"


async def test_modes_of_links_are_audited(node: NodeUnderTest, tmp_path: Path) -> None:
    alice = node.person()
    commands = b"mkdir proctor-mode\nchmod -h 700 proctor-mode\nrmdir proctor-mode\n"

    await alice.run("sftp", *alice.options, "-b", "-", alice.target, stdin=commands)

    await auntil(lambda: node.events("subsystem"))
    made, changed, removed = node.events("sftp")
    assert (made["action"], changed["action"], removed["action"]) == (12, 7, 13)
    assert changed["attributes"] == {"permissions": 0o700}
    assert changed["path"].endswith("/proctor-mode")
