# SPDX-License-Identifier: Apache-2.0
"""Accept loops of a process that has no descriptor left: they refuse, and recover."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proctor.core.accept import accept, listen
from testing.polling import until

SERVER = """
import asyncio, sys
from proctor.core import tasks
from proctor.core.accept import accept, listen
from proctor.core.tasks import TaskSet

async def main():
    listener = listen("127.0.0.1", 0)
    def serve(connection, address):
        connection.send(b"served")
        connection.close()
    tasks.on_vital_end(lambda reason: sys.exit(f"vital: {reason}"))
    running = TaskSet("test")
    running.spawn(accept(listener, serve), name="accept", vital=True)
    await asyncio.sleep(0)
    print(listener.getsockname()[1], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


class Server:
    """A process that says ``served`` to everybody."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.port = int(self.process.stdout.readline())
        self.limits = resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE)
        self.idle = self.descriptors()

    def descriptors(self) -> set[int]:
        """Those that are open."""
        return set(map(int, os.listdir(f"/proc/{self.process.pid}/fd")))

    def ask(self) -> bytes:
        """What a client gets; empty when it is refused."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as client:
            try:
                return client.recv(100)
            except ConnectionResetError:
                return b""

    def exhaust(self) -> None:
        """Let it have no further descriptor."""
        until(lambda: self.descriptors() == self.idle, 10, "the end of earlier connections")
        holes = set(range(max(self.idle) + 2)) - self.idle
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (min(holes), self.limits[1]))

    def relieve(self) -> None:
        """Let it have descriptors again."""
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, self.limits)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.process.kill()
    server.process.communicate()


def test_without_descriptors_clients_are_refused_at_once_and_later_served(server: Server) -> None:
    assert server.ask() == b"served"
    server.exhaust()
    for _ in range(3):
        assert server.ask() == b""
    server.relieve()
    until(lambda: server.ask() == b"served", 10, "served again")


def test_refusing_costs_no_processor(server: Server) -> None:
    server.exhaust()
    before = cpu_seconds(server.process.pid)
    for _ in range(5):
        server.ask()
    assert cpu_seconds(server.process.pid) - before < 0.3


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def test_a_broken_listener_is_an_error() -> None:
    plain = socket.socket()  # accept(2) on a socket that does not listen fails with EINVAL
    plain.bind(("127.0.0.1", 0))
    with plain, pytest.raises(OSError, match="Invalid argument"):
        await asyncio.wait_for(accept(plain, lambda *_: None), 10)


async def cancelled_at_arrival(listener: socket.socket) -> list[socket.socket]:
    """What an accept loop has handed over that is cancelled in the step in which a connection arrives."""
    handled: list[socket.socket] = []
    task = asyncio.create_task(accept(listener, lambda connection, _: handled.append(connection)))
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    same = os.dup(listener.fileno())
    with socket.create_connection(listener.getsockname()):
        loop.add_reader(same, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        loop.remove_reader(same)
    os.close(same)
    return handled


async def test_a_connection_is_not_lost_when_the_loop_is_cancelled() -> None:
    """It is handed over, or waits for whoever listens next: a service that replaces this one."""
    with listen("127.0.0.1", 0) as listener:
        for _ in range(50):
            handled = await cancelled_at_arrival(listener)
            connection = handled.pop() if handled else listener.accept()[0]
            connection.close()
