# SPDX-License-Identifier: Apache-2.0
"""Sessions on a node: terminals, their recording, hang-ups, limits, forwarding, paramiko."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import paramiko
import pytest

from proctor.model.resources import RoleOptions
from testing.node import NodeUnderTest, Person, role
from testing.polling import auntil
from testing.terminal import Terminal

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the spawner needs root")


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    """A node that serves."""
    node = NodeUnderTest(tmp_path)
    node.set_roles(
        role("access", logins=[node.login]),
        role("single", logins=[node.login], options=RoleOptions(max_sessions=1)),
        role("alone", logins=[node.login], options=RoleOptions(max_connections=1)),
        role("hasty", logins=[node.login], options=RoleOptions(client_idle_timeout="1s")),
        role("no-forwarding", logins=[node.login], options=RoleOptions(port_forwarding=False)),
    )
    async with node.running():
        yield node


@pytest.fixture
def alice(node: NodeUnderTest) -> Person:
    """Somebody who may log in."""
    return node.person()


def alive(pid: int) -> bool:
    """Is there such a process?"""
    return Path(f"/proc/{pid}").exists()


def type_and_resize(terminal: Terminal) -> int:
    """What a person does at a terminal; runs in a thread."""
    terminal.line("PS1='ready> '; tty; echo $0 $SSH_TTY")
    terminal.expect(r"(/dev/pts/\d+)\s+-\w+ \1")
    terminal.line("stty size")
    terminal.expect("40 120")
    terminal.resize(81, 25)
    terminal.line("until [ \"$(stty size)\" = '25 81' ]; do sleep 0.05; done; echo resi''zed")
    terminal.expect("resized")
    terminal.line("echo wait''ing; cat")
    terminal.expect("waiting")
    terminal.line("typed")
    terminal.expect(r"typed\s+typed")
    terminal.send("\x03")
    terminal.expect(r"(?s)\^C.*?ready> ")  # what is typed before the prompt is thrown away by the interrupt
    terminal.line("echo still''here")
    terminal.expect("stillhere")
    terminal.line("exit 6")
    return terminal.wait()


async def test_interactive_session(node: NodeUnderTest, alice: Person) -> None:
    with alice.terminal() as terminal:
        status = await asyncio.to_thread(type_and_resize, terminal)

    assert status == 6
    (end,) = await auntil(lambda: node.events("session.end"))
    (start,) = node.events("session.start")
    (resized,) = node.events("resize")
    (data,) = node.events("session.data")
    assert (start["size"], resized["size"]) == ("120:40", "81:25")
    assert (end["interactive"], end["enhanced_recording"]) == (True, False)
    assert (end["participants"], end["session_start"]) == (["alice"], start["time"])
    assert data["rx"] > 100
    assert data["tx"] > data["rx"]
    assert start["ei"] == 0
    assert end["ei"] > resized["ei"] > 0
    assert {start["addr.local"], end["addr.local"]} == {f"127.0.0.1:{node.server.port}"}


async def test_recording_holds_what_the_terminal_showed(node: NodeUnderTest, alice: Person) -> None:
    with alice.terminal("seq 1 20000; echo the end") as terminal:
        assert await asyncio.to_thread(terminal.wait) == 0

    (end,) = await auntil(lambda: node.events("session.end"))
    recording = await auntil(lambda: node.recording(end["sid"]))
    shown, _, _ = terminal.output.partition(b"Connection to 127.0.0.1 closed.")
    assert recording["chunks"] == shown
    assert shown.endswith(b"20000\r\nthe end\r\n")
    assert b'"session.start"' in recording["events"]
    assert b'"session.end"' in recording["events"]


async def test_hanging_up_ends_the_session(node: NodeUnderTest, alice: Person) -> None:
    terminal = alice.terminal()
    await asyncio.to_thread(terminal.line, "echo pid=$$")
    shell = int((await asyncio.to_thread(terminal.expect, r"pid=(\d+)"))[1])
    terminal.close()

    await auntil(lambda: node.events("session.end"))
    assert not alive(shell)


async def test_a_program_that_ignores_hangups_is_killed(node: NodeUnderTest, alice: Person) -> None:
    command = ["ssh", *alice.options, alice.target, "trap '' HUP PIPE; echo $$; while :; do sleep 0.1; done"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    pid = int(await process.stdout.readline())
    process.kill()
    await process.wait()

    (event,) = await auntil(lambda: node.events("exec"), 15)
    assert event["exitError"] == "killed by signal KILL"
    assert not alive(pid)


async def test_background_jobs_do_not_hold_a_terminal_open(node: NodeUnderTest, alice: Person) -> None:
    with alice.terminal("trap '' HUP; sleep 5 & echo started") as terminal:
        assert await asyncio.to_thread(terminal.wait, 4) == 0

    assert b"started" in terminal.output


async def test_sessions_per_connection_are_limited(node: NodeUnderTest) -> None:
    bob = node.person("bob", roles=["single"])
    control = ["-o", f"ControlPath={bob.home}/c", "-o", "ControlMaster=auto"]
    with bob.terminal("", *control) as terminal:
        await asyncio.to_thread(terminal.line, "echo he''re")
        await asyncio.to_thread(terminal.expect, "here")
        second = await bob.run("ssh", *control, *bob.options, bob.target, "true")

    assert "Session open refused by peer" in second.stderr
    (event,) = await auntil(lambda: node.events("session.rejected"))
    assert (event["reason"], event["max"]) == ("max_sessions limit reached", 1)


async def test_connections_per_user_are_limited(node: NodeUnderTest, alice: Person) -> None:
    bob = node.person("bob", roles=["alone"])
    with bob.terminal() as terminal:
        await asyncio.to_thread(terminal.line, "echo he''re")
        await asyncio.to_thread(terminal.expect, "here")
        refused, other = await bob.ssh("true"), await alice.ssh("true")
    await auntil(lambda: node.events("session.end"))
    again = await bob.ssh("true")

    assert (refused.status, other.status, again.status) == (255, 0, 0)
    assert "your roles allow 1 connection at a time" in refused.stderr


async def test_idle_clients_are_cut(node: NodeUnderTest) -> None:
    bob = node.person("bob", roles=["hasty"])

    with bob.terminal() as terminal:
        await asyncio.to_thread(terminal.expect, "the client was idle for 1 second")
        assert await asyncio.to_thread(terminal.wait) == 255

    (event,) = await auntil(lambda: node.events("client.disconnect"))
    assert event["reason"] == "the client was idle for 1 second"
    assert await auntil(lambda: node.events("session.end"))


async def greeting(port: int, person: Person) -> bytes:
    """What a server says through ``ssh -W``."""
    done = await person.run(
        "ssh", *person.options, "-W", f"127.0.0.1:{port}", person.target, stdin=b"hello\n"
    )
    return done.stdout


async def test_forwarding(node: NodeUnderTest, alice: Person) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"I speak first\n")
        writer.write((await reader.read()).upper())
        writer.write_eof()
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    bob = node.person("bob", roles=["no-forwarding"])

    assert await greeting(port, alice) == b"I speak first\nHELLO\n"
    assert await greeting(port, bob) == b""
    server.close()
    await server.wait_closed()
    assert await greeting(port, alice) == b""

    opened, forbidden, failed = await auntil(
        lambda: (
            [node.events("port", code=code)[0] for code in ("T3003I", "T3003E") if node.events("port")]
            + node.events("port", code="T3003E")[1:]
        )
    )
    assert (opened["user"], opened["addr"], opened["success"]) == ("alice", f"127.0.0.1:{port}", True)
    assert (forbidden["user"], forbidden["error"]) == ("bob", "port forwarding is not allowed")
    assert "Connection refused" in failed["error"]
    assert await auntil(lambda: node.events("port", code="T3003S"))


def paramiko_client(person: Person) -> paramiko.SSHClient:
    """paramiko, logged in."""
    key = paramiko.PKey.from_path(str(person.home / "id"))
    key.load_certificate(str(person.home / "id-cert.pub"))
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(
        "127.0.0.1", person.port, person.login, pkey=key, allow_agent=False, look_for_keys=False, timeout=30
    )
    return client


async def test_paramiko(node: NodeUnderTest, alice: Person) -> None:
    payload = os.urandom(1_000_003)

    def use() -> tuple[bytes, int, bytes]:
        with paramiko_client(alice) as client:
            stdin, stdout, _ = client.exec_command("cat; exit 3", timeout=30)
            stdin.write(payload)
            stdin.channel.shutdown_write()
            output = stdout.read()
            status = stdout.channel.recv_exit_status()
            with client.open_sftp() as sftp, sftp.open("proctor-test", "wb") as file:
                file.write(payload)
            with client.open_sftp() as sftp:
                with sftp.open("proctor-test", "rb") as file:
                    copy = file.read()
                sftp.remove("proctor-test")
            return output, status, copy

    output, status, copy = await asyncio.to_thread(use)

    assert (output == payload, status, copy == payload) == (True, 3, True)


async def test_stopping_node_tells_its_clients(node: NodeUnderTest, alice: Person) -> None:
    with alice.terminal() as terminal:
        await asyncio.to_thread(terminal.line, "echo he''re")
        await asyncio.to_thread(terminal.expect, "here")
        await node.server.stop()
        await asyncio.to_thread(terminal.expect, "this node is stopping")

    assert await auntil(lambda: node.events("session.end"))
