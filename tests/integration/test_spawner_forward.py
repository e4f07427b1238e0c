# SPDX-License-Identifier: Apache-2.0
"""Connections that the spawner's monitors make for users."""

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
from proctor.spawnerproto.messages import GetBundle, OpenSession, Spawn
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


def test_a_node_that_does_not_wait_for_a_connection_is_no_failure(host: Host) -> None:
    """The user may have left meanwhile."""
    attacker, victim = host.attacker, host.victim()
    log = host.directory / "spawner.log"
    listener = socket.create_server(("127.0.0.1", 0))
    target = {"addr": "127.0.0.1", "port": listener.getsockname()[1]}

    def ask_and_leave() -> None:
        with closing(attacker.connect()) as channel, closing(TcpConnection(host.port)) as tcp:
            attacker.log_in(channel, tcp, victim)
            sid = str(uuid.uuid4())
            ours, theirs = socket.socketpair()
            with ours, theirs:
                wire.send(ours, to_builtins(Spawn(sid=sid, kind="forward")) | {"target": target})
                ours.close()
                channel.send(OpenSession(sid=sid), theirs.fileno())
            channel.ask(GetBundle())

    with listener:
        run_as(NODE_UID, ask_and_leave)
        until(lambda: "the node has not waited for it" in log.read_text(), SECONDS, "end of the forward")
    assert "Traceback" not in log.read_text()
