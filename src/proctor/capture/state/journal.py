# SPDX-License-Identifier: Apache-2.0
"""Sessions, what of theirs the node has not acknowledged, and how far the records are: always in a file.

Changes are made durable together: ``commit`` takes all of them since the one before, or a process that is
killed has made none. The file is in memory (``place.Place``), so that nothing is ever synchronised.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from proctor.captureproto.capture_messages import LossAccounting
from proctor.core.errors import Unavailable
from proctor.model.network import NetworkPolicy
from proctor.model.serde import from_json, to_json

T = TypeVar("T")
_log = logging.getLogger(__name__)
RESERVE = 64 << 20
"""Bytes of the file system that messages leave free, for what must not fail."""

_SETTINGS = """
PRAGMA page_size = 16384;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = TRUNCATE;
PRAGMA synchronous = OFF;
PRAGMA temp_store = MEMORY;
"""
_LAST = (1 << 63) - 1
_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (number INTEGER PRIMARY KEY, saved BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
    number INTEGER NOT NULL, seq INTEGER NOT NULL, frame BLOB NOT NULL, PRIMARY KEY (number, seq)
);
"""


class Position(msgspec.Struct, frozen=True):
    """Progress from records to events: before ``offset`` of the block ``number``."""

    number: int = 0
    offset: int = 0


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts beside sessions. ``past``: the accounting of those that are over."""

    last_number: int = 0
    past: LossAccounting = LossAccounting()
    undecoded: int = 0


class NumberedPolicy(msgspec.Struct, frozen=True):
    """A network policy and the number under which the kernel knows it."""

    number: int
    policy: NetworkPolicy


class Policies(msgspec.Struct, frozen=True):
    """All that the kernel may know, and the last number given; numbers are never given twice."""

    known: list[NumberedPolicy] = []
    last: int = 0


class StoredMessage(NamedTuple):
    """A message that was not acknowledged."""

    seq: int
    frame: bytes


class StateJournal:
    """One process at a time, which ends when something cannot be written.

    The next process goes on from the last commit.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises Unavailable when another process has it open."""
        self._database = sqlite3.connect(path, isolation_level=None, timeout=0)
        try:
            self._database.executescript(_SETTINGS + "BEGIN EXCLUSIVE;" + _TABLES + "COMMIT;")
        except sqlite3.OperationalError as error:
            self._database.close()
            raise Unavailable(f"the state of capture cannot be opened at {path}: {error}") from None

        self._reserved_space = path if path.exists() else None

    def close(self) -> None:
        """Release the file; what was not committed was not done."""
        self._database.close()

    def commit(self) -> None:
        """Make all changes durable, together."""
        if self._database.in_transaction:
            self._execute("COMMIT")

    def has_space(self, size: int) -> bool:
        """Does a message of ``size`` bytes fit on the disk, beside what must always fit?"""
        if self._reserved_space is None:
            return True
        found = os.statvfs(self._reserved_space)
        return found.f_bavail * found.f_bsize > RESERVE + 2 * size

    def fact(self, kind: type[T]) -> T | None:
        """The one value of this kind. Raises Corrupted."""
        query = "SELECT value FROM facts WHERE name = ?"
        found = self._database.execute(query, (kind.__name__,)).fetchone()
        return None if found is None else from_json(found[0], kind)

    def set_fact(self, value: object) -> None:
        """Replace the one value of its kind."""
        self._change("REPLACE INTO facts VALUES (?, ?)", (type(value).__name__, to_json(value)))

    def remove_fact(self, kind: type[object]) -> None:
        """There is no value of this kind."""
        self._change("DELETE FROM facts WHERE name = ?", (kind.__name__,))

    def save_session(self, number: int, saved: bytes) -> None:
        """Replace what is known of a session beside its messages."""
        self._change("REPLACE INTO sessions VALUES (?, ?)", (number, saved))

    def remove_session(self, number: int) -> None:
        """Forget a session and its messages."""
        self._change("DELETE FROM sessions WHERE number = ?", (number,))
        self.acknowledge(number, _LAST)

    def sessions(self) -> Iterator[bytes]:
        """Load what ``save_session`` has saved, in the order of the numbers."""
        for (saved,) in self._database.execute("SELECT saved FROM sessions ORDER BY number"):
            yield saved

    def add_message(self, number: int, message: StoredMessage) -> None:
        """A message of a session, which waits for its acknowledgement."""
        self._change("INSERT INTO messages VALUES (?, ?, ?)", (number, *message))

    def acknowledge(self, number: int, seq: int) -> None:
        """Forget messages of a session up to ``seq``."""
        self._change("DELETE FROM messages WHERE number = ? AND seq <= ?", (number, seq))

    def messages(self, number: int) -> Iterator[StoredMessage]:
        """Messages of a session that were not acknowledged, in order."""
        query = "SELECT seq, frame FROM messages WHERE number = ? ORDER BY seq"
        yield from (StoredMessage(*found) for found in self._database.execute(query, (number,)))

    def clear(self) -> None:
        """Forget everything."""
        for table in ("facts", "sessions", "messages"):
            self._change(f"DELETE FROM {table}", ())  # noqa: S608 - constant names

    def _change(self, statement: str, values: tuple[object, ...]) -> None:
        if not self._database.in_transaction:
            self._execute("BEGIN")
        self._execute(statement, values)

    def _execute(self, statement: str, values: tuple[object, ...] = ()) -> None:
        try:
            self._database.execute(statement, values)
        except sqlite3.Error as error:
            _log.critical("the state of capture cannot be written: %s", error)
            os._exit(os.EX_IOERR)
