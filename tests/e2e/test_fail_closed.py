# SPDX-License-Identifier: Apache-2.0
"""A host that must record and cannot does not start; one whose capture dies comes back."""

from __future__ import annotations

from testing.accounts import Account
from testing.cluster import Cluster, Node
from testing.polling import until
from tests.e2e.test_join import refusal

WITHOUT_BTF = 'mount -t tmpfs none /sys/kernel/btf && exec "$0" "$@"'


def test_recording_enabled_but_impossible(shared: Cluster) -> None:
    node = shared.add_node(name="blind")
    node.wrapper = ["unshare", "--mount", "sh", "-c", WITHOUT_BTF]

    assert "cannot be recorded" in refusal(node)


def test_kernel_capture_dies(shared: Cluster, node: Node, alice: Account) -> None:
    before = node.pid_of("capture")
    node.kill_service("capture")
    until(lambda: _restarted(node, before), 30, "a new capture process")
    node.wait_ready()

    sid = alice.tsh("ssh", f"root@{node.name}", "echo $SSH_SESSION_ID; /bin/echo recorded").stdout.split()[0]

    commands = shared.session_events(sid, "session.command")
    assert [event for event in commands if event["argv"] == ["recorded"]]


def _restarted(node: Node, before: int) -> bool:
    try:
        return node.pid_of("capture") != before
    except KeyError:
        return False
