# SPDX-License-Identifier: Apache-2.0
"""Strict sessions are held while capture is behind, and always let go."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from proctor.capture.control.freezer import Watermarks
from testing.capture import (
    GUIDE_RINGS,
    CaptureHarness,
    Session,
    Subscriber,
    cgroup_mount,
    running_lab,
)
from testing.polling import until

OPENS = 20_000


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[CaptureHarness]:
    """A capture that holds early, and a subscriber that acknowledges nothing."""
    with running_lab(tmp_path, GUIDE_RINGS, marks=Watermarks(high=64 << 10, low=16 << 10)) as lab:
        lab.subscriber.hang_up()
        lab.subscriber = Subscriber(lab.path, acknowledge=False)
        yield lab


def opens() -> None:
    for _ in range(OPENS):
        os.close(os.open("/dev/null", os.O_RDONLY))


def is_held(session: Session) -> bool:
    """Does the kernel say that every process of the session stands still?"""
    return "frozen 1" in (session.cgroup.path / "cgroup.events").read_text().splitlines()


def listen(lab: CaptureHarness) -> None:
    """Let the subscriber catch up."""
    lab.subscriber.hang_up()
    lab.subscriber = Subscriber(lab.path)


def test_session_is_held_until_the_node_has_caught_up(lab: CaptureHarness) -> None:
    with lab.session(opens, strict=True) as session:
        until(lambda: is_held(session), 10, "held")
        listen(lab)

    account = lab.subscriber.closed(session.sid).account
    freezes = session.events("session.freeze")
    assert account is not None
    assert account.submitted == account.delivered == {"disk": OPENS}
    assert account.lost == {}
    assert account.freezes == len(freezes) > 0
    assert account.frozen_ms == sum(freeze["milliseconds"] for freeze in freezes) > 0
    assert all(freeze["backlog"] > 64 << 10 for freeze in freezes)


def test_best_effort_is_never_held(lab: CaptureHarness) -> None:
    with lab.session(opens) as session:
        session.child.ended()
        listen(lab)

    account = lab.subscriber.closed(session.sid).account
    assert account is not None
    assert account.freezes == 0


def test_children_and_nested_cgroups_are_held(lab: CaptureHarness) -> None:
    def nested() -> None:
        if os.fork() == 0:
            inner = session_cgroup() / "inner"
            inner.mkdir()
            (inner / "cgroup.procs").write_text("0")
            opens()
            os._exit(0)
        os.wait()

    with lab.session(nested, strict=True) as session:
        until(lambda: is_held(session), 10, "held")
        listen(lab)

    lab.subscriber.closed(session.sid)
    assert len(session.events("session.disk")) > OPENS


def session_cgroup() -> Path:
    """That of the caller."""
    (line,) = [line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")]
    return cgroup_mount() / line.removeprefix("0::/")


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "stopped"])
def test_session_stays_held_until_the_next_capture_has_caught_up(lab: CaptureHarness, *, kill: bool) -> None:
    with lab.session(opens, strict=True) as session:
        until(lambda: is_held(session), 10, "held")
        (lab.process.kill if kill else lab.process.stop)()
        assert is_held(session)
        lab.process = lab.start_again()
        listen(lab)

    account = lab.subscriber.closed(session.sid).account
    freezes = session.events("session.freeze")
    assert account is not None
    assert account.submitted == account.delivered == {"disk": OPENS}
    assert account.freezes == len(freezes) > 0
    assert account.frozen_ms == sum(freeze["milliseconds"] for freeze in freezes) > 0
