# SPDX-License-Identifier: Apache-2.0
"""Making the index from the day files, and keeping up with them."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import zlib
from array import array
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import reduce
from operator import or_
from pathlib import Path

from proctor.audit.dayfiles import lines_forward, open_day
from proctor.audit.index import bits
from proctor.audit.index.draft import Draft
from proctor.audit.index.store import (
    ANY,
    Damaged,
    Index,
    Segment,
    Term,
    hash_of,
    is_piece,
    remove,
    transaction,
)

SMALLEST = 8192
"""Lines of a segment of the current day; fewer are searched without an index until the day is over."""

LONGEST_SPAN = 0xFFFF_FFFF
"""Milliseconds between the first event of a segment and others; the same stands for what is longer."""

KNOWN_TERMS = 500_000
"""Terms remembered, about 150 bytes each."""

MOST_KINDS = 62
"""Types of events that have a bit of their own."""

RARE = 16
"""A term is looked at event by event when it is in one of so many, or fewer."""

SPARED_BYTES = 256 << 20
"""Bytes of the disk that the index leaves free for data that cannot be rebuilt."""

_CHECKED = 256
_log = logging.getLogger(__name__)


class Indexer:
    """Writes the index ``path`` of the day files in ``directory``; one at a time.

    ``extents`` (name to size, oldest first) says what is stored: what lies behind is not read. ``smallest``:
    lines of a segment of the last of them, unless it is full.
    """

    def __init__(self, path: Path, directory: Path, *, smallest: int = SMALLEST) -> None:
        self._path = path
        self._smallest = smallest
        self._directory = directory
        self._index = self._open()
        self._known: dict[str, Term] = {}

    def _open(self) -> Index:
        try:
            index = Index.writer(self._path)
            index.check()
            return index
        except Damaged as error:
            _log.warning("the index of the audit log is made again: %s", error)
            remove(self._path)
            return Index.writer(self._path)

    def rebuild(self) -> None:
        """Begin from nothing."""
        self._index.close()
        remove(self._path)
        self._index = self._open()
        self._known = {}

    def verify(self, extents: dict[str, int]) -> None:
        """Forget segments that the day files do not have any more, or not as they were."""
        broken: set[str] = set()
        for segment in self._index.segments():
            if segment.file in broken or not self._is_intact(segment, extents):
                broken.add(segment.file)
                self._index.drop(segment)
                self._known = {}
        if broken:
            self._index.purge()

    def _is_intact(self, segment: Segment, extents: dict[str, int]) -> bool:
        if segment.end > extents.get(segment.file, 0):
            return False
        query = "SELECT check_sum FROM segments WHERE id = ?"
        (stored,) = self._index.database.execute(query, (segment.id,)).fetchone()
        with suppress(OSError):
            return bool(stored == check_sum(self._directory / segment.file, segment.end))
        return False

    def step(self, extents: dict[str, int]) -> bool:
        """Index one more segment; False when there is none to index yet, or the disk is almost full.

        Raises sqlite3.Error when the disk is full or the index damaged.
        """
        if shutil.disk_usage(self._path.parent).free < SPARED_BYTES:
            return False
        for name, start in self._unindexed(extents):
            is_current = name == next(reversed(extents))
            draft = self._draft(name, start, extents[name])
            if draft.offsets and (draft.full or not is_current or len(draft.offsets) >= self._smallest):
                with suppress(FileNotFoundError):  # retention was quicker
                    self._store(name, draft)
                    return True
        return False

    def ends(self) -> dict[str, int]:
        """Up to where each file is indexed."""
        query = "SELECT file, max(start + size) FROM segments GROUP BY file"
        return dict(self._index.database.execute(query).fetchall())

    def files(self) -> set[str]:
        """Files of which something is indexed."""
        return set(self.ends())

    def _unindexed(self, extents: dict[str, int]) -> Iterator[tuple[str, int]]:
        """Files that are not indexed to their ends, the newest first: it is what people look for."""
        ends = self.ends()
        for name in reversed(extents):
            if ends.get(name, 0) < extents[name]:
                yield name, ends.get(name, 0)

    def _draft(self, name: str, start: int, end: int) -> Draft:
        draft = Draft(start)
        with suppress(FileNotFoundError):
            for _, line in lines_forward(self._directory / name, start, end):
                draft.add(line)
                if draft.full:
                    break
        return draft

    def _store(self, name: str, draft: Draft) -> None:
        try:
            with transaction(self._index.database):
                self._insert(name, draft)
        except BaseException:
            self._known = {}  # some of these are not stored
            raise

    def _insert(self, name: str, draft: Draft) -> None:
        database, total = self._index.database, len(draft.offsets)
        happened = [moment for moment in draft.times if moment]
        first, last = (min(happened), max(happened)) if happened else (0, 0)
        times = array("I", (min(max(moment - first, 0), LONGEST_SPAN) for moment in draft.times))
        check = check_sum(self._directory / name, draft.start + draft.size)
        (number,) = database.execute("SELECT coalesce(max(id), 0) + 1 FROM segments").fetchone()
        (term,) = database.execute("SELECT coalesce(max(id), 0) + 1 FROM terms").fetchone()
        row = (number, name, draft.start, draft.size, total, first, last, happened == sorted(draft.times))
        database.execute(
            "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, check, term, draft.offsets.tobytes(), times.tobytes()),
        )
        runs = draft.terms()
        kinds = self._kinds(draft, runs)
        numbered = sorted(self._numbered(kinds, number, term))
        rows = [(number, key, bits.encode(runs[text], total)) for key, text in numbered]
        database.executemany("INSERT INTO postings VALUES (?, ?, ?)", rows)

    def _kinds(self, draft: Draft, terms: Mapping[str, bits.Runs]) -> dict[str, int]:
        """The bits of the types of events that have each term; ANY for terms that many events have."""
        known = self._index.kinds()
        for event in sorted(set(draft.kinds) - known.keys() - {""}):
            if len(known) < MOST_KINDS:
                known[event] = 1 << len(known)
                self._index.database.execute("INSERT INTO kinds VALUES (?, ?)", (event, known[event]))
        of_events = [known.get(event, ANY) for event in draft.kinds]
        limit = len(draft.kinds) // RARE
        found = {}
        for text, runs in terms.items():
            events = bits.sparse(runs, limit)
            found[text] = ANY if events is None else reduce(or_, map(of_events.__getitem__, events))
        return found

    def _numbered(self, kinds: Mapping[str, int], segment: int, following: int) -> list[tuple[int, str]]:
        """The terms of a segment with their numbers; those that are new are stored."""
        numbered, fresh, changed = [], [], []
        known = self._known if len(self._known) < KNOWN_TERMS else {}
        for text, seen in kinds.items():
            term = known.get(text) or self._index.term(text)
            if term is None:
                term = Term(following, segment, recurs=False, kinds=seen)
                fresh.append((following, hash_of(text), segment, 0, seen, text))
                following += 1
            elif not term.recurs or term.kinds | seen != term.kinds:
                term = Term(term.id, term.segment, recurs=True, kinds=term.kinds | seen)
                changed.append((term.kinds, term.id))
            known[text] = term
            numbered.append((term.id, text))
        database = self._index.database
        database.executemany("INSERT INTO terms VALUES (?, ?, ?, ?, ?, ?)", fresh)
        database.executemany("UPDATE terms SET recurs = 1, kinds = ? WHERE id = ?", changed)
        found = [(row[0], row[-1]) for row in fresh if is_piece(row[-1])]
        database.executemany("INSERT INTO pieces (rowid, text) VALUES (?, ?)", found)
        self._known = known
        return numbered

    def close(self) -> None:
        """Release the index."""
        with suppress(sqlite3.Error):
            self._index.close()


def check_sum(path: Path, end: int) -> bytes:
    """Of the last bytes before ``end``, by which a segment recognises its file. Raises OSError."""
    with open_day(path) as day:
        return zlib.crc32(day.read(min(end, _CHECKED), max(0, end - _CHECKED))).to_bytes(4, "big")
