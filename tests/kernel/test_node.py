# SPDX-License-Identifier: Apache-2.0
"""Sessions whose every command the kernel reports: first exec, end, crash of the node, no capture."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from proctor.config.schema import EnhancedRecording, RecordingMinimum, SshService
from proctor.core.errors import Unavailable
from proctor.model.resources import RoleOptions
from testing.capture import cgroup_mount
from testing.node import NodeUnderTest, Person, role
from testing.nodeprocess import NodeProcess
from testing.polling import auntil


def enhanced() -> SshService:
    """The configuration's section with capture on."""
    return SshService(
        enhanced_recording=EnhancedRecording(
            enabled=True, cgroup_path=str(cgroup_mount()), root_path=f"/proctor-test-{os.getpid()}"
        )
    )


def cgroups_of(sid: str) -> list[Path]:
    """What is left of a session's cgroup."""
    return list(cgroup_mount().glob(f"**/{sid}"))


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    """A node that serves and captures."""
    node = NodeUnderTest(tmp_path, enhanced())
    node.set_roles(
        role("access", logins=[node.login]),
        role("unwatched", logins=[node.login], options=RoleOptions(enhanced_recording=[])),
    )
    async with node.running():
        yield node


@pytest.fixture
def alice(node: NodeUnderTest) -> Person:
    """Somebody who may log in."""
    return node.person()


async def test_no_role_records_less_than_the_host_wants(tmp_path: Path) -> None:
    wanted = RecordingMinimum(events=["command"], mode="strict")
    section = enhanced()
    recording = replace(section.enhanced_recording, minimum=wanted)
    node = NodeUnderTest(tmp_path, replace(section, enhanced_recording=recording))
    node.set_roles(role("access", logins=[node.login], options=RoleOptions(enhanced_recording=[])))
    async with node.running():
        done = await node.person().ssh("/bin/echo recorded")
        await auntil(lambda: node.events("session.end"))

    assert done.stdout == b"recorded\n"
    assert ["recorded"] in [event["argv"] for event in node.events("session.command")]


async def test_first_exec_to_the_last_is_in_record_and_log(node: NodeUnderTest, alice: Person) -> None:
    done = await alice.ssh("/bin/echo one; /usr/bin/base64 /dev/null; exit 3")

    assert done.status == 3
    (end,) = await auntil(lambda: node.events("session.end"))
    commands = node.events("session.command")
    assert [event["path"].rsplit("/", 1)[-1] for event in commands] == ["bash", "echo", "base64"]
    assert commands[1]["argv"] == ["one"]
    for event in commands:
        assert (event["sid"], event["user"], event["login"]) == (end["sid"], "alice", node.login)
        assert (event["server_id"], event["namespace"]) == (node.boot.host_uuid, "default")
    assert (end["enhanced_recording"], end["interactive"]) == (True, False)
    assert end["initial_command"] == ["/bin/echo one; /usr/bin/base64 /dev/null; exit 3"]
    events = [event for event in node.events() if event.get("sid") == end["sid"] and event["ei"] < 2**30]
    assert events[0]["event"] == "session.attestation"  # not in the recording, so without a number in it
    numbers = [event["ei"] for event in events[1:]]
    assert numbers == list(range(len(numbers)))
    recording = await auntil(lambda: node.recording(end["sid"]))
    recorded = [json.loads(line) for line in recording["session.command"].splitlines()]
    assert recorded == commands


async def test_terminal_and_kernel_share_one_count(node: NodeUnderTest, alice: Person) -> None:
    with alice.terminal() as terminal:
        await asyncio.to_thread(terminal.line, "/bin/echo a''b; exit")
        await asyncio.to_thread(terminal.expect, "ab")
        await asyncio.to_thread(terminal.wait)

    (end,) = await auntil(lambda: node.events("session.end"))
    assert end["enhanced_recording"] is True
    assert "echo" in [event["program"] for event in node.events("session.command", sid=end["sid"])]
    (start,) = node.events("session.start")
    assert start["ei"] == 0
    assert not cgroups_of(end["sid"])


async def test_parallel_sessions_do_not_mix(node: NodeUnderTest, alice: Person) -> None:
    bob = node.person("bob")
    await asyncio.gather(*(person.ssh(f"/bin/echo {index}") for index, person in enumerate([alice, bob] * 3)))

    await auntil(lambda: len(node.events("session.end")) == 6)
    for end in node.events("session.end"):
        (echo,) = node.events("session.command", sid=end["sid"], program="echo")
        assert end["initial_command"] == [f"/bin/echo {echo['argv'][0]}"]
        assert echo["user"] == end["user"]


async def test_roles_can_turn_it_off(node: NodeUnderTest) -> None:
    bob = node.person("bob", roles=["unwatched"])

    assert (await bob.ssh("/bin/echo one")).status == 0

    (event,) = await auntil(lambda: node.events("exec"))
    assert not node.events("session.command", "session.end", sid=event["sid"])


async def test_what_outlives_the_session_stays_in_the_log(node: NodeUnderTest, alice: Person) -> None:
    await alice.ssh("setsid sh -c 'sleep 1; /bin/echo late' >/dev/null 2>&1 </dev/null &")

    (end,) = await auntil(lambda: node.events("session.end"))
    (late,) = await auntil(lambda: node.events("session.command", sid=end["sid"], program="echo"))
    assert late["detached"] is True
    assert late["user"] == "alice"
    assert late["ei"] > end["ei"]


async def test_sftp_is_captured(node: NodeUnderTest, alice: Person) -> None:
    done = await alice.run(
        "sftp", *alice.options, "-b", "-", alice.target, stdin=b"get /etc/hostname /dev/null\n"
    )

    assert done.status == 0
    (end,) = await auntil(lambda: node.events("session.end"))
    assert end["enhanced_recording"] is True
    assert node.events("sftp", sid=end["sid"], code="TS001I")


async def test_no_capture_no_node(tmp_path: Path) -> None:
    node = NodeUnderTest(tmp_path, enhanced())

    with pytest.raises(Unavailable, match="enhanced recording is enabled, but nothing can be recorded"):
        await node.server.start()

    await node.stop()


async def test_killed_node_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    node = NodeUnderTest(tmp_path, enhanced())
    node.set_roles(role("access", logins=[node.login], options=RoleOptions(enhanced_recording=["command"])))
    async with node.helpers():
        first = await asyncio.to_thread(NodeProcess, node.boot)
        alice = node.person(port=first.port)
        script = "i=0; while [ $i -lt 300 ]; do /bin/echo $i; i=$((i+1)); done; sleep 60"
        with alice.terminal(script) as terminal:
            await asyncio.to_thread(terminal.expect, r"\b120\b")
            first.kill()
            await asyncio.to_thread(terminal.wait)
        await node.server.start()
        (end,) = await auntil(lambda: node.events("session.end"), 20)
        recording = await auntil(lambda: node.recording(end["sid"]))
        await node.stop()

    echoed = [int(event["argv"][0]) for event in node.events("session.command", program="echo")]
    assert echoed == list(range(len(echoed)))
    assert len(echoed) >= 120
    recorded = [json.loads(line) for line in recording["session.command"].splitlines()]
    assert recorded == node.events("session.command")
    assert (end["user"], end["enhanced_recording"], end["interactive"]) == ("alice", True, True)
    everything = [event["uid"] for event in node.events()]
    assert len(set(everything)) == len(everything)
