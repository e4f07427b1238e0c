# SPDX-License-Identifier: Apache-2.0
"""A service that has no descriptor left refuses, says so, stays, and recovers."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.accounts import Account
from testing.cluster import Cluster, Node, Service
from testing.polling import until


@contextlib.contextmanager
def without_descriptors(pid: int) -> Iterator[None]:
    """Let the process, which we started, open nothing more inside the block."""
    allowed = re.search(r"^Max open files +(\d+)", Path(f"/proc/{pid}/limits").read_text(), re.MULTILINE)
    assert allowed
    limit_descriptors(pid, lowest_free(pid))
    try:
        yield
    finally:
        limit_descriptors(pid, int(allowed[1]))


def limit_descriptors(pid: int, number: int) -> None:
    """Set the soft limit, as the process's own user: root may not everywhere, without CAP_SYS_RESOURCE."""
    uid = Path(f"/proc/{pid}/status").read_text().partition("Uid:")[2].split()[0]
    account = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    subprocess.run([*account, "prlimit", f"--pid={pid}", f"--nofile={number}:"], check=True)


def lowest_free(pid: int) -> int:
    """The number that the process's next descriptor would get.

    Descriptors above it stay open; the spare one is often among them, and is of no use then.
    """
    taken = set(map(int, os.listdir(f"/proc/{pid}/fd")))
    return min(set(range(len(taken) + 1)) - taken)


def reasons(host: Service) -> str:
    """What /readyz says, as text; empty while it is ready or silent."""
    status, body = host.readiness()
    return str(body) if status == 503 else ""


@pytest.mark.parametrize(
    ("service", "named"),
    [("spawner", "'spawn': "), ("capture", "'capture': "), ("node", "Too many open files")],
)
def test_on_a_node(shared: Cluster, node: Node, alice: Account, service: str, named: str) -> None:
    pid = node.pid_of(service)
    with without_descriptors(pid):
        found = until(lambda: reasons(node), 30, f"not ready without descriptors of {service}")
        refused = alice.tsh("ssh", f"root@{node.name}", "true", check=False)
    assert named in found
    assert refused.returncode != 0
    node.wait_ready()
    assert node.pid_of(service) == pid
    assert alice.tsh("ssh", f"root@{node.name}", "echo back").stdout == "back\n"


@pytest.mark.parametrize("service", ["auth", "proxy"])
def test_on_the_control_host(shared: Cluster, node: Node, alice: Account, service: str) -> None:
    pid = shared.control.pid_of(service)
    with without_descriptors(pid):
        found = until(lambda: reasons(shared.control), 30, f"not ready without descriptors of {service}")
    assert "Too many open files" in found
    shared.control.wait_ready()
    assert shared.control.pid_of(service) == pid
    assert alice.tsh("ssh", f"root@{node.name}", "echo back").stdout == "back\n"


def test_of_diagnostics(node: Node) -> None:
    pid = node.pid_of("diag")
    with without_descriptors(pid):
        assert node.readiness(5.0) == (0, {})
    node.wait_ready()
    assert node.pid_of("diag") == pid
