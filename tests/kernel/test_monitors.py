# SPDX-License-Identifier: Apache-2.0
"""The root process beside each session dies or is stopped: the session ends, and its record says why."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from proctor.captureproto.cgroup import CgroupTree
from proctor.config.schema import EnhancedRecording, SshService
from proctor.model.resources import RecordSession, RoleOptions
from testing.capture import cgroup_mount
from testing.node import NodeUnderTest, role
from testing.polling import auntil
from testing.terminal import Terminal

DIED = "the process that watched it has ended unexpectedly"
IGNORING = "trap '' HUP TERM; (trap '' HUP; exec sleep 600) & echo pid=$! shell=$$; wait"
AWAY = "setsid sh -c 'trap \"\" HUP; exec sleep 600' & sleep 0.1; echo pid=$! shell=$$; wait"


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    """A node that captures, with a strict role and one that is not."""
    recording = EnhancedRecording(
        enabled=True, cgroup_path=str(cgroup_mount()), root_path=f"/proctor-monitors-{os.getpid()}"
    )
    node = NodeUnderTest(tmp_path, SshService(enhanced_recording=recording))
    kinds = RoleOptions(enhanced_recording=["command"])
    strict = replace(kinds, record_session=RecordSession(default="strict"))
    node.set_roles(
        role("strict", logins=[node.login], options=strict),
        role("best_effort", logins=[node.login], options=kinds),
        role("plain", logins=[node.login], options=RoleOptions(enhanced_recording=[])),
    )
    async with node.running():
        yield node


def parent(pid: int) -> int:
    """The process id of the parent of ``pid``."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def lives(pid: int) -> bool:
    """Is there a process ``pid`` that is no zombie?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def started(terminal: Terminal, command: str) -> tuple[int, int]:
    """Run ``command``, which prints its process and its shell; their numbers."""
    await asyncio.to_thread(terminal.line, command)
    found = await asyncio.to_thread(terminal.expect, r"pid=(\d+) shell=(\d+)")
    return int(found[1]), int(found[2])


async def gone(*pids: int) -> None:
    """Wait until none of ``pids`` lives."""
    await auntil(lambda: not any(map(lives, pids)), 15, f"end of {pids}")


@pytest.mark.parametrize("mode", ["strict", "best_effort"])
@pytest.mark.parametrize("command", [IGNORING, AWAY], ids=["ignoring", "away"])
async def test_session_of_a_killed_monitor_ends(node: NodeUnderTest, mode: str, command: str) -> None:
    with node.person(roles=[mode]).terminal() as terminal:
        pids = await started(terminal, command)
        os.kill(parent(pids[1]), signal.SIGKILL)
        await asyncio.to_thread(terminal.expect, DIED)
        await asyncio.to_thread(terminal.wait)
        await gone(*pids)
        (end,) = await auntil(lambda: node.events("session.end"))

    (ledger,) = node.events("session.ledger", sid=end["sid"])
    assert end["reason"] == DIED
    assert ledger["submitted"] == ledger["stored"]
    assert ledger["stored"]["command"] == len(node.events("session.command"))
    tree = CgroupTree(cgroup_mount(), node.ssh_service.enhanced_recording.root_path, node.boot.run_id)
    await auntil(lambda: not list(tree.root.glob(end["sid"])))
    assert (await node.person(roles=[mode]).ssh("echo next")).stdout == b"next\n"


async def test_session_without_capture_ends_with_its_monitor(node: NodeUnderTest) -> None:
    with node.person(roles=["plain"]).terminal() as terminal:
        pids = await started(terminal, "sleep 600 & echo pid=$! shell=$$; wait")
        os.kill(parent(pids[1]), signal.SIGKILL)
        await asyncio.to_thread(terminal.wait)
        await gone(*pids)
        (end,) = await auntil(lambda: node.events("session.end"))
    assert end["reason"] == DIED


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
async def test_command_without_terminal_ends_with_its_monitor(
    node: NodeUnderTest, number: signal.Signals
) -> None:
    """A crash is like a kill."""
    person = node.person(roles=["best_effort"])
    running = asyncio.create_task(person.ssh("trap '' HUP; sleep 600 & echo $$ $! >pids; wait", "-v"))
    pids = await auntil(lambda: children(node))
    os.kill(parent(pids[0]), number)
    done = await running
    await gone(*pids)
    assert done.status == 255
    assert DIED in done.stderr


def children(node: NodeUnderTest) -> list[int]:
    """Processes in the cgroup of the only session, the first one first, once there are two."""
    tree = CgroupTree(cgroup_mount(), node.ssh_service.enhanced_recording.root_path, node.boot.run_id)
    pids = [int(pid) for path in tree.root.glob("*/cgroup.procs") for pid in path.read_text().split()]
    return sorted(pids) if len(pids) > 1 and node.events("session.command", program="sleep") else []


async def test_monitor_that_is_stopped_goes_on(node: NodeUnderTest) -> None:
    with node.person(roles=["strict"]).terminal() as terminal:
        _, shell = await started(terminal, "sleep 600 & echo pid=$! shell=$$")
        os.kill(parent(shell), signal.SIGSTOP)
        await asyncio.to_thread(terminal.line, "kill %1; exit 3")
        assert await asyncio.to_thread(terminal.wait) == 3
    (end,) = await auntil(lambda: node.events("session.end"))
    assert "reason" not in end


async def test_monitor_that_is_stopped_again_and_again_is_killed(node: NodeUnderTest) -> None:
    with node.person(roles=["strict"]).terminal() as terminal:
        pids = await started(terminal, "sleep 600 & echo pid=$! shell=$$; wait")
        monitor = parent(pids[1])

        def stopped() -> bool:
            try:
                os.kill(monitor, signal.SIGSTOP)
            except ProcessLookupError:
                return True
            return not lives(monitor)

        await auntil(stopped, 20)
        await gone(*pids)
        (end,) = await auntil(lambda: node.events("session.end"))
    assert end["reason"] == DIED
