# SPDX-License-Identifier: Apache-2.0
"""Nothing is lost without a count: tiny rings, subscribers that go away, a barrier at the end."""

from __future__ import annotations

import ctypes
import os
import signal
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from proctor.capture.engine import BATCH_MILLISECONDS
from proctor.capture.kernel.loader import RingSizes
from proctor.captureproto.capture_messages import Drained, KernelEvents
from proctor.captureproto.client import SessionCapture
from proctor.captureproto.event_lines import events_in
from proctor.core import unixsock, wire
from proctor.core.errors import Unavailable
from testing.capture import CaptureHarness, Child, Event, Subscriber, running_lab
from testing.polling import until

TINY = RingSizes(4096, 4096, 4096)


def storm(processes: int, opens: int) -> None:
    """Children that open files as fast as they can, and then execute a program."""
    for _ in range(processes):
        if os.fork() == 0:
            for _ in range(opens):
                os.close(os.open("/dev/null", os.O_RDONLY))
            os.execv("/bin/true", ["true"])
    for _ in range(processes):
        os.wait()


def test_submitted_is_delivered_plus_lost(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def storm_when_released() -> None:
        gate = os.open(pipe, os.O_RDONLY)
        os.read(gate, 1)
        storm(50, 400)

    with running_lab(tmp_path, TINY) as lab:
        with lab.session(storm_when_released) as session, pipe.open("w") as gate:
            lab.process.signal(signal.SIGSTOP)
            gate.write("go")
            gate.flush()
            session.child.ended()
            lab.process.signal(signal.SIGCONT)
        lost = lab.subscriber.closed(session.sid).lost

    commands, opens = len(session.commands), [e for e in session.opens if e["path"] == "/dev/null"]
    assert lost["disk"] > 0
    assert commands + lost.get("command", 0) == 50
    # each true also opens the loader's cache and libc; the first open is that of the pipe
    assert len(session.opens) + lost["disk"] == 1 + 50 * (400 + 2)
    assert 0 < len(opens) < 50 * 400


def test_nothing_is_lost_with_large_rings(tmp_path: Path) -> None:
    with running_lab(tmp_path, RingSizes(4 << 20, 32 << 20, 4 << 20)) as lab:
        session = lab.run(lambda: storm(50, 400))
        drained = lab.subscriber.drained(session.sid)

    assert drained.lost == {}
    assert len(session.commands) == 50
    assert len(session.opens) == 50 * (400 + 2)


def test_records_of_several_rings_travel_together(tmp_path: Path) -> None:
    """A block is preceded by a pause, and records that arrive while it is filled make another."""
    with running_lab(tmp_path, RingSizes(4 << 20, 4 << 20, 4 << 20)) as lab:
        began = time.monotonic()
        session = lab.run(lambda: storm(1000, 1))
        commands, blocks = session.commands, lab.subscriber.of(session.sid, KernelEvents)
    pauses = (time.monotonic() - began) * 1000 / BATCH_MILLISECONDS

    assert len(commands) == 1000
    assert len(blocks) < 2 * pauses


def echoes(lab: CaptureHarness, sid: str) -> list[Event]:
    return [e for e in lab.subscriber.events(sid, "session.command") if e["path"] == "/bin/echo"]


def test_record_that_comes_while_the_ring_is_emptied_is_not_left_there(lab: CaptureHarness) -> None:
    """Long commands that fail in quick succession, a longer one, then nothing until the next is asked for."""
    orders, gate = os.pipe()
    execve = ctypes.CDLL(None).execve
    arguments = (ctypes.c_char_p * 42)(b"true", *[b"x" * 99] * 40, None)

    def search(number: int) -> None:
        for _ in range(number):
            execve(b"/nowhere/true", arguments, None)
        os.execv("/bin/true", ["true", *["x" * 99] * 100])

    def obey() -> None:
        os.close(gate)
        while order := os.read(orders, 1):
            if os.fork() == 0:
                if order[0]:
                    search(order[0])
                os.execv("/bin/echo", ["echo"])
            os.wait()

    def heard(count: int) -> Callable[[], bool]:
        return lambda: len(echoes(lab, session.sid)) == count

    with lab.session(obey, ["command"]) as session:
        os.close(orders)
        for count in range(1, 401):
            os.write(gate, bytes([3 + count % 12, 0]))
            until(heard(count), 5, "the last command")
        os.close(gate)


def test_everything_before_the_end_is_before_drained(lab: CaptureHarness) -> None:
    for _ in range(20):
        session = lab.run(["sh", "-c", "for i in 1 2 3 4 5 6 7 8; do /bin/echo $i; done"], ["command"])
        messages = [m for m in lab.subscriber.messages if getattr(m, "sid", "") == session.sid]
        end = next(i for i, message in enumerate(messages) if isinstance(message, Drained))
        before = [
            event for m in messages[:end] if isinstance(m, KernelEvents) for event in events_in(m.lines)
        ]

        assert [e["argv"] for e in before if e["path"] == "/bin/echo"] == [[str(i)] for i in range(1, 9)]
        assert [m.seq for m in messages] == list(range(1, len(messages) + 1))  # type: ignore[union-attr]


def test_subscriber_that_comes_back_misses_nothing(lab: CaptureHarness) -> None:
    lab.subscriber.hang_up()
    deaf = Subscriber(lab.path, acknowledge=False)
    with lab.session(["sh", "-c", "for i in 1 2 3; do /bin/echo $i; done"], ["command"]) as session:
        until(lambda: deaf.events(session.sid), 10, "events")
        deaf.hang_up()
    lab.subscriber = Subscriber(lab.path)

    commands = session.commands
    lab.subscriber.closed(session.sid)
    seen = {event["uid"] for event in deaf.events(session.sid)}
    assert [e["argv"] for e in commands if e["path"] == "/bin/echo"] == [["1"], ["2"], ["3"]]
    assert seen <= {event["uid"] for event in commands}
    assert len({event["uid"] for event in commands}) == len(commands)


def test_only_the_subscriber_acknowledges(lab: CaptureHarness) -> None:
    """Otherwise a node in other hands could delete what it does not want to be recorded."""
    lab.subscriber.hang_up()
    with lab.session(["/bin/echo", "evidence"], ["command"]) as session:
        pass
    with unixsock.connect(lab.path) as other:
        for number in range(1, 100):
            wire.send(other, {"op": "ack", "sid": session.sid, "seq": number})
        wire.send(other, {"op": "status"})
        assert wire.receive(other) is not None, "what came before was handled"
    lab.subscriber = Subscriber(lab.path)

    assert [event["argv"] for event in session.commands] == [["evidence"]]
    first = next(m for m in lab.subscriber.messages if getattr(m, "sid", "") == session.sid)
    assert first.seq == 1  # type: ignore[union-attr]


def test_acknowledged_sessions_are_forgotten(lab: CaptureHarness) -> None:
    session = lab.run(["/bin/true"])
    lab.subscriber.closed(session.sid)

    until(lambda: session.sid not in lab.status()["sessions"], 10, "forgotten")


def test_monitor_that_dies_has_closed_its_session(lab: CaptureHarness) -> None:
    sid = str(uuid.uuid4())
    cgroup = lab.tree.create(sid)
    child = Child(lambda: os.execv("/bin/true", ["true"]), cgroup)
    with SessionCapture(lab.path) as capture:
        capture.open(sid, cgroup=cgroup.path, cgroup_id=cgroup.id, pidfd=child.pidfd, kinds=["command"])
    child.go()
    child.wait()

    lab.subscriber.closed(sid)
    assert [event["path"] for event in lab.subscriber.events(sid)] == ["/bin/true"]


def test_process_that_has_ended_is_refused(lab: CaptureHarness) -> None:
    sid = str(uuid.uuid4())
    cgroup = lab.tree.create(sid)
    child = Child(lambda: None, cgroup)
    child.go()
    child.ended()

    with SessionCapture(lab.path) as capture, pytest.raises(Unavailable, match="ended before"):
        capture.open(sid, cgroup=cgroup.path, cgroup_id=cgroup.id, pidfd=child.pidfd, kinds=["command"])

    child.wait()
    assert lab.tree.remove(sid)
    until(lambda: not lab.status()["attached"], 10, "detached")


def test_wrong_cgroup_is_refused(lab: CaptureHarness) -> None:
    sid = str(uuid.uuid4())
    cgroup = lab.tree.create(sid)
    child = Child(lambda: None, cgroup)

    with SessionCapture(lab.path) as capture:
        with pytest.raises(Unavailable, match="has id"):
            capture.open(sid, cgroup=cgroup.path, cgroup_id=1, pidfd=child.pidfd, kinds=["command"])
        with pytest.raises(Unavailable, match="not below"):
            capture.open(sid, cgroup=Path("/tmp"), cgroup_id=1, pidfd=child.pidfd, kinds=["command"])
    child.go()
    child.wait()
    assert lab.tree.remove(sid)
