# SPDX-License-Identifier: Apache-2.0
"""The node without a host key: what OpenSSH's client sees of it while the spawner comes and goes."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import asyncssh
import pytest
from msgspec.structs import replace

from proctor.node import timeouts
from proctor.sshkit import algorithms
from testing.node import NodeUnderTest, Person, role
from testing.polling import auntil
from testing.spawner import SpawnerProcess

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="sessions need root")


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    node = NodeUnderTest(tmp_path)
    yield node
    await node.stop()


def spawner(node: NodeUnderTest) -> SpawnerProcess:
    return SpawnerProcess(replace(node.boot, service="spawner"))


@asynccontextmanager
async def kept_open(person: Person) -> AsyncIterator[list[str]]:
    """A connection that later sessions share; the options with which they do."""
    options = ["-o", f"ControlPath={person.home}/control"]
    master = await asyncio.create_subprocess_exec(
        "ssh", *person.options, *options, "-M", "-N", person.target, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await auntil((person.home / "control").exists)
        yield options
    finally:
        if master.returncode is None:
            master.terminate()
        await master.wait()


@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
@pytest.mark.parametrize("method", algorithms.KEX)
async def test_every_key_exchange(node: NodeUnderTest, method: str) -> None:
    with spawner(node):
        await node.server.start()
        person = node.person()

        async with asyncssh.connect(
            "127.0.0.1",
            node.server.port,
            username=node.login,
            client_keys=[str(person.home / "id")],
            known_hosts=str(person.home / "known_hosts"),
            kex_algs=[method],
            config=None,
            agent_path=None,
        ) as connection:
            assert (await connection.run("echo in")).stdout == "in\n"


@pytest.mark.parametrize("known", ["certificate", "key"])
async def test_host_key_with_and_without_certificate(node: NodeUnderTest, known: str) -> None:
    with spawner(node):
        await node.server.start()
        person = node.person()
        algorithm = "ssh-ed25519-cert-v01@openssh.com" if known == "certificate" else "ssh-ed25519"
        checking = "yes" if known == "certificate" else "accept-new"
        options = ["-o", f"HostKeyAlgorithms={algorithm}", "-o", f"StrictHostKeyChecking={checking}"]

        done = await person.run("ssh", *options, *person.options, person.target, "echo", "in")

        assert (done.status, done.stdout) == (0, b"in\n"), done.stderr


async def test_keys_are_exchanged_again(node: NodeUnderTest) -> None:
    with spawner(node):
        await node.server.start()
        person, data = node.person(), os.urandom(1 << 20)

        done = await person.run(
            "ssh", *person.options, "-v", "-o", "RekeyLimit=100K", person.target, "cat", stdin=data
        )

        assert (done.status, done.stdout) == (0, data)
        assert done.stderr.count("rekeying in progress") > 2


async def test_restart_keeps_those_who_are_connected(node: NodeUnderTest) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(spawner(node))
        await node.server.start()
        person = node.person()
        async with kept_open(person) as shared:
            first.__exit__(None, None, None)
            stack.pop_all()
            with spawner(node):
                again = await person.run("ssh", *person.options, *shared, person.target, "echo", "again")
                fresh = await person.ssh("echo fresh")

        assert (again.stdout, fresh.stdout) == (b"again\n", b"fresh\n"), again.stderr + fresh.stderr


async def test_killed_spawner_has_forgotten_who_was_connected(node: NodeUnderTest) -> None:
    first = spawner(node)
    await node.server.start()
    person = node.person()
    async with kept_open(person) as shared:
        running = asyncio.create_task(
            person.run("ssh", *person.options, *shared, person.target, "read x; echo $x", stdin=b"")
        )
        await auntil(lambda: bool(node.events("session.start")) or running.done())
        first.kill()
        with spawner(node):
            again = await person.run("ssh", *person.options, *shared, person.target, "echo", "again")
            fresh = await person.ssh("echo fresh")
        await running

    assert again.status != 0
    assert "the spawn service of this node was restarted" in again.stderr
    assert fresh.stdout == b"fresh\n"


async def test_spawner_that_hangs_costs_one_deadline(node: NodeUnderTest) -> None:
    with spawner(node) as stopped:
        await node.server.start()
        person = node.person()
        os.kill(stopped.pid, signal.SIGSTOP)
        try:
            started = asyncio.get_running_loop().time()
            refused = [await person.ssh("true") for _ in range(3)]
            elapsed = asyncio.get_running_loop().time() - started
        finally:
            os.kill(stopped.pid, signal.SIGCONT)

    assert all(done.status == 255 for done in refused)
    assert elapsed < 2 * timeouts.SPAWNER_ANSWER


async def test_login_that_only_the_privileged_side_refuses_is_refused(node: NodeUnderTest) -> None:
    """The node may believe what it wants."""
    with spawner(node):
        await node.server.start()
        person = node.person()
        node.set_roles(role("access", logins=["nobody-else"]))

        done = await person.ssh("true")

        assert done.status == 255
        assert "Access denied: no role of user alice allows login" in done.stderr
        assert await auntil(lambda: node.events("auth", success=False))
