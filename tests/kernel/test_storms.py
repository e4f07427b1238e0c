# SPDX-License-Identifier: Apache-2.0
"""Programs that outrun everything: each record is stored, or counted with the stage that lost it."""

from __future__ import annotations

import os
import signal
import socket
from collections import Counter
from pathlib import Path

import pytest

from proctor.capture.engine import rings_of
from proctor.capture.kernel.loader import RingSizes
from proctor.captureproto.capture_messages import LossAccounting
from proctor.config.schema import EnhancedRecording
from testing.capture import Session, assert_balanced, running_lab

TINY = RingSizes(4096, 4096, 4096)
NAMES = {"session.command": "command", "session.disk": "disk", "session.network": "network"}


def opens(count: int = 60_000) -> None:
    """Two processes that do nothing but open."""
    for _ in range(2):
        if os.fork() == 0:
            for _ in range(count):
                os.close(os.open("/dev/null", os.O_RDONLY))
            os._exit(0)
    for _ in range(2):
        os.wait()


def execs(count: int = 400) -> None:
    """Two processes that do nothing but start programs."""
    for _ in range(2):
        if os.fork() == 0:
            for _ in range(count):
                os.waitpid(os.posix_spawn("/bin/true", ["true", "x" * 100], {}), 0)
            os._exit(0)
    for _ in range(2):
        os.wait()


def connects(count: int = 20_000) -> None:
    """Two processes that do nothing but connect."""
    for _ in range(2):
        if os.fork() == 0:
            for _ in range(count):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
                    datagrams.connect(("127.0.0.1", 9))
            os._exit(0)
    for _ in range(2):
        os.wait()


STORMS = {"disk": opens, "command": execs, "network": connects}
LEAST = {"disk": 120_000, "command": 800, "network": 40_000}
"""Records that each makes at least."""


def account_of(session: Session) -> LossAccounting:
    """The final account, compared with what has arrived."""
    account = assert_balanced(session.lab.subscriber.closed(session.sid).account)
    arrived = Counter(NAMES[e["event"]] for e in session.events() if e["event"] in NAMES)
    assert account.delivered == dict(arrived)
    assert account.started.keys() == account.submitted.keys()
    return account


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "best_effort"])
@pytest.mark.parametrize("kind", STORMS)
def test_all_that_was_submitted_is_accounted_for(tmp_path: Path, kind: str, strict: bool) -> None:
    with running_lab(tmp_path, rings_of(EnhancedRecording())) as lab:
        account = account_of(lab.run(STORMS[kind], strict=strict))

    assert account.submitted[kind] >= LEAST[kind]
    if strict:
        assert account.lost == {}


@pytest.mark.parametrize("kind", STORMS)
def test_what_a_sleeping_capture_loses_is_counted(tmp_path: Path, kind: str) -> None:
    with running_lab(tmp_path, TINY) as lab:
        with lab.session(STORMS[kind]) as session:
            lab.process.pause()
            session.child.ended()
            lab.process.signal(signal.SIGCONT)
        account = account_of(session)

    assert account.submitted[kind] >= LEAST[kind]
    assert account.lost["ring"][kind] > LEAST[kind] / 2
