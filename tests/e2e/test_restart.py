# SPDX-License-Identifier: Apache-2.0
"""A planned restart of every service loses no event and ends no session."""

from __future__ import annotations

import json
import os
import re
import signal
import socketserver
import ssl
import subprocess
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

import proctor
from testing.accounts import Account
from testing.cluster import Cluster, Event, Node, Service
from testing.openssh import OpenSsh
from testing.polling import until
from testing.processes import descendants
from testing.terminal import Terminal
from tests.e2e.conftest import MakeCluster


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

    def echoes(self) -> list[Event]:
        """The events of all commands, when the session's record is complete."""
        commands = self.cluster.session_events(self.sid, "session.command", seconds=60)
        return [event for event in commands if event["path"].endswith("/echo")]

    def check(self) -> None:
        """End the session; each of its commands is in the log once, its record complete."""
        self.terminal.line("exit")
        assert self.terminal.wait() == 0
        assert Counter(event["argv"][-1] for event in self.echoes()) == Counter(self.words)
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


def test_the_supervisors_execute_themselves_under_a_session(work: Work) -> None:
    """An upgrade: every service of both hosts is replaced, capture included."""
    for host, names in (
        (work.node, ("capture", "spawner", "node")),
        (work.cluster.control, ("auth", "proxy")),
    ):
        assert host.process is not None
        former = {name: processes(host, name) for name in names}
        host.process.signal(signal.SIGUSR2)
        for name, pids in former.items():
            until(partial(replaced, host, name, pids), 60, f"a new {name} process")
        assert host.process.running
        work.echo(f"with-new-{names[0]}")
        assert work.alice.tsh("ssh", f"root@{work.node.name}", "echo new").stdout == "new\n"
    work.check()


