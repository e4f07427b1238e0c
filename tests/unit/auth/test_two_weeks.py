# SPDX-License-Identifier: Apache-2.0
"""Two weeks of simulated use under retention, checked every day against a model that knows what is due."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from proctor.audit.dayfiles import day_files
from proctor.audit.index.store import Index
from proctor.audit.log import Query
from proctor.auth.housekeeping.retention import Policy
from proctor.core.clock import FakeClock
from proctor.recording.format import file_name
from testing.audit import catch_up
from testing.keeping import Kept

EVENTS, RECORDINGS = timedelta(days=5), timedelta(days=3)
HOURS_PER_STEP = 6
USERS = ("alice", "bob", "carol")


class Simulation:
    """The real store, and beside it what was put in and when."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.clock = FakeClock()
        self.chance = random.Random(7)
        self.kept = Kept(data, self.clock, Policy(EVENTS, RECORDINGS))
        self.stored: dict[str, tuple[date, str]] = {}
        self.live: set[str] = set()
        self.complete: dict[str, float] = {}
        self.sizes: list[int] = []

    def use(self, step: int) -> None:
        """Logins, sessions that end and one that goes on, sometimes a restart of the service."""
        for _ in range(self.chance.randrange(20, 60)):
            user = self.chance.choice(USERS)
            self.stored[self.kept.event(user)] = (self.clock.now().date(), user)
            self.clock.advance(self.chance.random() * 60)
        for number in range(self.chance.randrange(4)):
            sid = str(UUID(int=1000 * step + number))
            self.kept.record(sid, self.chance.randbytes(500))
            self.complete[sid] = self.clock.now().timestamp()
        if step % 9 == 0:
            sid = str(UUID(int=1000 * step + 999))
            self.kept.record(sid, complete=False)
            self.live.add(sid)
        if self.chance.random() < 0.2:
            self.kept.close()
            self.kept = Kept(self.data, self.clock, Policy(EVENTS, RECORDINGS))

    def keep_house(self) -> None:
        """One round, as the service makes it each minute, and the indexing of what is new."""
        asyncio.run(self.kept.housekeeping.round())
        catch_up(self.kept.log)

    def check(self) -> None:
        """Everything that is due is gone, nothing else is, and the index agrees with the log."""
        now = self.clock.now()
        first = next(day for day in _days_from(date(2023, 7, 4)) if _end(day) > now - EVENTS)
        names = day_files(self.kept.log.directory)
        assert min(names)[:10] >= first.isoformat()
        expected = {uid: user for uid, (day, user) in self.stored.items() if day >= first}
        for user in USERS:
            found = self._search(Query(user=user, limit=10_000))
            assert found == {uid for uid, name in expected.items() if name == user}
        assert not self._search(Query(event_types=("audit.gap",)))
        self._check_recordings(now.timestamp())
        self._check_index(set(names))
        self._check_forms(names)
        self.sizes.append(sum(path.stat().st_size for path in self.data.rglob("*") if path.is_file()))

    def _search(self, query: Query) -> set[str]:
        return {json.loads(event)["uid"] for event in self.kept.log.search(query).events}

    def _check_recordings(self, now: float) -> None:
        due = now - RECORDINGS.total_seconds()
        expected = {sid for sid, moment in self.complete.items() if moment > due}
        assert self.kept.listed() == expected | self.live
        directory = self.kept.log.directory / "sessions/default"
        assert {path.name for path in directory.iterdir()} == {
            file_name(sid, "events") for sid in expected | self.live
        }

    def _check_index(self, names: set[str]) -> None:
        index = Index.reader(self.kept.log.index_path)
        assert index is not None
        assert {segment.file for segment in index.segments()} == names
        query = "SELECT count(*) FROM terms WHERE id NOT IN (SELECT term FROM postings)"
        assert index.database.execute(query).fetchone() == (0,)
        index.close()

    def _check_forms(self, names: list[str]) -> None:
        for name in names[:-1]:
            assert not (self.kept.log.directory / name).exists()
            assert (self.kept.log.directory / f"{name}.gz").exists()
        assert (self.kept.log.directory / names[-1]).exists()


def _days_from(day: date) -> list[date]:
    return [day + timedelta(days=number) for number in range(60)]


def _end(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


def test_two_weeks(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path)
    for step in range(14 * 24 // HOURS_PER_STEP):
        simulation.use(step)
        simulation.keep_house()
        if step % (24 // HOURS_PER_STEP) == 0:
            simulation.check()
        simulation.clock.advance(HOURS_PER_STEP * 3600 - 1200)
    simulation.keep_house()
    simulation.check()
    assert max(simulation.sizes[7:]) < 1.3 * max(simulation.sizes[4:7]), "the disk is not bounded"
    removed = simulation.kept.log.search(Query(event_types=("audit.retention",), limit=100)).events
    assert len(removed) > 8
    simulation.kept.close()
