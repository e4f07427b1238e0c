"""No event is lost and none is doubled, whatever dies in between."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

from tests.e2e.conftest import MakeCluster
from tests.support.cluster import Service
from tests.support.openssh import OpenSsh
from tests.support.polling import until
from tests.support.terminal import Terminal


def spooled(directory: Path) -> int:
    """Bytes that wait below a spool directory."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def has_other_pid(host: Service, pid: int) -> bool:
    """Does the host run an auth process, and not the one with this id?"""
    try:
        return host.pid_of("auth") != pid
    except KeyError:
        return False


def test_auth_is_down_and_the_node_is_killed(kernel: None, make_cluster: MakeCluster) -> None:
    cluster = make_cluster()
    node = cluster.start_node()
    alice = cluster.add_user("alice")
    alice.login()
    openssh = OpenSsh(alice, node)
    spool = node.data_dir / "spool/node"
    argv = ["ssh", "-tt", *openssh.direct, openssh.host]

    with Terminal(argv, env=alice.env) as terminal:
        terminal.line("echo sid=$SSH_SESSION_ID; for n in 0 1 2 3 4; do /bin/echo before $n; done")
        sid = terminal.expect("sid=([0-9a-f-]{36})")[1].decode()
        until(lambda: len(cluster.events("session.command", sid=sid)) >= 5, 20)
        cluster.control.kill()

        size = spooled(spool)
        terminal.line("for n in 0 1 2 3 4 5 6 7 8 9; do /bin/echo during $n; done; echo all-$((1+1))")
        terminal.expect("all-2")
        until(lambda: spooled(spool) > size, 10, "events in the spool")
        terminal.line("/bin/echo last; echo printed-$((1+2))")
        terminal.expect("printed-3")
        node.kill()

    node.start(ready=False)
    cluster.control.start()
    node.wait_ready()
    end = cluster.wait_for_event("session.end", sid=sid, seconds=60)
    cluster.wait_for_event("session.upload", sid=sid, seconds=60)

    echoed = Counter(
        " ".join(e["argv"]) for e in cluster.events("session.command", sid=sid) if "/echo" in e["path"]
    )
    assert {text: number for text, number in echoed.items() if number > 1} == {}
    assert {f"before {number}" for number in range(5)} <= echoed.keys()
    assert {f"during {number}" for number in range(10)} <= echoed.keys()
    assert "last" in echoed
    uids = Counter(event["uid"] for event in cluster.events())
    assert [uid for uid, number in uids.items() if number > 1] == []
    assert end["enhanced_recording"] is True


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
