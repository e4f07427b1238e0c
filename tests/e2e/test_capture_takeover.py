# SPDX-License-Identifier: Apache-2.0
"""Capture is killed, or the whole host stopped and started: sessions are recorded all the time."""

from __future__ import annotations

from pathlib import Path

from testing.accounts import Account
from testing.cluster import Cluster, Event, Node
from testing.polling import until
from testing.sessions import ShellSession


def said(cluster: Cluster, sid: str) -> list[str]:
    """What ``/bin/echo`` was called with in the session, in order."""
    commands = cluster.events("session.command", sid=sid)
    return [event["argv"][0] for event in commands if event["path"] == "/bin/echo"]


def balanced(ledger: Event) -> bool:
    return bool(ledger["submitted"] == ledger["stored"] and "lost" not in ledger)


def test_session_goes_on_when_capture_is_killed(shared: Cluster, node: Node, alice: Account) -> None:
    with ShellSession(alice, f"root@{node.name}") as shell:
        shell.run("/bin/echo before")
        former = node.pid_of("capture")
        node.kill_service("capture")
        shell.run("/bin/echo mean''while")
        until(lambda: replaced(node, former), 30, "a new capture process")
        node.wait_ready()
        shell.run("/bin/echo after")
        shell.exit()

    (ledger,) = shared.session_events(shell.sid, "session.ledger")
    assert said(shared, shell.sid) == ["before", "meanwhile", "after"]
    assert balanced(ledger)
    assert not shared.events("session.loss", sid=shell.sid)


def replaced(node: Node, former: int) -> bool:
    try:
        return node.pid_of("capture") != former
    except KeyError:
        return False


def test_what_outlived_its_session_is_recorded_while_the_host_is_stopped(
    shared: Cluster, node: Node, alice: Account, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    script = f"while [ ! -e {go} ]; do sleep 0.1; done; /bin/echo late; touch {go}.done"
    command = f"echo $SSH_SESSION_ID; setsid sh -c '{script}' </dev/null >/dev/null 2>&1 &"
    sid = alice.tsh("ssh", f"root@{node.name}", command).stdout.split()[0]
    shared.wait_for_event("session.end", sid=sid)

    node.stop()
    go.touch()
    until(Path(f"{go}.done").exists, 20, "the end of the process")
    node.start()

    until(lambda: said(shared, sid) == ["late"], 30, "what was done meanwhile")
    until(lambda: len(shared.events("session.ledger", sid=sid)) == 2, 20, "the account of what came later")
    (event,) = [e for e in shared.events("session.command", sid=sid) if e["argv"] == ["late"]]
    assert event["detached"]
    assert balanced(shared.events("session.ledger", sid=sid)[1])
    assert not shared.events("session.loss", sid=sid)
    until(lambda: not pinned(node), 20, "nothing in the kernel")


def pinned(node: Node) -> list[Path]:
    return [path for path in (node.data_dir / "run/bpf").iterdir() if path.name.isdecimal()]
