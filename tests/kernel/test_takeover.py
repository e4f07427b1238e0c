# SPDX-License-Identifier: Apache-2.0
"""Capture that is killed or stopped, and another that takes over: nothing is lost, nothing comes twice."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from proctor.capture.engine import rings_of
from proctor.capture.state.journal import StateJournal
from proctor.capture.state.pins import Manifest
from proctor.captureproto.absence import AbsenceMarks
from proctor.captureproto.capture_messages import LossAccounting
from proctor.config.schema import EnhancedRecording
from testing.capture import CaptureHarness, Session, running_lab
from testing.polling import until

RINGS = rings_of(EnhancedRecording())
NAMES = {"session.command": "command", "session.disk": "disk", "session.network": "network"}
TURNS = 6


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[CaptureHarness]:
    with running_lab(tmp_path, RINGS) as lab:
        yield lab


def opens(count: int) -> None:
    for number in range(count):
        with contextlib.suppress(FileNotFoundError):
            os.open(f"/nowhere/{number}", os.O_RDONLY)
        if not number % 100:
            time.sleep(0.001)  # as fast as a ring of this size allows while it is not read


def commands(count: int) -> None:
    for number in range(count):
        pid = os.fork()
        if pid == 0:
            os.execv("/bin/true", ["true", str(number)])
        os.waitpid(pid, 0)


def connections(count: int) -> None:
    for number in range(count):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
            connection.connect(("127.0.0.1", 1 + number))
        if not number % 100:
            time.sleep(0.001)


STORMS: dict[str, tuple[Callable[[int], None], int]] = {
    "disk": (opens, 40_000),
    "command": (commands, 600),
    "network": (connections, 8_000),
}


def shown(session: Session, kind: str) -> list[str]:
    """What of the storm is in the session's record, in order."""
    events = session.lab.subscriber.events(session.sid)
    match kind:
        case "disk":
            return [e["path"].rsplit("/")[-1] for e in events if e.get("path", "").startswith("/nowhere/")]
        case "command":
            return [
                e["argv"][0] for e in events if e["event"] == "session.command" and e["path"] == "/bin/true"
            ]
        case _:
            return [str(e["dst_port"] - 1) for e in events if e["event"] == "session.network"]


def balanced(session: Session) -> LossAccounting:
    """The final account, which must be that of what has arrived."""
    account = session.lab.subscriber.closed(session.sid).account
    assert account is not None
    events = session.lab.subscriber.events(session.sid)
    arrived = Counter(NAMES[e["event"]] for e in events if e["event"] in NAMES)
    assert account.delivered == dict(arrived)
    assert account.lost == {}
    assert len({event["uid"] for event in events}) == len(events)
    for kind, submitted in account.submitted.items():
        assert submitted == account.delivered.get(kind, 0) + account.filtered.get(kind, 0)
    return account


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "best_effort"])
@pytest.mark.parametrize("kill", [True, False], ids=["killed", "stopped"])
@pytest.mark.parametrize("kind", STORMS)
def test_storm_goes_on_over_takeovers(lab: CaptureHarness, kind: str, *, kill: bool, strict: bool) -> None:
    storm, count = STORMS[kind]
    moments = random.Random(f"{kind} {kill} {strict}")
    with lab.session(lambda: storm(count), strict=strict) as session:
        for _ in range(TURNS):
            time.sleep(moments.uniform(0, 0.2))
            lab.restart(kill=kill)
    balanced(session)

    assert shown(session, kind) == list(map(str, range(count)))


def test_processes_that_outlived_their_session_are_recorded_meanwhile(lab: CaptureHarness) -> None:
    """As after ``tmux`` or ``nohup``, after their session has ended."""
    orders, gate = os.pipe()

    def linger() -> None:
        if os.fork() == 0:
            os.setsid()
            os.close(gate)
            while os.read(orders, 1):
                if os.fork() == 0:
                    os.execv("/bin/true", ["true", "late"])
                os.wait()
            os._exit(0)

    with lab.session(linger) as session:
        pass
    lab.subscriber.drained(session.sid)
    for kill in (True, False):
        (lab.process.kill if kill else lab.process.stop)()
        os.write(gate, b"..")
        lab.process = lab.start_again()
        lab.subscriber.reconnect()
    os.close(gate)
    os.close(orders)
    balanced(session)

    late = [e for e in session.lab.subscriber.events(session.sid) if e.get("argv") == ["late"]]
    assert len(late) == 4
    assert all(event["detached"] for event in late)


def elsewhere(lab: CaptureHarness) -> Path:
    """A cgroup beside those of sessions, for who leaves them."""
    path = lab.tree.root.parent / f"elsewhere-{os.getpid()}"
    path.mkdir(exist_ok=True)
    return path


@pytest.fixture
def refuge(lab: CaptureHarness) -> Iterator[Path]:
    path = elsewhere(lab)
    yield path
    (path / "cgroup.kill").write_text("1")
    until(lambda: removed(path), 10, "an empty cgroup")


