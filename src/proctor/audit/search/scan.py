# SPDX-License-Identifier: Apache-2.0
"""Searching day files in order of storage, from either end, in bounded memory and time.

Ranges that the index knows contribute the lines that may match, all others each line; what matches is decided
by the lines alone, so an index changes how long a search takes and nothing else.
"""

from __future__ import annotations

import logging
import re
import sqlite3
from bisect import bisect_left
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from proctor.audit.brief import EventHead, brief_of
from proctor.audit.dayfiles import lines_backward, lines_forward, open_day
from proctor.audit.index import bits
from proctor.audit.index.conditions import Text, json_text
from proctor.audit.index.query_plan import IndexPlan
from proctor.audit.index.store import Damaged, Index, Segment
from proctor.audit.log import DEFAULT_LIMIT, MAX_LIMIT, Page, Query
from proctor.audit.progress import Span
from proctor.audit.search.deadline import Budget, OutOfTime
from proctor.core.errors import BadRequest, Corrupted

PAGE_BYTES = 2 << 20
"""A page ends here even below its limit, so that it fits into one message."""

LINES_BETWEEN_CHECKS = 256
_KEY = re.compile(r"(\d{4}-\d\d-\d\d)/(\d{1,18})")
_log = logging.getLogger(__name__)

Found = tuple[str, bytes | None]
"""Where the search goes on afterwards, and a line unless that is all."""


@dataclass(frozen=True)
class LogSlice:
    """A file up to ``size``, and the times of its events when they are known."""

    path: Path
    size: int
    span: Span | None

    @property
    def day(self) -> str:
        """The date in the file's name."""
        return self.path.name[:10]


def search(
    regions: Sequence[LogSlice], query: Query, index: Index | None = None, budget: Budget | None = None
) -> Page:
    """The page of ``query`` over ``regions``, which are given oldest first.

    Raises BadRequest, Cancelled, and Damaged when ``index`` cannot be used.
    """
    check(query)
    budget = budget or Budget()
    finder = LineMatcher(query)
    found: list[tuple[EventHead, bytes]] = []
    size, key, incomplete = 0, query.start_key, False
    limit = query.limit or DEFAULT_LIMIT
    try:
        with closing(_Lines(regions, query, index, budget).found()) as lines:
            for position, line in lines:
                key = position
                if line is not None and (brief := finder.match(line)):
                    found.append((brief, line))
                    size += len(line)
                    if len(found) == limit or size >= PAGE_BYTES:
                        break
            else:
                key = ""
    except OutOfTime:
        incomplete = True
    finder.report()
    found.sort(key=lambda hit: (hit[0].time, hit[0].ei), reverse=not query.ascending)
    return Page([line for _, line in found], key, incomplete)


def check(query: Query) -> None:
    """Raises BadRequest for a limit or a key that cannot be."""
    if not 0 < (query.limit or DEFAULT_LIMIT) <= MAX_LIMIT:
        raise BadRequest(f"limit must be between 1 and {MAX_LIMIT}")
    if query.start_key and not _KEY.fullmatch(query.start_key):
        raise BadRequest("start_key is not one that a search has returned")


