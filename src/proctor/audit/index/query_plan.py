# SPDX-License-Identifier: Apache-2.0
"""From a query to the events of each segment that may match; what remains is decided by their lines."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import reduce
from operator import or_

from proctor.audit.index import bits
from proctor.audit.index.conditions import TextCondition, field_term, parts, uid_terms
from proctor.audit.index.indexer import LONGEST_SPAN
from proctor.audit.index.store import ANY, Index, Segment, Term
from proctor.audit.log import Query
from proctor.audit.search.deadline import Budget

MOST_TERMS = 500
"""Terms of one condition that are looked up in every segment; beyond, the condition is left to the lines."""

MOST_FOUND = 50_000
"""Terms with a text that are looked at; most of them have been seen in one segment only."""


class Condition:
    """An event has one of ``terms``, or all of ``together``."""

    def __init__(self, terms: Iterable[Term], together: Iterable[Term] = ()) -> None:
        self._recurring: list[int] = []
        self._single: defaultdict[int, list[int]] = defaultdict(list)
        for term in terms:
            if term.recurs:
                self._recurring.append(term.id)
            else:
                self._single[term.segment].append(term.id)
        self._together = [term.id for term in together]

    @property
    def cost(self) -> int:
        """Number of terms to look up in each segment."""
        return len(self._recurring) + len(self._together)

    def events(self, index: Index, segment: Segment) -> int:
        """Those of ``segment`` that meet it."""
        found = 0
        for term in (*self._recurring, *self._single.get(segment.id, ())):
            found |= index.events(segment, term)
        if self._together:
            all_of_them = bits.everything(segment.lines)
            for term in self._together:
                all_of_them &= index.events(segment, term)
            found |= all_of_them
        return found


class IndexPlan:
    """Plan a query by the index. Raises sqlite3.Error or Damaged when the index is damaged."""

    def __init__(self, index: Index, query: Query, budget: Budget) -> None:
        self._index = index
        self._first = _milliseconds(query.from_time, -1)
        self._last = _milliseconds(query.to_time, 1)
        self._budget = budget
        self._kinds = self._bits(query.event_types)
        conditions = [*self._fields(query), *(self._part(part) for part in parts(query.text))]
        self._conditions = sorted((c for c in conditions if c is not None), key=lambda c: c.cost)

    def _bits(self, types: Iterable[str]) -> int:
        """Of the types of events that are looked for."""
        known = self._index.kinds()
        bits_of = [known.get(name, ANY) for name in types]
        return reduce(or_, bits_of) if bits_of else ANY

    def _fields(self, query: Query) -> Iterator[Condition]:
        wanted = {"event": query.event_types}
        wanted |= {name: (getattr(query, name),) for name in ("sid", "user", "host") if getattr(query, name)}
        for name, values in wanted.items():
            if values:
                terms = [self._index.term(field_term(name, value)) for value in set(values)]
                yield Condition(filter(None, terms))

    def _part(self, part: TextCondition) -> Condition | None:
        """None when too many events have it for the index to be of use."""
        if part.whole:
            term = self._index.term(part.piece)
            return Condition([term] if term else [])
        self._index.interruptible(lambda: self._budget.half_spent)
        try:
            found = self._index.containing(part.piece, MOST_FOUND, self._kinds)
        except sqlite3.OperationalError:
            # Stopped halfway, perhaps; a damaged index shows at the next statement.
            return None
        finally:
            self._index.interruptible(lambda: self._budget.spent)
        uid = [self._index.term(text) for text in uid_terms(part.piece)] if part.uid else []
        together = [term for term in uid if term] if all(uid) else []
        condition = Condition(found, together)
        return None if len(found) == MOST_FOUND or condition.cost > MOST_TERMS else condition

    def events(self, segment: Segment) -> int:
        """Those of ``segment`` that may match."""
        if segment.last < self._first or segment.first > self._last:
            return 0
        found = bits.everything(segment.lines)
        for condition in self._conditions:
            found &= condition.events(self._index, segment)
            if not found:
                return 0
        if segment.first >= self._first and segment.last <= self._last:
            return found
        return found & self._in_time(segment)

    def offsets(self, segment: Segment) -> memoryview:
        """See ``Index.offsets``."""
        return self._index.offsets(segment)

    def _in_time(self, segment: Segment) -> int:
        times = self._index.times(segment)
        first, last = self._first - segment.first, self._last - segment.first
        if segment.sorted and segment.last - segment.first < LONGEST_SPAN:
            low, high = bisect_left(times, first), bisect_right(times, last)
            return bits.everything(high) & ~bits.everything(low)
        fitting = [
            number for number, moment in enumerate(times) if first <= moment <= last or moment == LONGEST_SPAN
        ]
        return bits.mask_of(fitting, segment.lines)


def _milliseconds(moment: datetime | None, slack: int) -> int:
    """Rounded to the outside; ``slack`` is also the direction of what stands for no bound."""
    return slack << 62 if moment is None else int(moment.timestamp() * 1000) + slack
