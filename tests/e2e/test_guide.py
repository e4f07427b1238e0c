# SPDX-License-Identifier: Apache-2.0
"""The guide, followed from its first command to its last, shows what it says."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from testing.accounts import Account
from testing.cluster import Cluster, Node
from testing.commands import BIN, command, environment
from testing.polling import until
from testing.processes import Process
from testing.programs import require
from testing.sessions import ShellSession
from tests.e2e.conftest import MakeCluster, end

SAMPLE_COMMAND = {
    "argv": ["https://wttr.in"],
    "cgroup_id": 2360,
    "cluster_name": "purple",
    "code": "T4000I",
    "ei": 50,
    "event": "session.command",
    "login": "ec2-user",
    "namespace": "default",
    "path": "/bin/curl",
    "pid": 5007,
    "ppid": 4985,
    "program": "curl",
    "return_code": 0,
    "server_hostname": "ip-172-31-34-128.us-east-2.compute.internal",
    "server_id": "531dc1de-c2c9-49bd-a0e3-4f4f3a523f5f",
    "sid": "86aca627-971d-4883-854d-d309ba04c658",
    "time": "2023-07-04T16:42:20.54Z",
    "uid": "9b825e22-744d-4130-94c5-dea49198ae3d",
    "user": "alice@example.com",
}
SAMPLE_NETWORK = {
    "action": 0,
    "cgroup_id": 2360,
    "cluster_name": "purple",
    "code": "T4002I",
    "dst_addr": "5.9.243.187",
    "dst_port": 443,
    "ei": 51,
    "event": "session.network",
    "login": "ec2-user",
    "namespace": "default",
    "operation": 0,
    "pid": 5007,
    "program": "curl",
    "server_hostname": "ip-172-31-34-128.us-east-2.compute.internal",
    "server_id": "531dc1de-c2c9-49bd-a0e3-4f4f3a523f5f",
    "sid": "86aca627-971d-4883-854d-d309ba04c658",
    "src_addr": "172.31.34.128",
    "time": "2023-07-04T16:42:20.55Z",
    "uid": "da151350-bf45-4a04-a62b-7a4fc805e744",
    "user": "alice@example.com",
    "version": 4,
}
SAMPLE_END = {
    "code": "T2004I",
    "ei": 23,
    "enhanced_recording": True,
    "event": "session.end",
    "interactive": True,
    "namespace": "default",
    "participants": ["alice@example.com"],
    "server_id": "585fc225-5cf9-4e9f-8ff6-1b0fd6885b09",
    "sid": "ca82b98d-1d30-11ea-8244-cafde5327a6c",
    "time": "2019-12-12T22:44:46.218Z",
    "uid": "83e67464-a93a-4c7c-8ce6-5a3d8802c3b2",
    "user": "alice@example.com",
}

TREE = {
    "UUID": {
        "DATE.00:00:00.log": None,
        "sessions": {
            "default": {
                "UUID-0.chunks.gz": None,
                "UUID-0.events.gz": None,
                "UUID-0.session.command-events.gz": None,
                "UUID-0.session.network-events.gz": None,
                "UUID.index": None,
            }
        },
    },
    "events.log": "LOG/UUID/DATE.00:00:00.log",
    "playbacks": {"sessions": {"default": {}}},
    "upload": {"sessions": {"default": {}}},
}


@pytest.fixture(scope="module")
def cluster(kernel: None, make_any_cluster: MakeCluster) -> Iterator[Cluster]:
    """A running cluster, as the guide asks for before its first step."""
    cluster = make_any_cluster()
    yield cluster
    end(cluster)


@pytest.fixture(scope="module")
def host(cluster: Cluster) -> Node:
    """The guide's host, with its configuration file, joined with its token."""
    node = cluster.add_node()
    node.start()
    until(lambda: node.name in cluster.tctl("nodes", "ls").stdout, 20, "the node in tctl nodes ls")
    return node


@pytest.fixture(scope="module")
def account(cluster: Cluster) -> Account:
    """Somebody who has logged in with tsh."""
    account = cluster.add_user("alice@example.com")
    account.login()
    return account


@pytest.fixture(scope="module")
def web_port() -> Iterator[int]:
    """A local stand-in for the web site that the guide's session asks."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"sunny\n")

        def log_message(self, *arguments: object) -> None:
            del arguments

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def sid(cluster: Cluster, host: Node, account: Account, web_port: int) -> str:
    """The guide's session: one command that makes one connection."""
    with ShellSession(account, f"root@{host.name}") as shell:
        assert "sunny" in shell.run(f"curl --silent http://127.0.0.1:{web_port}/")
        shell.exit()
    cluster.session_events(shell.sid)
    return shell.sid


def test_versions_and_status(cluster: Cluster, account: Account) -> None:
    assert re.match(r"Teleport v14\.0\.0", cluster.tctl("version").stdout)
    assert re.search(
        rf"Teleport v14\.0\.0.*\nProxy version: 14\.0\.0\nProxy: {cluster.proxy}",
        account.tsh("version").stdout,
    )
    status = cluster.tctl("status").stdout
    assert re.search(r"^Cluster\s+purple$", status, re.M)
    assert re.search(r"^Version\s+14\.0\.0$", status, re.M)
    assert re.search(r"^CA pin\s+sha256:[0-9a-f]{64}$", status, re.M)