class _Lines:
    """The lines of one search in order."""

    def __init__(
        self, regions: Sequence[LogSlice], query: Query, index: Index | None, budget: Budget
    ) -> None:
        self._regions = regions
        self._query = query
        self._budget = budget
        self._index = index
        self._plan: IndexPlan | None = None
        self._segments: dict[str, list[Segment]] = {}

    def found(self) -> Generator[Found, None, None]:
        """Each line with where the search goes on after it. Raises OutOfTime, Cancelled, Damaged."""
        try:
            if self._index is not None:
                self._index.interruptible(lambda: self._budget.spent)
                for segment in self._index.segments():
                    self._segments.setdefault(segment.file, []).append(segment)
                self._plan = IndexPlan(self._index, self._query, self._budget)
            for region, start, end in self._wanted():
                yield from self._of_region(region, start, end)
        except sqlite3.Error as error:
            self._budget.check()
            raise Damaged(str(error)) from None

    def _wanted(self) -> Iterator[tuple[LogSlice, int, int]]:
        """The part of each region that is to be searched."""
        key, ascending = _KEY.fullmatch(self._query.start_key), self._query.ascending
        first_day, first_offset = (key[1], int(key[2])) if key else ("", 0)
        for region in self._regions if ascending else reversed(self._regions):
            if not _overlaps(region.span, self._query):
                continue
            offset = first_offset if region.day == first_day else None
            if ascending and region.day >= first_day:
                yield region, offset or 0, region.size
            elif not ascending and (not first_day or region.day <= first_day):
                yield region, 0, region.size if offset is None else min(offset, region.size)

    def _of_region(self, region: LogSlice, start: int, end: int) -> Iterator[Found]:
        known = self._known(region)
        covered = known[-1].end if known else 0
        try:
            if not self._query.ascending:
                yield from self._scanned(region, max(start, covered), end)
            for segment in known if self._query.ascending else reversed(known):
                if self._plan is not None and segment.start < end and start < segment.end:
                    yield from self._of_segment(self._plan, region, segment, start, end)
            if self._query.ascending:
                yield from self._scanned(region, max(start, covered), end)
        except FileNotFoundError:
            _log.info("%s was removed while it was searched", region.path.name)

    def _known(self, region: LogSlice) -> list[Segment]:
        """Segments that cover the region from its beginning on."""
        known: list[Segment] = []
        end = 0
        for segment in self._segments.get(region.path.name, ()):
            if segment.start != end or segment.end > region.size:
                break
            known.append(segment)
            end = segment.end
        return known

    def _scanned(self, region: LogSlice, start: int, end: int) -> Iterator[Found]:
        if start >= end:
            return
        lines = lines_forward if self._query.ascending else lines_backward
        for number, (offset, line) in enumerate(lines(region.path, start, end), 1):
            yield self._key(region, offset, line), line
            if number % LINES_BETWEEN_CHECKS == 0:
                self._budget.check()

    def _key(self, region: LogSlice, offset: int, line: bytes) -> str:
        return f"{region.day}/{offset + len(line) + 1 if self._query.ascending else offset}"

    def _of_segment(
        self, plan: IndexPlan, region: LogSlice, segment: Segment, start: int, end: int
    ) -> Iterator[Found]:
        self._budget.check()
        if events := plan.events(segment):
            offsets = plan.offsets(segment)
            low, high = (bisect_left(offsets, limit - segment.start) for limit in (start, end))
            events &= bits.everything(high) & ~bits.everything(low)
            yield from self._picked(region, segment, offsets, events)
        yield f"{region.day}/{segment.end if self._query.ascending else segment.start}", None

    def _picked(
        self, region: LogSlice, segment: Segment, offsets: Sequence[int], events: int
    ) -> Iterator[Found]:
        with open_day(region.path) as day:
            picked = bits.members(events, ascending=self._query.ascending)
            for count, number in enumerate(picked, 1):
                following = offsets[number + 1] if number + 1 < segment.lines else segment.size
                offset = offsets[number]
                line = day.read(following - offset - 1, segment.start + offset)
                yield self._key(region, segment.start + offset, line), line
                if count % LINES_BETWEEN_CHECKS == 0:
                    self._budget.check()


def _overlaps(span: Span | None, query: Query) -> bool:
    if span is None:
        return True
    too_old = query.from_time is not None and span.last < query.from_time
    too_new = query.to_time is not None and span.first > query.to_time
    return not (too_old or too_new)


class LineMatcher:
    """Decides whether a line matches: substrings first, then the decoded fields."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._needles = [json_text(value) for value in (query.sid, query.user, query.host) if value]
        self._text = Text(query.text) if query.text else None
        self._types = [b'"event":"%s"' % json_text(name) for name in query.event_types]
        self._bad = 0

    def match(self, line: bytes) -> EventHead | None:
        """The event's brief when it matches. Lines that are no events are counted and skipped."""
        if self._text and not self._text.found_in(line):
            return None
        if not all(needle in line for needle in self._needles):
            return None
        if self._types and not any(name in line for name in self._types):
            return None
        try:
            brief = brief_of(line)
        except Corrupted:
            self._bad += 1
            return None
        return brief if self._fits(brief) else None

    def _fits(self, brief: EventHead) -> bool:
        query = self._query
        return (
            (not query.event_types or brief.event in query.event_types)
            and (not query.sid or brief.sid == query.sid)
            and (not query.user or brief.user == query.user)
            and (not query.host or query.host in (brief.server_id, brief.server_hostname))
            and (query.from_time is None or brief.time >= query.from_time)
            and (query.to_time is None or brief.time <= query.to_time)
        )

    def report(self) -> None:
        """Log how many lines were skipped."""
        if self._bad:
            _log.warning("audit log: skipped %d lines that are not events", self._bad)
