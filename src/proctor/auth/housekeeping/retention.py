# SPDX-License-Identifier: Apache-2.0
"""Removing days of the audit log and recordings when their retention is over.

What is to be removed is written down first, with the ``uid`` of the event that reports it. So a crash at any
point leaves something that the next run completes, and each removal is in the log once.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from proctor.audit.dayfiles import count_lines, day_files
from proctor.audit.finished import StoredDay
from proctor.core.clock import Clock, format_time
from proctor.core.durable import replace_file
from proctor.core.errors import Unavailable
from proctor.model.event import Event
from proctor.model.events import AuditRetention
from proctor.model.serde import from_json, to_json

if TYPE_CHECKING:
    from proctor.model.event_types import EventFields

BATCH = 500
"""Recordings removed with one event."""

JUMP = timedelta(days=2)
"""A clock that has gone on by more between two runs may be wrong (the service may have been off as well)."""

NOTED = timedelta(hours=1)
"""Between two notes of the time."""

HELD = timedelta(days=1)
"""For how long nothing is removed then."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Policy:
    """Periods for which days of the audit log and complete recordings are kept; None: for ever."""

    events: timedelta | None = None
    recordings: timedelta | None = None

    @classmethod
    def of_seconds(cls, events: int, recordings: int) -> Policy:
        """The policy of a configuration, where 0 is for ever."""
        return cls(*(timedelta(seconds=period) if period else None for period in (events, recordings)))


class Days(Protocol):
    """Access to the audit log; methods block and raise Unavailable."""

    @property
    def directory(self) -> Path:
        """Directory of the days."""

    def begin_day(self) -> None:
        """Let the day before be over."""

    def finished(self) -> list[StoredDay]:
        """The days that are over, oldest first."""

    def remove_finished(self, name: str) -> None:
        """Remove one of them; one that is not there is no error."""

    def append_own(self, event: Event) -> EventFields:
        """Store an event; one with a ``uid`` once."""


class Recorded(Protocol):
    """Access to the recordings; methods block and raise Unavailable."""

    def completed_before(self, moment: datetime, limit: int) -> list[tuple[str, datetime, int]]:
        """Ids of recordings, when they were complete, and their bytes."""

    def remove(self, sids: Sequence[str]) -> None:
        """Remove complete recordings; what is not there is no error."""


class Removed(msgspec.Struct, frozen=True):
    """A day or a recording. ``moment``: the date of the day, or when the recording was complete."""

    name: str
    moment: str
    bytes: int
    events: int = 0


class Removal(msgspec.Struct):
    """Files removed together, and the ``uid`` of the event about it."""

    uid: str = ""
    days: list[Removed] = []
    recordings: list[Removed] = []

    def event(self) -> AuditRetention:
        """The event that reports it."""
        parts = [*self.days, *self.recordings]
        moments = sorted(part.moment for part in parts)
        return AuditRetention(
            uid=self.uid,
            days=[part.moment for part in self.days],
            events=sum(part.events for part in parts),
            recordings=len(self.recordings),
            bytes=sum(part.bytes for part in parts),
            first=moments[0],
            last=moments[-1],
        )


class _State(msgspec.Struct):
    """``seen``: the time of the last run. ``held_until``: nothing is removed before."""

    seen: str = ""
    held_until: str = ""
    pending: Removal | None = None


class Retention:
    """Removes what is due; its state is in the file ``path``. Methods block; one run at a time."""

    def __init__(self, path: Path, policy: Policy, log: Days, recordings: Recorded, clock: Clock) -> None:
        self._path = path
        self._policy = policy
        self._days = log
        self._recordings = recordings
        self._clock = clock
        self._lock = threading.Lock()

    @property
    def policy(self) -> Policy:
        """The periods in force."""
        return self._policy

    def held(self) -> str:
        """Why nothing is removed for now; empty when it is."""
        with self._lock:
            return self._held(self._load(), self._clock.now())

    def due(self, limit: int) -> Removal:
        """List what is due, with at most ``limit`` recordings. Raises Unavailable."""
        now = self._clock.now()
        found = Removal()
        if self._policy.events is not None:
            over = now - self._policy.events
            found.days = [self._day(day) for day in self._days.finished() if day.end <= over]
        if self._policy.recordings is not None:
            rows = self._recordings.completed_before(now - self._policy.recordings, limit)
            found.recordings = [Removed(sid, format_time(moment), size) for sid, moment, size in rows]
        return found

    def _day(self, day: StoredDay) -> Removed:
        try:
            events = count_lines(self._days.directory / day.name)
        except OSError as error:  # it goes all the same, and the event says what is known
            _log.warning("%s cannot be read: %s", day.name, error.strerror)
            events = 0
        return Removed(day.name, day.name[:10], day.stored, events)

    def run(self) -> list[Removal]:
        """Remove what is due, and complete what a crash left. Raises Unavailable."""
        with self._lock:
            state = self._load()
            self._note_time(state)
            done = [self._resumed(state)] if state.pending else []
            while not self._held(state, self._clock.now()):
                removal = self.due(BATCH)
                if not (removal.days or removal.recordings):
                    break
                removal.uid = str(uuid.uuid4())
                state.pending = removal
                self._save(state)
                self._complete(state, removal)
                done.append(removal)
            return [removal for removal in done if removal.days or removal.recordings]

    def _resumed(self, state: _State) -> Removal:
        """Complete what was under way, without days that are written again since the clock went back."""
        removal = state.pending or Removal()
        kept = {day.name for day in self._days.finished()}
        present = day_files(self._days.directory)
        removal.days = [part for part in removal.days if part.name in kept or part.name not in present]
        self._complete(state, removal)
        return removal

    def _complete(self, state: _State, removal: Removal) -> None:
        for part in removal.days:
            self._days.remove_finished(part.name)
        if removal.recordings:
            self._recordings.remove([part.name for part in removal.recordings])
        if removal.days or removal.recordings:
            self._days.append_own(removal.event())
        state.pending = None
        self._save(state)

    def _note_time(self, state: _State) -> None:
        now = self._clock.now()
        seen = _moment(state.seen)
        if seen is not None and timedelta(0) <= now - seen < NOTED:
            return
        if seen is not None and now - seen > JUMP:
            state.held_until = format_time(now + HELD)
            _log.warning(
                "%s have passed since retention last ran: nothing is removed before %s, in case that the "
                "clock is wrong",
                now - seen,
                state.held_until,
            )
        state.seen = format_time(now)
        self._save(state)

    def _held(self, state: _State, now: datetime) -> str:
        until = _moment(state.held_until)
        # A clock that was put right lies far before the end of that.
        if until is None or not until - HELD <= now < until:
            return ""
        return f"the clock went on by days at once: nothing is removed before {state.held_until}"

    def _load(self) -> _State:
        try:
            return from_json(self._path.read_bytes(), _State)
        except FileNotFoundError:
            return _State()

    def _save(self, state: _State) -> None:
        try:
            replace_file(self._path, to_json(state))
        except OSError as error:
            raise Unavailable(f"the state of retention cannot be written: {error.strerror}") from error


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
