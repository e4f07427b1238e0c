# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from proctor.captureproto.absence import AbsenceMarks, Mark
from proctor.captureproto.members import MEMBER, SessionProcesses


def test_members_are_those_of_the_session() -> None:
    threads = [(7, 100, 0), (7, 100, 0), (8, 101, 0), (7, 102, 3)]
    listing = b"".join(MEMBER.pack(*thread) for thread in threads)

    assert SessionProcesses(7, Path("/cgroup"), lambda: listing).all() == {100, 102}


def test_a_session_without_a_list_is_not_said_to_be_dead(tmp_path: Path) -> None:
    def refused() -> bytes:
        raise OSError("no list")

    members = SessionProcesses(7, tmp_path, refused)

    members.hold()
    assert not members.kill()


def test_since_when_a_session_is_held(tmp_path: Path) -> None:
    marks = AbsenceMarks(tmp_path)
    (tmp_path / "capture").mkdir()
    marks.hold()  # nothing is there
    marks.add(Mark("sid", 7, str(tmp_path / "cgroup")))
    assert marks.held_since("sid") is None

    marks.begin("sid")
    since = marks.held_since("sid")
    marks.begin("sid")

    assert since is not None
    assert marks.held_since("sid") == since
    marks.let_go("sid")
    assert marks.held_since("sid") is None
    marks.remove("sid")
    assert not list((tmp_path / "capture/strict").iterdir())
