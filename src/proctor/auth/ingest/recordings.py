# SPDX-License-Identifier: Apache-2.0
"""The recordings of the cluster: who may see which, and a list that follows the archive and the audit log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from proctor.audit.log import AuditLog, Page, Query
from proctor.audit.search.pool import WORTH_INDEXING, Searchable, Searches
from proctor.auth.housekeeping.retention import Days
from proctor.core.clock import Clock, format_time
from proctor.core.errors import ProctorError, Unavailable
from proctor.core.tasks import TaskSet, Threads
from proctor.model.event import Event
from proctor.recording.archive import Archive
from proctor.recording.table import COMPLETE, EVENTS, STATES, Filter, RecordingTable
from proctor.rpc._pb import record_pb2 as pb

EVENTS_PER_PAGE = 1000
ROWS_PER_PAGE = 200
PATIENCE_SECONDS = 5.0
"""How long a list waits for events that were stored while it could not follow."""

_NAMES = tuple(b'"%s"' % name.encode() for name in EVENTS)
_OWN = "the list of recordings"
"""Under which its searches have their turns."""

_log = logging.getLogger(__name__)


class SearchableLog(AuditLog, Searchable, Days, Protocol):
    """An audit log in days that other processes can search."""


class RecordingIndexer:
    """``table`` kept up to date with ``archive`` and ``log``."""

    def __init__(
        self, table: RecordingTable, archive: Archive, log: SearchableLog, searches: Searches, clock: Clock
    ) -> None:
        self.archive = archive
        self._table = table
        self._log = log
        self._searches = searches
        self._clock = clock
        self._current = False
        self._following: asyncio.Task[None] | None = None
        self._tasks = TaskSet("recordings")
        self._writes, self._reads = Threads("recordings-write", 1), Threads("recordings-read", 2)

    def start(self) -> None:
        """Take in what was stored while this was not running."""
        self._following = self._tasks.spawn(self._follow(), name="follow")

    async def _follow(self) -> None:
        try:
            await self._writes.run(self._compare)
            extents = await self._reads.run(self._log.extents)
            small = sum(extent.size for extent in extents) < WORTH_INDEXING
            key = await self._reads.run(self._table.position)
            while not self._current:
                end = self._log.position()
                page = await self._page_of_events(key, small)
                key = page.next_key or end
                await self._writes.run(self._table.note, page.events, key)
                self._current = not page.next_key
        except ProctorError as error:
            _log.warning("the list of recordings is behind: %s", error.message)

    async def _page_of_events(self, key: str, small: bool) -> Page:
        query = Query(event_types=EVENTS, limit=EVENTS_PER_PAGE, start_key=key, ascending=True)
        if small:
            return await self._reads.run(self._log.search, query)
        return await self._searches.search(_OWN, query)

    def _compare(self) -> None:
        """Bring the table up to date with the archive's directories."""
        known = self._table.known()
        held = self.archive.held()
        self._table.removed(known.keys() - held.keys())
        for sid, complete in held.items():
            if known.get(sid) != complete and (origin := self.archive.origin(sid)):
                self._archived(sid, origin.server_id, origin.since, complete=complete)

    def _archived(self, sid: str, server_id: str, since: str, *, complete: bool) -> None:
        over, size = (self.archive.completed_at(sid), self.archive.size(sid)) if complete else (None, 0)
        self._table.archived(sid, server_id, since, complete=complete, completed=over, size=size)

    def completed_before(self, moment: datetime, limit: int) -> list[tuple[str, datetime, int]]:
        """At most ``limit`` recordings complete at ``moment``: id, since when, bytes; blocks.

        What counts is the archive; the list only says where to look. Raises Unavailable.
        """
        found = self._table.completed_before(moment, limit)
        times = [(sid, self.archive.completed_at(sid)) for sid in found]
        due = [(sid, over) for sid, over in times if over is not None and over <= moment]
        return [(sid, over, self.archive.size(sid)) for sid, over in due]

    def remove(self, sids: Sequence[str]) -> None:
        """Remove complete recordings from the archive and the list; blocks. Raises Unavailable."""
        for sid in sids:
            self.archive.remove(sid)
        self._table.forget([sid for sid in sids if not self.archive.has(sid)])

    def totals(self) -> tuple[int, int]:
        """Count the complete recordings and their bytes; blocks."""
        return self._table.totals()

    def stored(self, lines: bytes) -> None:
        """Lines of events that were stored in the log just now; blocks. One thread at a time."""
        found = [line for line in lines.split(b"\n") if any(name in line for name in _NAMES)]
        if not found:
            return
        try:
            # Before everything else is noted, the position stays where that begins.
            self._table.note(found, self._log.position() if self._current else None)
        except Unavailable as error:
            self._current = False
            _log.warning("%s", error.message)

    async def upload(
        self,
        frames: AsyncIterator[pb.UploadFrame],
        host_id: str,
        emit: Callable[[Event], object],
        claim: Callable[[str], Awaitable[None]],
    ) -> AsyncIterator[pb.UploadStatus]:
        """See ``Archive.upload``."""
        since = format_time(self._clock.now())
        seen: dict[str, bool] = {}
        async for status in self.archive.upload(frames, host_id=host_id, emit=emit, claim=claim):
            if seen.get(status.sid) != status.completed:
                seen[status.sid] = status.completed
                try:
                    await self._writes.run(
                        self._archived, status.sid, host_id, since, complete=status.completed
                    )
                except Unavailable as error:
                    self._current = False
                    _log.warning("%s", error.message)
            yield status

    async def page(
        self,
        wanted: Filter,
        limit: int,
        start_key: str,
        allowed: Callable[[Sequence[str]], bool],
    ) -> tuple[list[pb.RecordingInfo], str]:
        """At most ``limit`` recordings whose participants are ``allowed``, and the key of the next page."""
        await self._up_to_date()
        found: list[pb.RecordingInfo] = []
        while True:
            rows = min(ROWS_PER_PAGE, limit - len(found))
            infos, start_key = await self._reads.run(self._table.page, wanted, rows, start_key)
            found += [info for info in infos if allowed(info.participants) and self._completed(info)]
            if len(found) == limit or not start_key:
                return found, start_key

    async def _up_to_date(self) -> None:
        if self._current:
            return
        if self._following is None or self._following.done():
            self.start()
        if self._following is not None:
            await asyncio.wait((self._following,), timeout=PATIENCE_SECONDS)

    def _completed(self, info: pb.RecordingInfo) -> bool:
        """Fill in what only the files say; False when they are gone."""
        if info.state != COMPLETE:
            info.enhanced = info.enhanced or self.archive.has_enhanced(info.sid)
            info.size = self.archive.size(info.sid)
        return self.archive.has(info.sid)

    async def participants(self, sid: str) -> list[str]:
        """Return the participants of a session, as its owner states them."""
        found, _ = await self.page(Filter(sid=sid, states=STATES), 1, "", lambda _: True)
        return [name for info in found for name in info.participants]

    async def close(self) -> None:
        """Stop following, and release the table."""
        await self._tasks.close()
        self._table.close()
