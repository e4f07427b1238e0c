# SPDX-License-Identifier: Apache-2.0
"""Locks cut what is open within a second, refuse what is new, and reach OpenSSH's own server."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testing.accounts import Account
from testing.cluster import Cluster, Node
from testing.openssh import OpenSsh
from testing.polling import until
from testing.sshserver import OpenSshServer

CUT_SECONDS = 1.0
"""What is promised, counted from the end of ``tctl lock``."""


SFTP_INIT = b"\0\0\0\x05\x01\0\0\0\x03"


class Sink:
    """A server that says when its client was connected, and when it was disconnected."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.connected, self.disconnected = threading.Event(), threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with self._server:
            connection, _ = self._server.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(1)
            self.connected.set()
            while connection.recv(1):
                pass
        self.disconnected.set()


@contextlib.contextmanager
def running(argv: list[str], *, stdin: int = subprocess.PIPE) -> Iterator[subprocess.Popen[bytes]]:
    """A client that is ended when the block is left."""
    with subprocess.Popen(argv, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[bytes], word: bytes) -> None:
    """Wait until the client has printed ``word``."""
    assert process.stdout is not None
    seen = b""
    while word not in seen:
        piece = os.read(process.stdout.fileno(), 4096)
        assert piece, process.stderr.read() if process.stderr else ""
        seen += piece


def ends_in_time(process: subprocess.Popen[bytes], since: float) -> str:
    """What the client says on its standard error, when it has ended in time."""
    process.wait(timeout=20)
    took = time.monotonic() - since
    assert process.stderr is not None
    output = process.stderr.read().decode(errors="replace")
    assert took < CUT_SECONDS, f"{took:.2f} s: {output}"
    return output


@pytest.fixture
def person(shared: Cluster, node: Node) -> Callable[[str], Account]:
    """Somebody who is logged in."""

    def make(name: str) -> Account:
        account = shared.add_user(name)
        account.login()
        return account

    return make


def lock(cluster: Cluster, *flags: str) -> str:
    """Make a lock; its name."""
    output = cluster.tctl("lock", *flags, "--message=see me").stdout
    return output.split('"')[1]


def test_sessions_forwards_and_copies_are_cut(
    shared: Cluster, node: Node, person: Callable[[str], Account], tmp_path: Path
) -> None:
    ursula = person("ursula")
    direct, jumped = OpenSsh(ursula, node), OpenSsh(ursula, node)
    sink = Sink()
    forwarding = ["ssh", *jumped.options, "-W", f"127.0.0.1:{sink.port}", jumped.host]
    with (
        running(["ssh", *direct.direct, direct.host, "trap '' HUP; echo here; sleep 600 & wait"]) as session,
        running(["ssh", *jumped.options, jumped.host, "echo here; cat"]) as through,
        running(forwarding) as forward,
        running(["ssh", *direct.direct, direct.host, "-s", "sftp"]) as copy,
    ):
        said(session, b"here")
        said(through, b"here")
        assert forward.stdin is not None
        assert copy.stdin is not None
        forward.stdin.write(b"x")
        forward.stdin.flush()
        assert sink.connected.wait(20)
        copy.stdin.write(SFTP_INIT)
        copy.stdin.flush()
        said(copy, b"\x02\0\0\0\x03")

        name = lock(shared, "--user=ursula")
        since = time.monotonic()
        try:
            output = [ends_in_time(each, since) for each in (session, through, forward, copy)]
            assert sink.disconnected.wait(CUT_SECONDS - (time.monotonic() - since))
            assert 'lock targeting User:"ursula" is in force: see me' in output[0]
            assert 'lock targeting User:"ursula" is in force: see me' in output[1]
            cuts = until(lambda: shared.events("client.disconnect", user="ursula"), 20)
            assert cuts[0]["reason"] == 'lock targeting User:"ursula" is in force: see me'
            for end in until(lambda: shared.events("session.end", user="ursula")[2:], 20):
                assert end["event"] == "session.end"
            refused(direct, jumped)
            assert 'lock targeting User:"ursula" is in force: see me' in ursula.tsh("ls", check=False).stderr
            done = ursula.tsh("ssh", f"root@{node.name}", "true", check=False)
            assert 'lock targeting User:"ursula" is in force: see me' in done.stderr
        finally:
            shared.tctl("rm", f"lock/{name}")
    until(
        lambda: subprocess.run(["ssh", *direct.direct, direct.host, "true"], check=False).returncode == 0, 10
    )


def refused(direct: OpenSsh, jumped: OpenSsh) -> None:
    """New connections are refused with the reason."""
    for flags in (direct.direct, jumped.options):
        done = subprocess.run(
            ["ssh", *flags, direct.host, "true"], check=False, capture_output=True, text=True
        )
        assert done.returncode == 255
        assert 'lock targeting User:"ursula" is in force: see me' in done.stderr


