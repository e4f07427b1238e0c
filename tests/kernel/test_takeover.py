"""Capture that is killed or stopped, and another that takes over: nothing is lost, nothing comes twice."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proctor.bpf.capture import rings_of
from proctor.bpf.messages import Account
from proctor.config.schema import EnhancedRecording
from tests.support.capture import Lab, Session, running_lab

RINGS = rings_of(EnhancedRecording())
NAMES = {"session.command": "command", "session.disk": "disk", "session.network": "network"}
TURNS = 6


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with running_lab(tmp_path, RINGS) as lab:
        yield lab


def opens(count: int) -> None:
    for number in range(count):
        with contextlib.suppress(FileNotFoundError):
            os.open(f"/nowhere/{number}", os.O_RDONLY)
        if not number % 100:
            time.sleep(0.001)  # as fast as a ring of this size allows while nobody empties it


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


def balanced(session: Session) -> Account:
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
def test_storm_goes_on_over_takeovers(lab: Lab, kind: str, *, kill: bool, strict: bool) -> None:
    storm, count = STORMS[kind]
    moments = random.Random(f"{kind} {kill} {strict}")
    with lab.session(lambda: storm(count), strict=strict) as session:
        for _ in range(TURNS):
            time.sleep(moments.uniform(0, 0.2))
            lab.restart(kill=kill)
    balanced(session)

    assert shown(session, kind) == list(map(str, range(count)))