def test_tctl_with_the_credentials_of_tsh(cluster: Cluster, account: Account) -> None:
    done = command(["tctl", "status"], account.env)

    assert done.stdout == cluster.tctl("status").stdout


def test_tokens(cluster: Cluster) -> None:
    added = cluster.tctl("nodes", "add", "--ttl=5m", "--roles=node").stdout
    token = re.match(r"The invite token: ([0-9a-f]{32})\n", added)
    assert token, added
    assert "This token will expire in 5 minutes." in added
    for part in (
        "teleport start",
        "--roles=node",
        f"--token={token[1]}",
        "--ca-pin=sha256:",
        "--auth-server=",
    ):
        assert part in added

    heading, ruler, *rows = cluster.tctl("tokens", "ls").stdout.splitlines()
    assert re.match(r"Token +Type +.*Expiry Time", heading)
    assert set(ruler) == {"-", " "}
    (row,) = [row for row in rows if row.startswith(token[1])]
    assert re.search(r" Node .*\d\d [A-Z][a-z]{2} \d\d \d\d:\d\d UTC", row)

    cluster.tctl("tokens", "rm", token[1])
    assert token[1] not in cluster.tctl("tokens", "ls").stdout


def test_configuration_file(host: Node) -> None:
    done = command(["teleport", "configure", "--test", str(host.config)], environment(host.directory))

    assert "OK" in done.stderr
    assert host.log.count("proxy_server") == 1, "both addresses are accepted, with one warning"


def test_systemd_unit(host: Node, tmp_path: Path) -> None:
    unit = tmp_path / "teleport.service"
    command(["teleport", "install", "systemd", "-o", str(unit)], environment(tmp_path))

    text = unit.read_text()
    assert re.search(r"^ExecStart=\S*/teleport start .*--pid-file=/run/teleport.pid", text, re.M)
    assert "WantedBy=multi-user.target" in text
    require("systemd-analyze")
    command(["systemd-analyze", "verify", str(unit)], environment(tmp_path))


@pytest.mark.parametrize(
    "sample", [SAMPLE_COMMAND, SAMPLE_NETWORK, SAMPLE_END], ids=lambda sample: sample["event"]
)
def test_sample_events(cluster: Cluster, sid: str, sample: dict[str, object]) -> None:
    events = cluster.session_events(sid, str(sample["event"]))
    event = [entry for entry in events if entry.get("program", "curl") == "curl"][-1]

    missing = sample.keys() - event.keys()
    assert not missing, event
    assert {name: type(event[name]) for name in sample} == {
        name: type(value) for name, value in sample.items()
    }
    same = (
        "code",
        "namespace",
        "cluster_name",
        "user",
        "program",
        "action",
        "operation",
        "version",
        "enhanced_recording",
    )
    assert [event[name] for name in same if name in sample] == [
        sample[name] for name in same if name in sample
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,2}[1-9])?Z", event["time"])


def test_what_the_kernel_saw(cluster: Cluster, host: Node, sid: str, web_port: int) -> None:
    (command_event,) = [e for e in cluster.session_events(sid, "session.command") if e["program"] == "curl"]
    (connection,) = [e for e in cluster.session_events(sid, "session.network") if e["program"] == "curl"]

    assert command_event["path"].endswith("/bin/curl")
    assert command_event["argv"] == ["--silent", f"http://127.0.0.1:{web_port}/"]
    assert command_event["server_id"] == host.host_uuid
    assert (connection["dst_addr"], connection["dst_port"]) == ("127.0.0.1", web_port)
    assert connection["pid"] == command_event["pid"]
    assert connection["cgroup_id"] == command_event["cgroup_id"]
    assert connection["ei"] > command_event["ei"]


def test_tail_of_the_audit_log(cluster: Cluster, host: Node, account: Account, tmp_path: Path) -> None:
    log = cluster.control.data_dir / "log/events.log"
    tail = Process(["tail", "-n", "0", "-f", str(log)], log=tmp_path / "tail")
    try:
        account.tsh("ssh", f"root@{host.name}", "/bin/echo", "seen")
        tail.wait_output("session.command")
    finally:
        tail.kill()

    assert all(json.loads(line) for line in tail.output().splitlines())


def shape(entry: dict[str, Any]) -> Any:
    """An entry of `tree -J`: a directory by its names, a link by its target, a file as None."""
    if entry["type"] == "directory":
        return {inner["name"]: shape(inner) for inner in entry.get("contents", ())}
    return entry.get("target")


def test_tree_of_the_log_directory(kernel: None, make_cluster: MakeCluster, web_port: int) -> None:
    cluster = make_cluster()
    host = cluster.start_node()
    account = cluster.add_user("alice")
    account.login()
    with ShellSession(account, f"root@{host.name}") as shell:
        shell.run(f"curl --silent http://127.0.0.1:{web_port}/")
        shell.exit()
    cluster.session_events(shell.sid)

    log = cluster.control.data_dir / "log"
    shown = subprocess.run(
        ["tree", "--noreport", "-J", str(log)], capture_output=True, text=True, check=True
    ).stdout.replace(str(log), "LOG")
    shown = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", shown)
    shown = re.sub(r"\d{4}-\d\d-\d\d(?=\.00:00:00\.log)", "DATE", shown)
    (root,) = json.loads(shown)
    assert shape(root) == TREE


def test_commands_are_installed() -> None:
    assert all((BIN / name).exists() for name in ("teleport", "tctl", "tsh"))
