# SPDX-License-Identifier: Apache-2.0
"""Retention removes what is due and nothing else, says so once, and survives a kill at any step."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from proctor.audit.compressed import compress
from proctor.audit.dayfiles import day_files
from proctor.audit.log import Query
from proctor.auth.housekeeping.retention import HELD, JUMP, Policy
from proctor.core.clock import FakeClock, format_time
from proctor.recording.format import file_names
from testing.crashes import killed_at_each_step
from testing.keeping import Kept

DAY = 86400.0
HOUR = 3600.0


def sid(number: int) -> str:
    return str(UUID(int=number))


def reports(kept: Kept) -> list[dict[str, Any]]:
    page = kept.log.search(Query(event_types=("audit.retention",), ascending=True))
    return [json.loads(event) for event in page.events]


def gaps(kept: Kept) -> int:
    return len(kept.log.search(Query(event_types=("audit.gap",))).events)


def uids(kept: Kept) -> set[str]:
    return {json.loads(event)["uid"] for event in kept.log.search(Query(limit=10_000)).events}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    found = Kept(tmp_path, FakeClock())
    yield found
    found.close()


def days(kept: Kept) -> list[str]:
    return [name[:10] for name in day_files(kept.log.directory)]


def test_days_are_removed_when_they_are_over_for_the_period(kept: Kept) -> None:
    first = kept.event()
    kept.clock.advance(2 * DAY)  # 2023-07-06 16:42: the first day ended less than two days ago
    second = kept.event()
    assert kept.remove() == []
    kept.clock.advance(7 * HOUR + 17 * 60)  # 23:59
    assert kept.remove() == []
    kept.clock.advance(1 * HOUR)
    (removal,) = kept.remove()
    assert [part.moment for part in removal.days] == ["2023-07-04"]
    assert first not in uids(kept)
    assert second in uids(kept)
    assert days(kept) == ["2023-07-06", "2023-07-07"]
    assert kept.remove() == []


def test_the_event_says_what_was_removed(kept: Kept) -> None:
    for _ in range(3):
        kept.event()
    path = kept.log.directory / day_files(kept.log.directory)[0]
    kept.record(sid(1), b"x" * 1000)  # with its session.upload
    kept.clock.advance(DAY)
    kept.event()
    compress(path)
    stored = path.with_name(path.name + ".gz").stat().st_size
    kept.clock.advance(2 * DAY)
    kept.remove()
    (report,) = reports(kept)
    assert report["code"] == "TP4908I"
    assert report["days"] == ["2023-07-04"]
    assert (report["events"], report["recordings"], report["bytes"]) == (4, 1, stored + 1000)
    assert (report["first"], report["last"]) == ("2023-07-04", "2023-07-04T16:42:20Z")


def test_recordings_are_removed_by_the_time_at_which_they_were_complete(tmp_path: Path) -> None:
    kept = Kept(tmp_path, FakeClock(), Policy(recordings=timedelta(days=2)))
    kept.record(sid(1))
    kept.record(sid(2), complete=False)
    kept.clock.advance(DAY)
    kept.record(sid(3))
    kept.clock.advance(DAY - 1)
    assert kept.remove() == []
    kept.clock.advance(1)
    (removal,) = kept.remove()
    assert [part.name for part in removal.recordings] == [sid(1)]
    assert kept.listed() == {sid(2), sid(3)}
    assert not any((kept.log.directory / "sessions/default" / name).exists() for name in file_names(sid(1)))
    assert kept.archive.held() == {sid(2): False, sid(3): True}
    assert "2023-07-04" in days(kept)  # events are kept for ever here
    kept.clock.advance(400 * DAY)
    for _ in range(2):
        kept.remove()
        kept.clock.advance(HELD.total_seconds())
    assert kept.listed() == {sid(2)}  # never one that is not complete
    kept.close()


def test_what_a_node_says_about_time_does_not_matter(kept: Kept) -> None:
    """A session that claims to have ended years ago is kept as long as any other."""
    kept.record(sid(1))
    event = {
        "event": "session.end", "sid": sid(1), "server_id": "531dc1de-c2c9-49bd-a0e3-4f4f3a523f5f",
        "time": "2001-01-01T00:00:00Z", "session_stop": "2001-01-01T00:00:00Z",
    }  # fmt: skip
    kept.recordings.stored(json.dumps(event).encode() + b"\n")
    assert kept.remove() == []
    assert kept.listed() == {sid(1)}


def test_a_dry_run_changes_nothing(kept: Kept) -> None:
    kept.event()
    kept.record(sid(1))
    kept.clock.advance(4 * DAY)
    kept.log.begin_day()
    due = kept.retention.due(100)
    assert [part.moment for part in due.days] == ["2023-07-04"]
    assert [part.name for part in due.recordings] == [sid(1)]
    assert "2023-07-04" in days(kept)
    assert kept.listed() == {sid(1)}
    assert not reports(kept)


def test_without_a_period_everything_stays(tmp_path: Path) -> None:
    kept = Kept(tmp_path, FakeClock(), Policy.of_seconds(0, 0))
    kept.event()
    kept.record(sid(1))
    for _ in range(4):
        kept.clock.advance(40 * DAY)
        assert kept.remove() == []
    kept.close()


def test_a_clock_that_jumps_removes_nothing_for_a_day(kept: Kept) -> None:
    kept.event()
    kept.remove()
    kept.clock.advance(JUMP.total_seconds() + 3 * DAY)
    assert kept.remove() == []
    assert "nothing is removed before 2023-07-10" in kept.retention.held()
    kept.clock.advance(HELD.total_seconds() - 1)
    assert kept.remove() == []
    kept.clock.advance(1)
    assert len(kept.remove()) == 1
    assert kept.retention.held() == ""


def test_a_clock_that_is_put_right_ends_the_wait(kept: Kept) -> None:
    kept.event()
    kept.remove()
    kept.clock.advance(1000 * DAY)
    assert kept.remove() == []
    kept.clock.advance(-1000 * DAY)
    assert kept.remove() == []
    assert kept.retention.held() == ""
    for _ in range(3):
        kept.clock.advance(DAY)
        removals = kept.remove()
    assert [part.moment for removal in removals for part in removal.days] == ["2023-07-04"]


def test_a_kill_at_any_step_loses_and_repeats_nothing(tmp_path: Path) -> None:
    before, place = tmp_path / "before", tmp_path / "data"
    clock = FakeClock()
    kept = Kept(before, clock)
    old = {kept.event(), kept.event()}
    kept.record(sid(1), b"a" * 100)
    clock.advance(DAY)
    old.add(kept.event())
    kept.record(sid(2), b"b" * 100, complete=False)
    clock.advance(2 * DAY)
    kept.record(sid(3), b"c" * 100)
    compress(kept.log.directory / day_files(kept.log.directory)[0])
    kept.close()
    clock.advance(0.25 * DAY)
    now = clock.now()

    def prepare() -> None:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(before, place, symlinks=True)

    def work() -> None:
        Kept(place, FakeClock(now)).remove()

    last = 0
    for last in killed_at_each_step(prepare, work):
        again = Kept(place, FakeClock(now))
        again.remove()
        (report,) = reports(again)
        assert (report["events"], report["recordings"]) == (3, 1), last
        assert report["days"] == ["2023-07-04"]
        assert days(again) == ["2023-07-05", "2023-07-07"], last
        assert again.listed() == {sid(2), sid(3)}
        assert again.archive.held() == {sid(2): False, sid(3): True}
        stored = {path.name[:36] for path in (again.log.directory / "sessions/default").iterdir()}
        assert stored == {sid(2), sid(3)}, last
        assert gaps(again) == 0
        assert again.remove() == []
        again.close()
    assert last > 20


def test_many_recordings_are_removed_in_batches(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proctor.auth.housekeeping.retention.BATCH", 3)
    for number in range(7):
        kept.record(sid(number))
    kept.clock.advance(2 * DAY)
    removed = kept.remove()
    assert [len(removal.recordings) for removal in removed] == [3, 3, 1]
    assert kept.listed() == set()
    assert [report["recordings"] for report in reports(kept)] == [3, 3, 1]
    assert format_time(kept.clock.now()) == reports(kept)[0]["time"]
