"""A planned restart of every service loses no event and ends no session."""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from tests.e2e.conftest import MakeCluster
from tests.support.accounts import Account
from tests.support.cluster import Cluster, Node, Service
from tests.support.polling import until
from tests.support.processes import descendants
from tests.support.terminal import Terminal


def processes(host: Service, service: str) -> set[int]:
    """The processes of one service of a host, former ones included."""
    assert host.process is not None
    return {
        pid
        for pid, argv in descendants(host.process.pid).items()
        if argv[-1:] == [service] and "proctor.runtime.service" in argv
    }


def replaced(host: Service, service: str, before: set[int]) -> bool:
    """Is there a process of the service that was not there before, and is the host ready?"""
    return bool(processes(host, service) - before) and host.readiness()[0] == 200


@dataclass
class Work:
    """A session in a terminal, and people who log in meanwhile."""

    cluster: Cluster
    node: Node
    alice: Account
    terminal: Terminal
    sid: str
    words: list[str]

    def echo(self, word: str) -> None:
        """Run one ``/bin/echo`` in the session."""
        self.terminal.line(f"/bin/echo {word}; echo after-{word}-$((1+1))")
        self.terminal.expect(f"after-{word}-2")
        self.words.append(word)

    def check(self) -> None:
        """End the session; each of its commands is in the log once, its record complete."""
        self.terminal.line("exit")
        assert self.terminal.wait() == 0
        echoed = Counter(
            word
            for event in self.cluster.session_events(self.sid, "session.command", seconds=60)
            if event["path"].endswith("/echo")
            for word in event["argv"]
            if not re.fullmatch(r"after-.*-2", word)
        )
        assert echoed == Counter(self.words)
        uids = Counter(event["uid"] for event in self.cluster.events())
        assert [uid for uid, number in uids.items() if number > 1] == []
        assert not self.cluster.events("audit.gap")
        assert not self.cluster.events("session.loss")


@pytest.fixture
def work(kernel: None, make_cluster: MakeCluster) -> Iterator[Work]:
    """A session through the proxy in a cluster of its own."""
    cluster = make_cluster()
    node = cluster.start_node()
    alice = cluster.add_user("alice")
    alice.login()
    with alice.terminal("ssh", f"root@{node.name}") as terminal:
        terminal.line("echo sid=$SSH_SESSION_ID")
        sid = terminal.expect("sid=([0-9a-f-]{36})")[1].decode()
        work = Work(cluster, node, alice, terminal, sid, [])
        work.echo("first")
        yield work


def change(host: Service, old: str, new: str) -> None:
    """Change the configuration and have it followed."""
    text = host.config.read_text()
    assert re.search(old, text), text
    host.config.write_text(re.sub(old, new, text, count=1))
    assert host.process is not None
    host.process.signal(signal.SIGHUP)


def test_the_node_is_replaced_under_a_session(work: Work) -> None:
    former = processes(work.node, "node")
    capture = processes(work.node, "capture")
    change(work.node, r"(ssh_service:\n)", r"\1  ssh_file_copy: false\n")
    until(partial(replaced, work.node, "node", former), 30, "a new node process")
    work.echo("second")
    assert work.alice.tsh("ssh", f"root@{work.node.name}", "echo new").stdout == "new\n"
    assert former <= processes(work.node, "node")
    assert capture == processes(work.node, "capture")
    work.check()
    until(lambda: not former & processes(work.node, "node"), 30, "the end of the former process")


def test_the_spawner_is_replaced_under_a_session(work: Work) -> None:
    former = processes(work.node, "spawner")
    change(work.node, r"(ssh_service:\n)", r"\1  permit_user_env: true\n")
    until(partial(replaced, work.node, "spawner", former), 30, "a new spawner")
    work.echo("second")
    assert work.alice.tsh("ssh", f"root@{work.node.name}", "echo new").stdout == "new\n"
    assert former <= processes(work.node, "spawner")
    work.check()
    until(lambda: not former & processes(work.node, "spawner"), 30, "the end of the former spawner")


@pytest.mark.parametrize(("service", "setting"), [("auth", "auth_service"), ("proxy", "proxy_service")])
def test_the_control_host_follows_its_configuration(work: Work, service: str, setting: str) -> None:
    former = processes(work.cluster.control, service)
    line = "client_idle_timeout: 1h" if service == "auth" else "trust_x_forwarded_for: true"
    change(work.cluster.control, rf"({setting}:\n)", rf"\1  {line}\n")
    until(partial(replaced, work.cluster.control, service, former), 30, f"a new {service} process")
    work.echo("second")
    assert work.alice.tsh("ssh", f"root@{work.node.name}", "echo new").stdout == "new\n"
    work.check()


def test_the_supervisor_executes_itself_under_a_session(work: Work) -> None:
    host = work.cluster.control
    assert host.process is not None
    former = {name: processes(host, name) for name in ("auth", "proxy")}
    host.process.signal(signal.SIGUSR2)
    for name, pids in former.items():
        until(partial(replaced, host, name, pids), 60, f"a new {name} process")
    assert host.process.running
    work.echo("second")
    assert work.alice.tsh("ssh", f"root@{work.node.name}", "echo new").stdout == "new\n"
    work.check()
