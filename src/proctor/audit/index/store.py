# SPDX-License-Identifier: Apache-2.0
"""The file of the index: segments of day files, terms, and which events of a segment have a term.

A *segment* is a range of whole lines of one day file. A *term* is a piece of an event
(``index.text``) or the value of a field. Everything here can be made again from the day files, so nothing is
written durably, and a damaged file is thrown away.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from proctor.audit.index import bits
from proctor.audit.index.conditions import FIELD

FORMAT = 2
"""``PRAGMA user_version``; an index of another format is made again."""

ANY = -1
"""All kinds of events."""

STEPS = 20_000
"""Instructions of SQLite's machine (some milliseconds) between two looks at the budget."""

PURGED_AT_ONCE = 5000
"""Terms forgotten in one transaction."""

_SCHEMA = """
CREATE TABLE segments (
    id INTEGER PRIMARY KEY, file TEXT NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL,
    lines INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, sorted INTEGER NOT NULL,
    check_sum BLOB NOT NULL, first_term INTEGER NOT NULL, offsets BLOB NOT NULL, times BLOB NOT NULL
);
CREATE UNIQUE INDEX segments_place ON segments (file, start);
CREATE TABLE terms (
    id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, segment INTEGER NOT NULL, recurs INTEGER NOT NULL,
    kinds INTEGER NOT NULL, text TEXT NOT NULL
);
CREATE TABLE kinds (event TEXT PRIMARY KEY, bit INTEGER NOT NULL);
CREATE INDEX terms_hash ON terms (hash);
CREATE TABLE postings (
    segment INTEGER NOT NULL, term INTEGER NOT NULL, events BLOB NOT NULL, PRIMARY KEY (segment, term)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE pieces USING fts5 (
    text, content = 'terms', content_rowid = 'id', tokenize = 'trigram case_sensitive 1', detail = none,
    columnsize = 0
);
"""
# postings lie in order of segments: a segment is added at the end and removed as a whole, whatever its terms.


class Segment(NamedTuple):
    """A range of a day file; times in milliseconds since 1970."""

    id: int
    file: str
    start: int
    size: int
    lines: int
    first: int
    last: int
    sorted: bool

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.start + self.size


@dataclass(frozen=True)
class Term:
    """``segment``: the only one with this term, unless it ``recurs`` in later ones.

    ``kinds``: bits of the types of events that have it, ANY when not all are known.
    """

    id: int
    segment: int
    recurs: bool
    kinds: int


_COLUMNS = "id, file, start, size, lines, first, last, sorted"


class Damaged(Exception):
    """The index cannot be used and should be made again."""