def test_every_kind_of_target(shared: Cluster, node: Node, person: Callable[[str], Account]) -> None:
    viktor = person("viktor")
    client = OpenSsh(viktor, node)
    for flags, shown in (
        (["--role=access"], 'Role:"access"'),
        (["--login=root", "--user=viktor"], 'User:"viktor" Login:"root"'),
        ([f"--server-id={node.host_uuid}"], f'ServerID:"{node.host_uuid}"'),
        ([f"--node={node.name}"], f'Node:"{node.name}"'),
    ):
        with running(["ssh", *client.direct, client.host, "echo here; cat"]) as session:
            said(session, b"here")
            name = lock(shared, *flags)
            since = time.monotonic()
            try:
                ends_in_time(session, since)
                done = subprocess.run(
                    ["ssh", *client.direct, client.host, "true"], check=False, capture_output=True, text=True
                )
                assert f"lock targeting {shown} is in force: see me" in done.stderr
            finally:
                shared.tctl("rm", f"lock/{name}")
        until(
            lambda: subprocess.run(["ssh", *client.direct, client.host, "true"], check=False).returncode == 0,
            10,
        )


@pytest.mark.parametrize("verb", ["rm", "reset"])
def test_removed_and_reset_people_are_cut_off(
    shared: Cluster, node: Node, person: Callable[[str], Account], verb: str
) -> None:
    gone = person(f"gone-{verb}")
    client = OpenSsh(gone, node)
    with running(["ssh", *client.direct, client.host, "echo here; cat"]) as session:
        said(session, b"here")
        shared.tctl("users", verb, gone.name)
        ends_in_time(session, time.monotonic())
    for flags in (client.direct, client.options):
        done = subprocess.run(
            ["ssh", *flags, client.host, "true"], check=False, capture_output=True, text=True
        )
        assert done.returncode == 255
        assert "the certificate has been revoked" in done.stderr


def test_removed_node_refuses_connections(make_cluster: Callable[..., Cluster], kernel: None) -> None:
    cluster = make_cluster()
    node = cluster.start_node()
    account = cluster.add_user("frank")
    account.login()
    client = OpenSsh(account, node)
    with (
        running(["ssh", *client.direct, client.host, "echo here; cat"]) as direct,
        running(["ssh", *client.options, client.host, "echo here; cat"]) as through,
    ):
        said(direct, b"here")
        said(through, b"here")
        assert f'node "{node.host_uuid}" has been removed' in cluster.tctl("nodes", "rm", node.name).stdout
        since = time.monotonic()
        ends_in_time(direct, since)
        ends_in_time(through, since)
    for flags in (client.direct, client.options):
        done = subprocess.run(
            ["ssh", *flags, client.host, "true"], check=False, capture_output=True, text=True
        )
        assert done.returncode == 255
    assert "removed from the cluster" in done.stderr or "not found" in done.stderr
    until(
        lambda: "certificate of this host has been revoked" in node.log, 40, "a complaint in the node's log"
    )
    assert node.name not in cluster.tctl("nodes", "ls").stdout

    node.stop()
    shutil.rmtree(node.data_dir / "proc/node")
    token = re.search("auth_token: (.*)", node.config.read_text())
    assert token is not None
    node.config.write_text(node.config.read_text().replace(token[1], cluster.new_token()))
    node.start()
    until(lambda: node.name in cluster.tctl("nodes", "ls").stdout, 20, "the node is back")
    assert client.ssh(client.host, "true").returncode == 0


def test_plain_sshd_obeys(
    shared: Cluster, node: Node, person: Callable[[str], Account], tmp_path: Path
) -> None:
    hugo, ida = person("hugo"), person("ida")
    server = OpenSshServer(
        tmp_path / "sshd", shared.tctl("auth", "export", "--type=user").stdout, revoked=tmp_path / "krl"
    )

    def enters(account: Account) -> bool:
        """Is somebody let in by the list as it is now?"""
        (tmp_path / "krl").write_bytes(revocation_list(shared))
        return (
            subprocess.run(server.client(OpenSsh(account, node)), check=False, capture_output=True).returncode
            == 0
        )

    try:
        assert enters(hugo)
        assert enters(ida)
        name = lock(shared, "--user=hugo")
        until(lambda: not enters(hugo), 5, "refusal by sshd")
        assert enters(ida)
        shared.tctl("rm", f"lock/{name}")
        until(lambda: enters(hugo), 10, "access after the lock")
        shared.tctl("users", "rm", "hugo")
        until(lambda: not enters(hugo), 5, "refusal by sshd")
    finally:
        server.stop()
    exported = subprocess.run(
        ["ssh-keygen", "-Q", "-l", "-f", tmp_path / "krl"], check=True, capture_output=True, text=True
    )
    assert "serial:" in exported.stdout


def revocation_list(cluster: Cluster) -> bytes:
    """As a host without our software fetches it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(f"https://{cluster.proxy}/webapi/auth/krl", context=context) as reply:
        return bytes(reply.read())
