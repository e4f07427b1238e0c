# SPDX-License-Identifier: Apache-2.0
"""The list of recordings: what the archive holds, with what its nodes said about each session.

It is made from the archive and from ``session.start``, ``session.end`` and ``session.loss`` in the audit log,
so it can be made again at any time; nothing else is kept in it.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from proctor.core.clock import parse_time
from proctor.core.errors import BadRequest, Corrupted, Unavailable
from proctor.model.serde import from_json, to_json
from proctor.recording.format import is_sid
from proctor.rpc._pb import record_pb2 as pb

ACTIVE, UPLOADING, COMPLETE = "active", "uploading", "complete"
"""The end of the session was not reported; it was, and bytes are still missing; all bytes are there."""

STATES = (ACTIVE, UPLOADING, COMPLETE)
INTERACTIVE, COMMAND = "interactive", "command"
KINDS = (INTERACTIVE, COMMAND)
EVENTS = ("session.start", "session.end", "session.loss")
FORMAT = 3
"""``PRAGMA user_version``; a table of another format is made again."""

_SCHEMA = """
CREATE TABLE recordings (
    sid TEXT NOT NULL, server_id TEXT NOT NULL, since TEXT NOT NULL DEFAULT '',
    complete INTEGER NOT NULL DEFAULT 0, moment INTEGER NOT NULL DEFAULT 0,
    started TEXT NOT NULL DEFAULT '', ended TEXT NOT NULL DEFAULT '', hostname TEXT NOT NULL DEFAULT '',
    login TEXT NOT NULL DEFAULT '', interactive INTEGER NOT NULL DEFAULT 0,
    enhanced INTEGER NOT NULL DEFAULT 0, participants TEXT NOT NULL DEFAULT '[]',
    truncated INTEGER NOT NULL DEFAULT 0, completed INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (sid, server_id)
) WITHOUT ROWID;
CREATE INDEX recordings_moment ON recordings (moment, sid) WHERE since <> '';
CREATE INDEX recordings_server ON recordings (server_id, moment) WHERE since <> '';
CREATE INDEX recordings_hostname ON recordings (hostname, moment) WHERE since <> '';
CREATE INDEX recordings_completed ON recordings (completed) WHERE complete;
CREATE TABLE people (
    name TEXT NOT NULL, sid TEXT NOT NULL, server_id TEXT NOT NULL, PRIMARY KEY (name, sid, server_id)
) WITHOUT ROWID;
CREATE TABLE position (log TEXT NOT NULL);
INSERT INTO position VALUES ('');
"""
# What a host says about a session is kept before its recording arrives, and if it never does: the row has no
# ``since`` then, and is not listed.

_CONDITIONS = {
    "from_time": "moment >= ?",
    "to_time": "moment <= ?",
    "user": "(sid, server_id) IN (SELECT sid, server_id FROM people WHERE name = ?)",
    "host": "? IN (server_id, hostname)",
    "kind": "interactive = ?",
    "sid": "sid = ?",
}
_STATE = {
    ACTIVE: "(NOT complete AND ended = '')",
    UPLOADING: "(NOT complete AND ended <> '')",
    COMPLETE: "complete",
}
_OVER = "(complete OR ended <> '')"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which recordings to list, newest first; an empty field matches everything.

    ``from_time`` and ``to_time`` bound the end of the session, or its beginning while there is no end, both
    included. ``host``: id or name of the server. ``states``: empty for every session that is over.
    """

    from_time: datetime | None = None
    to_time: datetime | None = None
    user: str = ""
    host: str = ""
    kind: str = ""
    sid: str = ""
    states: tuple[str, ...] = ()


class _SessionEvent(msgspec.Struct):
    """The fields of a session's events that the table uses; hosts may send anything."""

    event: str
    sid: str
    server_id: str
    time: str = ""
    user: str = ""
    login: str = ""
    server_hostname: str = ""
    size: str = ""
    participants: list[str] = []
    session_start: str = ""
    session_stop: str = ""
    interactive: bool = False
    enhanced_recording: bool = False


