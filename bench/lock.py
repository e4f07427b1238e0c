# SPDX-License-Identifier: Apache-2.0
"""How long after ``tctl lock`` what is open ends, and until a plain sshd refuses.

Counted from the moment at which the auth service had the lock (``spec.created_at``, in milliseconds), by the
clock of the machine, which all processes share.
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from bench.report import publish, spread
from proctor.core.clock import parse_time
from testing.accounts import Account
from testing.cluster import Cluster, Node
from testing.openssh import OpenSsh
from testing.polling import until
from testing.sshserver import OpenSshServer

ROUNDS = 20
REFRESH_SECONDS = 0.1
"""Between two fetches of the key revocation list, as by a timer of a host."""


class Ending:
    """Notes when ``wait`` returns."""

    def __init__(self, wait: Callable[[], object]) -> None:
        self.at = 0.0
        self._wait = wait
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._wait()
        self.at = time.time()

    def seconds_after(self, moment: float) -> float:
        """When it was, counted from ``moment``."""
        self._thread.join(30)
        assert self.at, "it did not end"
        return self.at - moment


def run(directory: Path, quick: bool) -> None:
    """Measure and publish."""
    cluster = Cluster(directory / "cluster")
    server = None
    try:
        cluster.start()
        node = cluster.start_node()
        account = cluster.add_user("alice")
        account.login()
        krl = directory / "krl"
        krl.write_bytes(_revocation_list(cluster))
        user_ca = cluster.tctl("auth", "export", "--type=user").stdout
        server = OpenSshServer(directory / "sshd", user_ca, revoked=krl)
        measured: dict[str, list[float]] = {}
        for _ in range(3 if quick else ROUNDS):
            for name, seconds in _round(
                cluster, node, account, _PlainServer(server, account, node, krl)
            ).items():
                measured.setdefault(name, []).append(seconds)
        _publish(measured)
    finally:
        if server is not None:
            server.stop()
        cluster.stop()


class _PlainServer:
    """A plain sshd that fetches the key revocation list, and somebody who tries to log in to it."""

    def __init__(self, server: OpenSshServer, account: Account, node: Node, krl: Path) -> None:
        self._krl = krl
        self._argv = server.client(OpenSsh(account, node))

    def refuses(self, cluster: Cluster) -> bool:
        """Does it refuse the login, by the list as it is now?"""
        fresh = self._krl.with_suffix(".new")
        fresh.write_bytes(_revocation_list(cluster))
        fresh.rename(self._krl)
        return subprocess.run(self._argv, check=False, capture_output=True).returncode != 0

    def wait_until_it_refuses(self, cluster: Cluster) -> None:
        """Try again and again."""
        while not self.refuses(cluster):
            time.sleep(REFRESH_SECONDS)


def _round(cluster: Cluster, node: Node, account: Account, plain: _PlainServer) -> dict[str, float]:
    """Lock somebody who has all sorts of connections; seconds until each has ended."""
    client = OpenSsh(account, node)
    until(lambda: client.run("ssh", *client.direct, client.host, "true").returncode == 0, 20)
    until(lambda: not plain.refuses(cluster), 20)
    with ExitStack() as stack, socket.create_server(("127.0.0.1", 0)) as target:
        forward = _start(
            stack, ["ssh", *client.options, "-W", f"127.0.0.1:{target.getsockname()[1]}", client.host]
        )
        connection = stack.enter_context(target.accept()[0])
        sessions = {
            "session": _session(stack, ["ssh", *client.direct, client.host]),
            "session through the proxy": _session(stack, ["ssh", *client.options, client.host]),
        }
        endings = {name: Ending(process.wait) for name, process in sessions.items()}
        endings["forward, its client"] = Ending(forward.wait)
        endings["forward, its target"] = Ending(lambda: _drain(connection))
        endings["plain sshd refuses"] = Ending(lambda: plain.wait_until_it_refuses(cluster))
        name = cluster.tctl("lock", f"--user={account.name}").stdout.split('"')[1]
        (lock,) = json.loads(cluster.tctl("get", f"lock/{name}", "--format=json").stdout)
        made = parse_time(lock["spec"]["created_at"]).timestamp()
        found = {each: ending.seconds_after(made) for each, ending in endings.items()}
        cluster.tctl("rm", f"lock/{name}")
    return found


def _drain(connection: socket.socket) -> None:
    with suppress(OSError):
        while connection.recv(4096):
            pass


def _start(stack: ExitStack, argv: Sequence[str]) -> subprocess.Popen[bytes]:
    process = stack.enter_context(
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    )
    stack.callback(process.kill)
    return process


def _session(stack: ExitStack, argv: Sequence[str]) -> subprocess.Popen[bytes]:
    process = _start(stack, [*argv, "echo here; cat"])
    assert process.stdout is not None
    assert process.stdout.readline() == b"here\n"
    return process


def _revocation_list(cluster: Cluster) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(f"https://{cluster.proxy}/webapi/auth/krl", context=context) as reply:
        return bytes(reply.read())


def _publish(measured: dict[str, list[float]]) -> None:
    rows: list[dict[str, Any]] = [
        {"what": name, **{f"{key} ms": value for key, value in spread(values).items()}}
        for name, values in measured.items()
    ]
    rounds = len(next(iter(measured.values())))
    publish(
        "lock",
        "From `tctl lock --user` to the end of what is open",
        rows,
        {"unit": "ms", "rounds": rounds, "seconds": measured},
        f"{rounds} rounds. The proxy gives nodes 300 ms to end sessions by themselves. The host of the\n"
        f"plain sshd fetches the list each {REFRESH_SECONDS:g} s and tries a login each time:\n"
        "most of it is that.",
    )