def removed(path: Path) -> bool:
    try:
        path.rmdir()
    except OSError:
        return False
    return True


def run_away(refuge: Path, counter: Path) -> Callable[[], None]:
    """Leave the session's cgroup and count, in a process of its own and a child of it."""

    def main() -> None:
        if os.fork() == 0:
            os.setsid()
            (refuge / "cgroup.procs").write_text("0")
            os.fork()
            number = 0
            while True:
                number += 1
                counter.write_text(str(number))
                time.sleep(0.001)

    return main


def test_whoever_left_the_cgroup_of_a_strict_session_is_held_and_killed(
    lab: CaptureHarness, refuge: Path, tmp_path: Path
) -> None:
    counter = tmp_path / "counter"
    with lab.session(run_away(refuge, counter), strict=True) as session:
        until(counter.exists, 10, "a run-away process")
    marks = AbsenceMarks(lab.path.parent)
    lab.process.kill()
    marks.hold()  # as the supervisor does
    until(lambda: "frozen 1" in (session.cgroup.path / "cgroup.events").read_text(), 10, "a held process")
    held = counter.read_text()
    assert not (refuge / "cgroup.procs").read_text()

    lab.process = lab.start_again()
    lab.subscriber.reconnect()
    until(lambda: counter.read_text() != held, 10, "a process that goes on")

    lab.process.kill()
    marks.end()
    lab.process = lab.start_again()
    lab.subscriber.reconnect()
    account = lab.subscriber.closed(session.sid).account
    assert account is not None
    assert not session.cgroup.path.exists()


def test_programs_of_another_version_take_over(lab: CaptureHarness) -> None:
    """The one before calls its object by another digest, as if it were of another build."""
    with lab.session(lambda: opens(20_000)) as session:
        until(lambda: lab.subscriber.events(session.sid), 10, "events")
        lab.process.kill()
        rewrite(lab, object="of another build")
        lab.process = lab.start_again()
        assert [path.name for path in pinned(lab)] == ["2"]
        lab.subscriber.reconnect()
    balanced(session)

    assert shown(session, "disk") == list(map(str, range(20_000)))


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "best_effort"])
@pytest.mark.parametrize(
    "changes",
    [
        {"layout": "another"},
        {"maps": {"former_name": (1, 4, 8, 4096)}},
        {"sections": {"former_name": "tp_btf/sys_exit"}},
        {"without": frozenset({"former_name"})},
    ],
    ids=["layout", "map", "program", "program_left_out"],
)
def test_sessions_of_a_version_that_does_not_fit_are_ended(
    lab: CaptureHarness, changes: Mapping[str, object], *, strict: bool
) -> None:
    with lab.session(["sleep", "1000"], strict=strict) as session:
        lab.process.kill()
        rewrite(lab, object="of another build", **changes)
        lab.process = lab.start_again()
        lab.subscriber.reconnect()
        closed = lab.subscriber.closed(session.sid)
        if not strict:
            session.child.kill_only()

    assert "replaced by a version that cannot go on" in closed.reason
    assert session.status == -signal.SIGKILL
    assert not lab.status()["attached"]


def pinned(lab: CaptureHarness) -> list[Path]:
    """Where programs are pinned; the kernel has files of its own beside them."""
    return [path for path in (lab.path.parent / "bpf").iterdir() if path.name.isdecimal()]


def rewrite(lab: CaptureHarness, **changes: object) -> None:
    """Change what the process that has ended says of its programs."""
    journal = StateJournal(lab.path.parent / "capture" / "journal")
    manifest = journal.fact(Manifest)
    assert manifest is not None
    journal.set_fact(replace(manifest, **changes))
    journal.commit()
    journal.close()


def test_nothing_is_left_when_the_last_session_has_ended(lab: CaptureHarness) -> None:
    session = lab.run(["/bin/true"])
    lab.subscriber.closed(session.sid)
    until(lambda: not lab.status()["sessions"], 10, "a forgotten session")

    assert not pinned(lab)
    assert not list((lab.path.parent / "capture" / "blocks").iterdir())
    lab.process.stop()
    assert not (lab.path.parent / "bpf").exists()
    assert not (lab.path.parent / "capture").exists()


def test_two_agents_take_over_their_own(lab: CaptureHarness, tmp_path: Path) -> None:
    other_directory = tmp_path / "other"
    other_directory.mkdir()
    with running_lab(other_directory, RINGS) as other:
        with lab.session(lambda: opens(5_000)) as one, other.session(lambda: opens(5_000)) as two:
            lab.restart(kill=True)
            other.restart(kill=False)
            lab.restart(kill=False)
        balanced(one)
        balanced(two)

    for session in (one, two):
        assert shown(session, "disk") == list(map(str, range(5_000)))