class Index:
    """An open index. Methods raise ``sqlite3.Error`` when the file is damaged or the work interrupted."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database

    @classmethod
    def reader(cls, path: Path) -> Index | None:
        """The index for reading; None when there is none. Raises Damaged."""
        if not path.exists():
            return None
        try:
            database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
            index = cls(database)
            if index._is_empty():  # it is being made
                index.close()
                return None
            index._check()
        except sqlite3.Error as error:
            raise Damaged(str(error)) from None
        return index

    @classmethod
    def writer(cls, path: Path) -> Index:
        """The index for writing, made when absent. Raises Damaged."""
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        try:
            database = sqlite3.connect(path, isolation_level=None)
            database.executescript(
                "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
                "PRAGMA cache_size = -32000; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = OFF;"
            )
            index = cls(database)
            if index._is_empty():
                database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
            index._check()
        except sqlite3.Error as error:
            raise Damaged(str(error)) from None
        return index

    def _is_empty(self) -> bool:
        return not self.database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]

    def _check(self) -> None:
        (version,) = self.database.execute("PRAGMA user_version").fetchone()
        if version != FORMAT:
            raise Damaged(f"format {version}")
        self.database.execute("SELECT max(id) FROM segments").fetchone()

    def check(self) -> None:
        """Look at every page. Raises Damaged."""
        try:
            (found,) = self.database.execute("PRAGMA quick_check (1)").fetchone()
        except sqlite3.Error as error:
            raise Damaged(str(error)) from None
        if found != "ok":
            raise Damaged(str(found))

    def interruptible(self, stop: Callable[[], bool]) -> None:
        """Ask ``stop`` now and then; when true, statements end with ``sqlite3.OperationalError``."""
        self.database.set_progress_handler(lambda: int(stop()), STEPS)

    def segments(self) -> list[Segment]:
        """All segments by day and offset."""
        rows = self.database.execute(f"SELECT {_COLUMNS} FROM segments ORDER BY file, start")  # noqa: S608
        return [Segment(*row) for row in rows]

    def offsets(self, segment: Segment) -> memoryview:
        """Return the offsets of lines, relative to the segment; 32-bit numbers."""
        return self._numbers("offsets", segment)

    def times(self, segment: Segment) -> memoryview:
        """When each event happened, in milliseconds after the segment's first; 32-bit numbers."""
        return self._numbers("times", segment)

    def _numbers(self, column: str, segment: Segment) -> memoryview:
        query = f"SELECT {column} FROM segments WHERE id = ?"  # noqa: S608 - a name from above
        (blob,) = self.database.execute(query, (segment.id,)).fetchone()
        return memoryview(blob).cast("I")

    def term(self, text: str) -> Term | None:
        """The term ``text``, if any event has it."""
        rows = self.database.execute(
            "SELECT id, segment, recurs, kinds, text FROM terms WHERE hash = ?", (hash_of(text),)
        )
        for number, segment, recurs, kinds, found in rows:
            if found == text:
                return Term(number, segment, bool(recurs), kinds)
        return None

    def kinds(self) -> dict[str, int]:
        """The bits of types of events; types after the first 62 have none."""
        return dict(self.database.execute("SELECT event, bit FROM kinds").fetchall())

    def containing(self, piece: str, limit: int, kinds: int = ANY) -> list[Term]:
        """At most ``limit`` terms that contain ``piece``, and that events of one of ``kinds`` have."""
        if len(piece) < TRIGRAM:
            query = (
                "SELECT id, segment, recurs, kinds FROM terms "
                "WHERE instr(text, ?1) AND NOT instr(text, ?4) AND kinds & ?3 LIMIT ?2"
            )
            rows = self.database.execute(query, (piece, limit, kinds, FIELD))
        else:
            escaped = "".join(f"[{c}]" if c in "*?[" else c for c in piece)
            query = (
                "SELECT id, segment, recurs, kinds FROM terms "
                "WHERE id IN (SELECT rowid FROM pieces WHERE text GLOB ?1) AND kinds & ?3 LIMIT ?2"
            )
            rows = self.database.execute(query, (f"*{escaped}*", limit, kinds))
        return [Term(number, segment, bool(recurs), kinds) for number, segment, recurs, kinds in rows]

    def events(self, segment: Segment, term: int) -> int:
        """The set of events of ``segment`` with a term, as ``index.bits`` has it. Raises Damaged."""
        query = "SELECT events FROM postings WHERE segment = ? AND term = ?"
        row = self.database.execute(query, (segment.id, term)).fetchone()
        try:
            return bits.decode(row[0], segment.lines) if row else 0
        except ValueError as error:
            raise Damaged(f"segment {segment.id}: {error}") from None

    def drop(self, segment: Segment) -> None:
        """Forget a segment, and the terms that only it has."""
        database = self.database
        (low,) = database.execute("SELECT first_term FROM segments WHERE id = ?", (segment.id,)).fetchone()
        query = "SELECT coalesce(min(first_term), ?) FROM segments WHERE first_term > ?"
        (high,) = database.execute(query, (1 << 62, low)).fetchone()
        only = (low, high, segment.id)
        query = "FROM terms WHERE id BETWEEN ? AND ? AND segment = ? AND NOT recurs"
        with transaction(database):
            rows = database.execute(f"SELECT id, text {query}", only).fetchall()
            gone = [(number, text) for number, text in rows if is_piece(text)]
            database.executemany("INSERT INTO pieces (pieces, rowid, text) VALUES ('delete', ?, ?)", gone)
            database.execute(f"DELETE {query}", only)
            database.execute("DELETE FROM postings WHERE segment = ?", (segment.id,))
            database.execute("DELETE FROM segments WHERE id = ?", (segment.id,))

    def purge(self) -> None:
        """Forget terms that no event has any more: of segments that were dropped, those that recurred."""
        database = self.database
        (last,) = database.execute("SELECT coalesce(max(id), 0) FROM terms").fetchone()
        used = bytearray(last + 1)
        for (term,) in database.execute("SELECT term FROM postings"):
            used[term] = 1
        unused = [row for row in database.execute("SELECT id FROM terms") if not used[row[0]]]
        for first in range(0, len(unused), PURGED_AT_ONCE):
            self._forget_terms(unused[first : first + PURGED_AT_ONCE])

    def _forget_terms(self, ids: list[tuple[int]]) -> None:
        query = "SELECT id, text FROM terms WHERE id = ?"
        rows = [self.database.execute(query, term).fetchone() for term in ids]
        gone = [(number, text) for number, text in rows if is_piece(text)]
        with transaction(self.database):
            self.database.executemany(
                "INSERT INTO pieces (pieces, rowid, text) VALUES ('delete', ?, ?)", gone
            )
            self.database.executemany("DELETE FROM terms WHERE id = ?", ids)

    def close(self) -> None:
        """Release the file."""
        self.database.close()


TRIGRAM = 3


class transaction:  # noqa: N801 - used as a statement
    """Everything inside, or nothing."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, _error: object, _trace: object) -> None:
        self._database.execute("COMMIT" if kind is None else "ROLLBACK")


def is_piece(text: str) -> bool:
    """Is a term a piece, and not the value of a field?"""
    return not text.startswith(FIELD)


def hash_of(text: str) -> int:
    """64 bits that stand for a term in its table's own index."""
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def remove(path: Path) -> None:
    """Delete an index."""
    for name in files(path):
        with suppress(FileNotFoundError):
            name.unlink()


def files(path: Path) -> Iterator[Path]:
    """The files that an index consists of."""
    yield path
    yield path.with_name(f"{path.name}-wal")
    yield path.with_name(f"{path.name}-shm")
