"""Searching day files: one pass over lines, from either end, in bounded memory."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from proctor.audit.dayfiles import lines_backward, lines_forward
from proctor.audit.log import DEFAULT_LIMIT, MAX_LIMIT, Page, Query
from proctor.audit.progress import Span
from proctor.core.errors import BadRequest, Corrupted
from proctor.model.serde import from_json, to_json

PAGE_BYTES = 2 << 20
"""A page ends here even below its limit, so that it fits into one message."""

_KEY = re.compile(r"(\d{4}-\d\d-\d\d)/(\d{1,18})")
_log = logging.getLogger(__name__)


class Brief(msgspec.Struct, kw_only=True):
    """The fields of an event that searching looks at."""

    event: str
    uid: str
    time: datetime
    ei: int = 0
    sid: Any = ""
    user: Any = ""


@dataclass(frozen=True)
class Region:
    """A file up to ``size``, and the times of its events when they are known."""

    path: Path
    size: int
    span: Span | None

    @property
    def day(self) -> str:
        """The date in the file's name."""
        return self.path.name[:10]


def search(regions: Sequence[Region], query: Query) -> Page:
    """The page of ``query`` over ``regions``, which are given oldest first. Raises BadRequest."""
    limit = query.limit or DEFAULT_LIMIT
    if not 0 < limit <= MAX_LIMIT:
        raise BadRequest(f"limit must be between 1 and {MAX_LIMIT}")
    if query.start_key and not _KEY.fullmatch(query.start_key):
        raise BadRequest("start_key is not one that a search has returned")
    finder = Finder(query)
    found: list[tuple[Brief, bytes]] = []
    size, key = 0, ""
    for after, line in _lines(regions, query):
        if brief := finder.match(line):
            found.append((brief, line))
            size += len(line)
            if len(found) == limit or size >= PAGE_BYTES:
                key = after
                break
    finder.report()
    found.sort(key=lambda hit: (hit[0].time, hit[0].ei), reverse=not query.ascending)
    return Page([line for _, line in found], key)


def _lines(regions: Sequence[Region], query: Query) -> Iterator[tuple[str, bytes]]:
    """Lines in order, each with the key of what follows it."""
    start = _KEY.fullmatch(query.start_key)
    first_day, first_offset = (start[1], int(start[2])) if start else ("", 0)
    for region in regions if query.ascending else reversed(regions):
        if not _overlaps(region.span, query):
            continue
        resumed = region.day == first_day
        if query.ascending and region.day >= first_day:
            for offset, line in lines_forward(region.path, first_offset if resumed else 0, region.size):
                yield f"{region.day}/{offset + len(line) + 1}", line
        elif not query.ascending and (not first_day or region.day <= first_day):
            for offset, line in lines_backward(
                region.path, min(first_offset, region.size) if resumed else region.size
            ):
                yield f"{region.day}/{offset}", line


def _overlaps(span: Span | None, query: Query) -> bool:
    if span is None:
        return True
    too_old = query.from_time is not None and span.last < query.from_time
    too_new = query.to_time is not None and span.first > query.to_time
    return not (too_old or too_new)


class Finder:
    """Decides whether a line matches: substrings first, then the decoded fields."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._needles = [to_json(value)[1:-1] for value in (query.sid, query.user) if value]
        if query.text:
            self._needles.append(query.text.encode("utf-8", "replace"))
        self._types = [b'"event":' + to_json(name) for name in query.event_types]
        self._bad = 0

    def match(self, line: bytes) -> Brief | None:
        """The event's brief when it matches. Lines that are no events are counted and skipped."""
        if not all(needle in line for needle in self._needles):
            return None
        if self._types and not any(name in line for name in self._types):
            return None
        try:
            brief = from_json(line, Brief)
        except Corrupted:
            self._bad += 1
            return None
        return brief if self._fits(brief) else None

    def _fits(self, brief: Brief) -> bool:
        query = self._query
        return (
            (not query.event_types or brief.event in query.event_types)
            and (not query.sid or brief.sid == query.sid)
            and (not query.user or brief.user == query.user)
            and (query.from_time is None or brief.time >= query.from_time)
            and (query.to_time is None or brief.time <= query.to_time)
        )

    def report(self) -> None:
        """Log how many lines were skipped."""
        if self._bad:
            _log.warning("audit log: skipped %d lines that are not events", self._bad)
