# SPDX-License-Identifier: Apache-2.0
"""Sessions never mix, and what is not in a session is not in the record."""

from __future__ import annotations

import subprocess
import uuid

from testing.accounts import Account
from testing.cluster import Cluster, Node
from testing.sessions import ShellSession


def test_two_sessions_at_once_never_mix(shared: Cluster, node: Node, alice: Account) -> None:
    rounds = [str(number) for number in range(10)]
    with ShellSession(alice, f"root@{node.name}") as one, ShellSession(alice, f"root@{node.name}") as two:
        for number in rounds:
            one.terminal.line(f"/bin/echo one {number}")
            two.terminal.line(f"/bin/echo two {number}")
        one.exit()
        two.exit()

    assert one.sid != two.sid
    for shell, word, other in ((one, "one", "two"), (two, "two", "one")):
        events = shared.session_events(shell.sid, "session.command")
        echoed = [event["argv"] for event in events if event["path"].endswith("/echo")]
        assert echoed == [[word, number] for number in rounds]
        assert [other, "0"] not in echoed
        assert len({event["cgroup_id"] for event in events}) == 1


def test_process_outside_of_sessions_is_never_recorded(shared: Cluster, node: Node, alice: Account) -> None:
    marker = uuid.uuid4().hex
    with ShellSession(alice, f"root@{node.name}") as shell:
        for number in range(20):
            subprocess.run(["/bin/echo", "outside", marker, str(number)], check=True, capture_output=True)
            shell.run(f"/bin/echo inside {number}")
        shell.exit()

    inside = shared.session_events(shell.sid, "session.command")
    assert len([event for event in inside if event["argv"][:1] == ["inside"]]) == 20
    assert not [event for event in shared.events() if marker in str(event)]
