# SPDX-License-Identifier: Apache-2.0
"""A role that restricts the network, and is changed while a session runs."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.cluster import Cluster, Node

ROLE = """\
kind: role
version: v7
metadata:
  name: contractor
spec:
  allow:
    logins: [root]
    node_labels: {{"*": "*"}}
    network:
      - {{cidr: [127.0.0.0/8, "::1"], ports: [{port}], protocol: tcp}}
  deny:
    network:
      - {{cidr: {denied}}}
"""


@pytest.fixture
def port() -> Iterator[int]:
    """A port that listens on all addresses of this machine."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        yield server.getsockname()[1]


def test_policy_follows_the_role(shared: Cluster, node: Node, tmp_path: Path, port: int) -> None:
    def deny(address: str) -> None:
        document = tmp_path / "role.yaml"
        document.write_text(ROLE.format(port=port, denied=address))
        shared.tctl("create", "-f", str(document))

    deny("127.0.0.7")
    dora = shared.add_user("dora", roles="contractor")
    dora.login()

    with dora.terminal("ssh", f"root@{node.name}") as terminal:
        terminal.line(f"try() {{ (: 3<>/dev/tcp/$1/{port}) 2>&1 && echo to $1: $((1)); }}")
        terminal.line("try 127.0.0.6; try 127.0.0.7")
        terminal.expect(r"to 127\.0\.0\.6: 1")
        terminal.expect("127.0.0.7.*Operation not permitted")
        deny("127.0.0.6")
        terminal.line("until try 127.0.0.7; do sleep 0.2; done")
        terminal.expect(r"to 127\.0\.0\.7: 1")
        terminal.line("try 127.0.0.6; exit 0")
        terminal.expect("127.0.0.6.*Operation not permitted")
        terminal.wait()

    end = shared.wait_for_event("session.end", user="dora")
    events = shared.session_events(end["sid"], "session.network")
    seen = [(event["dst_addr"], event["action"]) for event in events]
    assert seen[:2] == [("127.0.0.6", 0), ("127.0.0.7", 1)]
    assert seen[-2:] == [("127.0.0.7", 0), ("127.0.0.6", 1)]
    assert {event["program"] for event in events} == {"bash"}


def test_wrong_policy_is_reported(shared: Cluster, tmp_path: Path) -> None:
    document = tmp_path / "role.yaml"
    document.write_text(ROLE.format(port=99999, denied="10.0.0.1/8"))

    done = shared.tctl("create", str(document), check=False)

    assert done.returncode != 0
    assert "not a port or a range of ports: '99999'" in done.stderr
    assert "Traceback" not in done.stderr
