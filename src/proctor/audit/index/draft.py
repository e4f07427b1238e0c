# SPDX-License-Identifier: Apache-2.0
"""A segment of the index in memory, while its lines are read."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache

from proctor.audit.brief import EventHead, brief_of
from proctor.audit.index.bits import Runs, merged
from proctor.audit.index.conditions import field_term, pieces, uid_terms, uids, windows
from proctor.core.errors import Corrupted

SEGMENT_LINES = 1 << 16
SEGMENT_BYTES = 64 << 20


@dataclass
class Draft:
    """A segment being made; times are in milliseconds since 1970, 0 for what is no event.

    ``kinds``: the type of each event. ``runs``: see ``bits.Runs``.
    """

    start: int
    size: int = 0
    offsets: array[int] = field(default_factory=lambda: array("I"))
    times: list[int] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    runs: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    current: set[str] = field(default_factory=set)

    def add(self, line: bytes) -> None:
        """Take in the next line."""
        number = len(self.offsets)
        self.offsets.append(self.size)
        self.size += len(line) + 1
        try:
            brief = brief_of(line)
        except Corrupted:
            self.times.append(0)
            self.kinds.append("")
            self._note(set(), number)
            return
        self.times.append(int(brief.time.timestamp() * 1000))
        self.kinds.append(brief.event)
        found = pieces(line)
        found.update(_fields(brief))
        for uid in uids(line):
            found.update(uid_terms(uid))
        self._note(found, number)

    def _note(self, found: set[str], number: int) -> None:
        """Note where terms begin and end to be in each event: from one to the next, few change."""
        for term in found - self.current:
            self.runs[term].append(number)
        for term in self.current - found:
            self.runs[term].append(number)
        self.current = found

    def terms(self) -> dict[str, Runs]:
        """Each term with the events that have it."""
        self._note(set(), len(self.offsets))
        found: dict[str, Runs] = {}
        for piece, runs in self.runs.items():
            for window in windows(piece):
                # Windows of different pieces can be the same.
                found[window] = merged(found[window], runs) if window in found else runs
        return found

    @property
    def full(self) -> bool:
        """Is it as large as it may be?"""
        return len(self.offsets) == SEGMENT_LINES or self.size >= SEGMENT_BYTES


def _fields(brief: EventHead) -> tuple[str, ...]:
    return _terms_of_fields(
        brief.event, *map(str, (brief.sid, brief.user, brief.server_id, brief.server_hostname))
    )


@lru_cache(maxsize=4096)
def _terms_of_fields(event: str, sid: str, user: str, *hosts: str) -> tuple[str, ...]:
    found = {field_term("event", event), field_term("sid", sid), field_term("user", user)}
    return (*found, *{field_term("host", host) for host in hosts})
