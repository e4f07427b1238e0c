# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from proctor.capture.control.freezer import FreezeInterval, Limits, Throttle, Watermarks
from proctor.captureproto.cgroup import thaw
from proctor.core.clock import FakeClock
from proctor.core.errors import Unavailable

LIMITS = Limits(shared=Watermarks(high=100, low=10), own=Watermarks(high=50, low=5))


@pytest.fixture
def cgroup(tmp_path: Path) -> Path:
    """What looks like one."""
    (tmp_path / "cgroup.freeze").touch()
    return tmp_path


def written(cgroup: Path) -> str:
    return (cgroup / "cgroup.freeze").read_text()


@pytest.mark.parametrize(
    ("shared", "own", "held", "hold"),
    [
        (100, 50, False, False),
        (101, 0, False, True),
        (0, 51, False, True),
        (11, 0, True, True),
        (0, 6, True, True),
        (10, 5, True, False),
    ],
)
def test_between_the_marks_all_stays_as_it_is(shared: int, own: int, held: bool, hold: bool) -> None:
    assert LIMITS.hold(shared, own, held=held) is hold


def test_hold_is_measured(cgroup: Path) -> None:
    clock = FakeClock()
    start = clock.now()
    brake = Throttle(cgroup, clock, LIMITS)

    assert brake.review(70, 60) is None
    assert brake.held
    clock.advance(0.25)
    assert brake.review(70, 60) is None
    assert brake.review(0, 0) == FreezeInterval(start, 250, 130)

    assert (brake.holds, brake.milliseconds, brake.held) == (1, 250, False)
    assert clock.now() == start + timedelta(milliseconds=250)
    assert written(cgroup) == "10"
    brake.close()


def test_closing_lets_go(cgroup: Path) -> None:
    brake = Throttle(cgroup, FakeClock(), LIMITS)
    brake.review(1000, 0)

    brake.close()

    assert written(cgroup) == "10"


def test_no_freezer_no_strict_session(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="could not be held"):
        Throttle(tmp_path, FakeClock(), LIMITS)


def test_thaw_goes_all_the_way_down(cgroup: Path) -> None:
    inner = cgroup / "a/b"
    inner.mkdir(parents=True)
    (inner / "cgroup.freeze").write_text("1")

    thaw(cgroup)

    assert (written(inner), written(cgroup)) == ("0", "0")
