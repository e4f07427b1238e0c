# SPDX-License-Identifier: Apache-2.0
"""No event is lost and none is doubled, whatever dies in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from testing.cluster import Cluster, Node, Service
from testing.openssh import OpenSsh
from testing.polling import until
from testing.terminal import Terminal
from tests.e2e.conftest import MakeCluster

BEFORE = [f"a{number}" for number in range(5)]
DURING = [f"b{number}" for number in range(10)]


def holds(directory: Path, text: bytes) -> bool:
    """Does a file below ``directory`` contain ``text``?"""
    return any(text in path.read_bytes() for path in directory.rglob("*") if path.is_file())


def has_other_pid(host: Service, pid: int) -> bool:
    """Does the host run an auth process, and not the one with this id?"""
    try:
        return host.pid_of("auth") != pid
    except KeyError:
        return False


@dataclass
class Outage:
    """A session on a cluster whose auth and proxy are gone since its fifth command."""

    cluster: Cluster
    node: Node
    terminal: Terminal
    sid: str

    def echo(self, *words: str) -> None:
        """Run one ``/bin/echo`` per word in the session."""
        for word in words:
            self.terminal.line(f"/bin/echo {word}; echo after-{word}-$((1+1))")
            self.terminal.expect(f"after-{word}-2")

    def check(self, *words: str) -> None:
        """Assert that each word is in the audit log once, and that no event is there twice."""
        echoed = Counter(
            word
            for event in self.cluster.events("session.command", sid=self.sid)
            if event["path"].endswith("/echo")
            for word in event["argv"]
        )
        assert echoed == Counter(words)
        uids = Counter(event["uid"] for event in self.cluster.events())
        assert [uid for uid, number in uids.items() if number > 1] == []
        assert not self.cluster.events("audit.gap")


@pytest.fixture
def outage(kernel: None, make_cluster: MakeCluster) -> Iterator[Outage]:
    """Commands a0 to a4 are in the audit log, b0 to b9 have run without auth."""
    cluster = make_cluster()
    node = cluster.start_node()
    alice = cluster.add_user("alice")
    alice.login()
    openssh = OpenSsh(alice, node)
    argv = ["ssh", "-tt", *openssh.direct, openssh.host]
    with Terminal(argv, env=alice.env) as terminal:
        terminal.line("echo sid=$SSH_SESSION_ID")
        outage = Outage(cluster, node, terminal, terminal.expect("sid=([0-9a-f-]{36})")[1].decode())
        outage.echo(*BEFORE)
        until(lambda: len(cluster.events("session.command", sid=outage.sid, argv=["a4"])) == 1, 20)
        cluster.control.kill()
        outage.echo(*DURING)
        yield outage


def test_node_service_is_killed_while_auth_is_down(outage: Outage) -> None:
    outage.echo("last")
    outage.node.kill_service("node")
    outage.terminal.wait()

    outage.cluster.control.start()
    end = outage.cluster.wait_for_event("session.end", sid=outage.sid, seconds=60)
    outage.cluster.wait_for_event("session.upload", sid=outage.sid, seconds=60)

    outage.check(*BEFORE, *DURING, "last")
    assert end["enhanced_recording"] is True


def test_whole_host_is_killed_while_auth_is_down(outage: Outage) -> None:
    until(lambda: holds(outage.node.data_dir / "spool/node", b'"b9"'), 10, "the last command in the spool")
    outage.node.kill()

    outage.node.start(ready=False)
    outage.cluster.control.start()
    outage.node.wait_ready()
    outage.cluster.wait_for_event("session.end", sid=outage.sid, seconds=60)
    outage.cluster.wait_for_event("session.upload", sid=outage.sid, seconds=60)

    outage.check(*BEFORE, *DURING)


def test_auth_restarts_under_a_session(kernel: None, make_cluster: MakeCluster) -> None:
    cluster = make_cluster()
    node = cluster.start_node()
    alice = cluster.add_user("alice")
    alice.login()

    for number in range(3):
        alice.tsh("ssh", f"root@{node.name}", "/bin/echo", f"round-{number}")
        before = cluster.control.pid_of("auth")
        cluster.control.kill_service("auth")
        until(partial(has_other_pid, cluster.control, before), 30, "a new auth process")
        cluster.control.wait_ready()

    until(lambda: len(cluster.events("session.end")) == 3, 30, "three sessions")
    rounds = [e["argv"] for e in cluster.events("session.command") if e["path"].endswith("/echo")]
    assert sorted(rounds) == [["round-0"], ["round-1"], ["round-2"]]