class Forward:
    """``ssh -W`` through the node to our server that sends back what it gets."""

    def __init__(self, openssh: OpenSsh, env: Mapping[str, str], port: int) -> None:
        argv = ["ssh", *openssh.options, "-W", f"127.0.0.1:{port}", openssh.host]
        self.process = subprocess.Popen(
            argv, env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )

    def echo(self, text: bytes) -> bytes:
        """The answer."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(text)
        self.process.stdin.flush()
        return self.process.stdout.read(len(text))

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(65536):
            self.request.sendall(data)


@pytest.fixture
def echo_port() -> Iterator[int]:
    """The port of a server that sends back what it gets."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def web_login(account: Account) -> urllib.request.OpenerDirector:
    """A browser that is logged in."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    browser = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=context), urllib.request.HTTPCookieProcessor()
    )
    login = {"user": account.name, "password": account.password, "otp_token": account.code()}
    request = urllib.request.Request(f"https://{account.proxy}/v1/webapi/session", json.dumps(login).encode())
    request.add_header("Content-Type", "application/json")
    browser.open(request, timeout=20).close()
    return browser


def test_a_forward_a_transfer_and_a_web_session_go_on_when_all_is_replaced(
    work: Work, echo_port: int, tmp_path: Path
) -> None:
    openssh = OpenSsh(work.alice, work.node)
    forward = Forward(openssh, work.alice.env, echo_port)
    browser = web_login(work.alice)
    content = os.urandom(600_000)
    (tmp_path / "source").write_bytes(content)
    transfer = subprocess.Popen(
        ["sftp", "-l", "480", *openssh.options, f"{openssh.host}:{tmp_path}/source", str(tmp_path / "copy")],
        env=dict(work.alice.env),
        stdout=subprocess.DEVNULL,
    )
    try:
        assert forward.echo(b"before") == b"before"
        until((tmp_path / "copy").exists, 20, "the transfer has begun")
        for host, service, setting in (
            (work.node, "node", r"(ssh_service:\n)"),
            (work.cluster.control, "auth", r"(auth_service:\n)"),
            (work.cluster.control, "proxy", r"(proxy_service:\n)"),
        ):
            former = processes(host, service)
            lines = {
                "node": "permit_user_env: true",
                "auth": "client_idle_timeout: 1h",
                "proxy": "trust_x_forwarded_for: true",
            }
            change(host, setting, rf"\1  {lines[service]}\n")
            until(partial(replaced, host, service, former), 30, f"a new {service} process")
            assert forward.echo(service.encode()) == service.encode()
        assert transfer.poll() is None, "the transfer was to last longer"
        with browser.open(f"https://{work.alice.proxy}/v1/webapi/session", timeout=20) as reply:
            assert json.load(reply)["user"] == "alice"
        assert transfer.wait(timeout=60) == 0
        assert (tmp_path / "copy").read_bytes() == content
    finally:
        forward.close()
        transfer.kill()
        transfer.wait()
    work.echo("second")
    work.check()


def test_a_former_node_process_is_killed(work: Work) -> None:
    former = processes(work.node, "node")
    change(work.node, r"(ssh_service:\n)", r"\1  ssh_file_copy: false\n")
    until(partial(replaced, work.node, "node", former), 30, "a new node process")
    work.echo("second")
    for pid in former:
        os.kill(pid, signal.SIGKILL)
    work.terminal.wait()
    assert {event["argv"][-1] for event in work.echoes()} == set(work.words)
    until(lambda: len(processes(work.node, "node")) == 1, 30, "the end of what delivered the rest")
    assert work.alice.tsh("ssh", f"root@{work.node.name}", "echo new").stdout == "new\n"


def test_a_node_process_is_killed_while_its_successor_starts(work: Work) -> None:
    former = processes(work.node, "node")
    change(work.node, r"(ssh_service:\n)", r"\1  ssh_file_copy: false\n")
    until(lambda: processes(work.node, "node") - former, 30, "a new node process")
    for pid in former:
        os.kill(pid, signal.SIGKILL)
    work.terminal.wait()
    assert {event["argv"][-1] for event in work.echoes()} == set(work.words)
    until(lambda: len(processes(work.node, "node")) == 1, 30, "the end of what delivered the rest")
    work.node.wait_ready()
    assert work.alice.tsh("ssh", f"root@{work.node.name}", "echo new").stdout == "new\n"


def test_a_stop_that_waits_for_sessions(work: Work) -> None:
    assert work.node.process is not None
    work.node.process.signal(signal.SIGQUIT)
    until(lambda: work.alice.tsh("ssh", f"root@{work.node.name}", "true", check=False).returncode, 20)
    work.echo("second")
    assert work.node.process.running
    work.check()
    assert work.node.process.wait(60) == 0


def test_a_reload_after_an_upgrade_replaces_everything(work: Work) -> None:
    host = work.cluster.control
    assert host.process is not None
    former = processes(host, "auth")
    host.process.signal(signal.SIGHUP)
    source = Path(proctor.__file__)
    status = source.stat()
    try:
        os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        host.process.signal(signal.SIGHUP)
        until(partial(replaced, host, "auth", former), 60, "a new auth process")
    finally:
        os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert host.log.count("executing the program that is installed now") == 1
    work.echo("second")
    work.check()


@pytest.mark.parametrize("service", ["auth", "spawner"])
def test_a_service_is_killed_and_the_session_goes_on(work: Work, service: str) -> None:
    host = work.cluster.control if service == "auth" else work.node
    former = processes(host, service)
    host.kill_service(service)
    work.echo("second")
    until(partial(replaced, host, service, former), 60, f"a new {service} process")
    assert work.alice.tsh("ssh", f"root@{work.node.name}", "echo new").stdout == "new\n"
    work.check()


def test_the_proxy_is_killed_and_the_record_is_complete(work: Work) -> None:
    work.echo("second")
    former = processes(work.cluster.control, "proxy")
    work.cluster.control.kill_service("proxy")
    work.terminal.wait()
    assert {event["argv"][-1] for event in work.echoes()} == set(work.words)
    until(partial(replaced, work.cluster.control, "proxy", former), 60, "a new proxy process")
    assert work.alice.tsh("ssh", f"root@{work.node.name}", "echo new").stdout == "new\n"


def storm(work: Work, number: int, over: Callable[[], bool]) -> int:
    """Run batches of commands, numbered from ``number``, until ``over``; the next number."""
    while not over():
        last = number + 200
        work.terminal.line(
            f"for i in $(seq {number} {last - 1}); do /bin/echo n$i; done > /dev/null; "
            f"/bin/true; echo done-{last}-$((1+1))"
        )
        work.terminal.expect(f"done-{last}-2", 60)
        work.words += [f"n{index}" for index in range(number, last)]
        number = last
    return number


def test_no_command_of_a_storm_is_lost_while_both_hosts_are_upgraded(work: Work) -> None:
    number = 0
    for host, names in (
        (work.node, ("capture", "spawner", "node")),
        (work.cluster.control, ("auth", "proxy")),
    ):
        assert host.process is not None
        former = {name: processes(host, name) for name in names}
        host.process.signal(signal.SIGUSR2)
        number = storm(work, number, partial(all_replaced, host, former))
    assert number > 400
    work.check()


def all_replaced(host: Service, former: Mapping[str, set[int]]) -> bool:
    return all(replaced(host, name, pids) for name, pids in former.items())


@pytest.mark.parametrize("service", ["auth", "spawner", "capture"])
def test_no_command_of_a_storm_is_lost_when_a_service_is_killed(work: Work, service: str) -> None:
    host = work.cluster.control if service == "auth" else work.node
    former = {service: processes(host, service)}
    host.kill_service(service)
    assert storm(work, 0, partial(all_replaced, host, former)) > 0
    work.check()


@pytest.mark.parametrize("service", ["node", "proxy"])
def test_what_a_storm_did_before_its_connection_was_killed_is_in_the_log(
    work: Work, service: str, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    done.touch()
    work.terminal.line(f"i=0; while :; do /bin/echo n$((i++)) >> {done}; done")
    until(lambda: done.read_text().count("\n") > 100, 30, "a storm under way")
    host = work.node if service == "node" else work.cluster.control
    former = {service: processes(host, service)}
    host.kill_service(service)
    until(partial(all_replaced, host, former), 60, f"a new {service} process")
    work.cluster.wait_for_event("session.end", sid=work.sid, seconds=60)

    logged = Counter(event["argv"][-1] for event in work.echoes())
    assert set(done.read_text().split()) <= logged.keys()
    assert set(logged.values()) == {1}
    assert not work.cluster.events("audit.gap")
    assert not work.cluster.events("session.loss")


def test_what_outlives_its_session_keeps_its_user_when_the_node_is_replaced(work: Work) -> None:
    ticks = "nohup sh -c 'while sleep 0.2; do /bin/echo tick; done' > /dev/null 2>&1 & echo pid=$!"
    work.terminal.line(ticks)
    pid = int(work.terminal.expect(r"pid=(\d+)")[1])
    former = processes(work.node, "node")
    change(work.node, r"(ssh_service:\n)", r"\1  ssh_file_copy: false\n")
    until(partial(replaced, work.node, "node", former), 30, "a new node process")
    work.terminal.line("exit")
    work.terminal.wait()
    until(lambda: not former & processes(work.node, "node"), 60, "the end of the former process")
    before = len(work.cluster.events("session.command", sid=work.sid, argv=["tick"]))
    try:
        until(
            lambda: len(work.cluster.events("session.command", sid=work.sid, argv=["tick"])) > before + 3,
            30,
            "events of what is left",
        )
    finally:
        os.kill(pid, signal.SIGKILL)
    left = work.cluster.events("session.command", sid=work.sid, argv=["tick"])
    assert {(event["user"], event["login"]) for event in left} == {("alice", "root")}
