# SPDX-License-Identifier: Apache-2.0
"""A node that leaves, as when its user does, while a monitor starts what it has asked for."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from proctor.core import wire
from proctor.model.serde import to_builtins
from proctor.spawnerproto.messages import Endpoint, GetBundle, OpenSession, Spawn
from testing.attacker import SECONDS, TcpConnection, run_as
from testing.polling import until
from tests.integration.test_node_compromised import NODE_UID, Host, directory, make_host

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
__all__ = ["directory"]


@pytest.fixture
def host(directory: Path) -> Iterator[Host]:
    host = make_host(directory / "host")
    with host.running():
        yield host


def ask_and_leave(host: Host, request: Spawn) -> None:
    """Close the connection before there is an answer to ``request``."""
    attacker, victim = host.attacker, host.victim()

    def act() -> None:
        with closing(attacker.connect()) as channel, closing(TcpConnection(host.port)) as tcp:
            attacker.log_in(channel, tcp, victim)
            ours, theirs = socket.socketpair()
            with ours, theirs:
                wire.send(ours, to_builtins(request))
                ours.close()
                channel.send(OpenSession(sid=request.sid), theirs.fileno())
            channel.ask(GetBundle())

    run_as(NODE_UID, act)


def spawn_log(host: Host) -> str:
    return (host.directory / "spawner.log").read_text()


def test_a_connection_that_its_node_does_not_wait_for_is_closed(host: Host) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = Endpoint(addr="127.0.0.1", port=listener.getsockname()[1])
        ask_and_leave(host, Spawn(sid=str(uuid.uuid4()), kind="forward", target=target))
        until(lambda: "the node has not waited for it" in spawn_log(host), SECONDS, "end of the forward")
    assert "Traceback" not in spawn_log(host)


def test_a_session_that_its_node_does_not_wait_for_is_ended(host: Host) -> None:
    ask_and_leave(host, Spawn(sid=str(uuid.uuid4()), kind="exec", command=b"sleep 1000"))

    until(lambda: "the node has not waited for it" in spawn_log(host), SECONDS, "end of the session")
    until(lambda: len(host.processes) == 2, SECONDS, "end of the monitor")
    assert "Traceback" not in spawn_log(host)
    assert "ended with status" not in spawn_log(host)