class RecordingTable:
    """The table in the file ``path``; one that cannot be used is made again. Methods block.

    They may be called from any thread, and raise Unavailable when the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            self._database = _opened(path)
        except sqlite3.DatabaseError as error:
            _log.warning("the list of recordings is made again: %s", error)
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            self._database = _opened(path)

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock, self._database:
                yield self._database
        except sqlite3.Error as error:
            raise Unavailable(f"the list of recordings cannot be used: {error}") from None

    def position(self) -> str:
        """Up to where the audit log is noted; empty at its beginning."""
        with self._using() as database:
            return str(database.execute("SELECT log FROM position").fetchone()["log"])

    def note(self, events: Iterable[bytes], position: str | None) -> None:
        """Note what events of the audit log say, up to ``position``; others than EVENTS are passed over.

        With None the position stays where it is.
        """
        with self._using() as database:
            for line in events:
                if event := _session_event(line):
                    _note(database, event)
            if position is not None:
                database.execute("UPDATE position SET log = ?", (position,))

    def archived(
        self,
        sid: str,
        server_id: str,
        since: str,
        *,
        complete: bool,
        completed: datetime | None = None,
        size: int = 0,
    ) -> None:
        """The archive holds a recording, begun at ``since``; ``complete``: all of it, ``size`` bytes."""
        over = int((completed or parse_time(since)).timestamp() * 1000) if complete else 0
        with self._using() as database:
            database.execute(
                "INSERT INTO recordings (sid, server_id, since, complete, moment, completed, bytes) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET since = excluded.since, complete = excluded.complete, "
                "moment = iif(moment, moment, excluded.moment), completed = excluded.completed, "
                "bytes = excluded.bytes",
                (sid, server_id, since, complete, _milliseconds(since), over, size),
            )

    def completed_before(self, moment: datetime, limit: int) -> list[str]:
        """Ids of at most ``limit`` recordings that were complete at ``moment``, the oldest first."""
        query = (
            "SELECT sid FROM recordings WHERE complete AND since <> '' AND completed <= ? "
            "ORDER BY completed LIMIT ?"
        )
        with self._using() as database:
            rows = database.execute(query, (int(moment.timestamp() * 1000), limit))
            return [row["sid"] for row in rows]

    def totals(self) -> tuple[int, int]:
        """Count the complete recordings of the archive, and their bytes."""
        query = "SELECT count(*), coalesce(sum(bytes), 0) FROM recordings WHERE complete AND since <> ''"
        with self._using() as database:
            count, size = database.execute(query).fetchone()
            return count, size

    def forget(self, sids: Sequence[str]) -> None:
        """These recordings were removed: nothing is kept of them."""
        with self._using() as database:
            for name in ("recordings", "people"):
                statement = f"DELETE FROM {name} WHERE sid = ?"  # noqa: S608 - a name from above
                database.executemany(statement, ((sid,) for sid in sids))

    def known(self) -> dict[str, bool]:
        """The recordings in the archive as far as is known, and whether they are complete."""
        with self._using() as database:
            rows = database.execute("SELECT sid, complete FROM recordings WHERE since <> ''")
            return {row["sid"]: bool(row["complete"]) for row in rows}

    def removed(self, sids: Iterable[str]) -> None:
        """The archive does not hold these any more."""
        with self._using() as database:
            database.executemany("UPDATE recordings SET since = '' WHERE sid = ?", ((sid,) for sid in sids))

    def page(self, wanted: Filter, limit: int, start_key: str = "") -> tuple[list[pb.RecordingInfo], str]:
        """At most ``limit`` recordings, newest first, and the key of the next page, empty at the end.

        Raises BadRequest for a malformed key, state or kind.
        """
        conditions, values = _where(wanted, start_key)
        query = (
            f"SELECT * FROM recordings WHERE {' AND '.join(conditions)} "  # noqa: S608 - constants from above
            "ORDER BY moment DESC, sid DESC LIMIT ?"
        )
        with self._using() as database:
            rows = database.execute(query, (*values, limit)).fetchall()
        key = f"{rows[-1]['moment']}/{rows[-1]['sid']}" if len(rows) == limit else ""
        return [_info(row) for row in rows], key

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._database.close()


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    database = sqlite3.connect(path, check_same_thread=False)
    database.row_factory = sqlite3.Row
    database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;")
    if not database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
    found = database.execute("PRAGMA user_version").fetchone()[0]
    checked = database.execute("PRAGMA quick_check (1)").fetchone()[0]
    if found != FORMAT or checked != "ok":
        database.close()
        raise sqlite3.DatabaseError(f"format {found}, {checked}")
    return database


def _session_event(line: bytes) -> _SessionEvent | None:
    try:
        event = from_json(line, _SessionEvent)
        ends = [event.session_stop or event.time, event.session_start]
        for moment in filter(None, ends):
            parse_time(moment)
    except (Corrupted, ValueError, OverflowError):
        return None
    return event if event.event in EVENTS and is_sid(event.sid) and event.server_id else None


def _note(database: sqlite3.Connection, event: _SessionEvent) -> None:
    if event.event == "session.loss":
        database.execute(
            "INSERT INTO recordings (sid, server_id, truncated) VALUES (?, ?, 1) "
            "ON CONFLICT DO UPDATE SET truncated = 1",
            (event.sid, event.server_id),
        )
    else:
        _note_session(database, event)


def _note_session(database: sqlite3.Connection, event: _SessionEvent) -> None:
    over = event.event == "session.end"
    people = event.participants or ([event.user] if event.user else [])
    started = event.session_start if over else event.time
    ended = (event.session_stop or event.time) if over else ""
    row = {
        "sid": event.sid,
        "server_id": event.server_id,
        "moment": _milliseconds(ended or started),
        "started": started,
        "ended": ended,
        "hostname": event.server_hostname,
        "login": event.login,
        "interactive": event.interactive if over else bool(event.size),
        "enhanced": event.enhanced_recording,
        "participants": to_json(people).decode(),
    }
    names = ", ".join(row)
    marks = ", ".join(f":{name}" for name in row)
    update = ", ".join(f"{name} = excluded.{name}" for name in row)
    # A session does not begin again after its end: events of a batch may come twice.
    query = (
        f"INSERT INTO recordings ({names}) VALUES ({marks}) "  # noqa: S608 - names from above
        f"ON CONFLICT DO UPDATE SET {update} WHERE :ended <> '' OR recordings.ended = ''"
    )
    if database.execute(query, row).rowcount:
        key = (event.sid, event.server_id)
        database.execute("DELETE FROM people WHERE sid = ? AND server_id = ?", key)
        database.executemany("INSERT OR IGNORE INTO people VALUES (?, ?, ?)", ((p, *key) for p in people))


def _where(wanted: Filter, start_key: str) -> tuple[list[str], list[Any]]:
    conditions, values = ["since <> ''"], []
    for name, condition in _CONDITIONS.items():
        if value := getattr(wanted, name):
            conditions.append(condition)
            values.append(_value(name, value))
    if unknown := set(wanted.states) - set(STATES):
        raise BadRequest(f"unknown state {min(unknown)[:64]!r}", hint=f"Known are {', '.join(STATES)}.")
    conditions.append(
        f"({' OR '.join(_STATE[state] for state in wanted.states)})" if wanted.states else _OVER
    )
    if start_key:
        moment, _, sid = start_key.partition("/")
        if not (moment.isascii() and moment.isdigit() and len(moment) < 19 and is_sid(sid)):
            raise BadRequest("start_key is not one that a list has returned")
        conditions.append("(moment, sid) < (?, ?)")
        values += [int(moment), sid]
    return conditions, values


def _value(name: str, value: Any) -> Any:
    if name == "kind":
        if value not in KINDS:
            raise BadRequest(f"unknown kind {value[:64]!r}", hint=f"Known are {', '.join(KINDS)}.")
        return value == INTERACTIVE
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else value


def _info(row: Mapping[str, Any]) -> pb.RecordingInfo:
    state = COMPLETE if row["complete"] else UPLOADING if row["ended"] else ACTIVE
    participants: Sequence[str] = from_json(row["participants"], list)
    return pb.RecordingInfo(
        sid=row["sid"],
        participants=participants,
        server_hostname=row["hostname"],
        server_id=row["server_id"],
        login=row["login"],
        started=row["started"] or row["since"],
        ended=row["ended"],
        interactive=bool(row["interactive"]),
        enhanced=bool(row["enhanced"]),
        live=state == ACTIVE,
        state=state,
        truncated=bool(row["truncated"]),
        size=row["bytes"],
    )


def _milliseconds(moment: str) -> int:
    return max(0, int(parse_time(moment).timestamp() * 1000)) if moment else 0
