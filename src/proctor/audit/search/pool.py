# SPDX-License-Identifier: Apache-2.0
"""Searches of the audit log for many people at once, in processes of their own, and the indexing beside."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar, cast

import msgspec

from proctor.audit.log import Page, Query
from proctor.audit.search.log_reader import Extent
from proctor.audit.search.scan import check
from proctor.audit.search.worker import (
    HEADER,
    Cancel,
    IndexRequest,
    IndexResult,
    SearchRequest,
    SearchResult,
    encode,
)
from proctor.core.errors import LimitExceeded, Unavailable
from proctor.core.tasks import TaskSet, Threads

READERS = 2
"""Processes that search."""

MOST_AT_ONCE = 4
"""Searches of one person that run or wait."""

MOST_WAITING = 256
SEARCH_SECONDS = 2.0
"""After which a page is returned with what has been found so far."""

INDEX_SECONDS = 2.0
"""Between two looks at what there is to index."""

WORTH_INDEXING = 4 << 20
"""Bytes of the current day that are searched without an index."""

LONGEST_CANCEL = 1.0
"""Seconds that a process has to stop; it is killed otherwise."""

IDLE_SECONDS = 60.0
"""After which the process that indexes ends; also the time between two attempts when it fails."""

T = TypeVar("T", bound=msgspec.Struct)
_log = logging.getLogger(__name__)


class Searchable(Protocol):
    """The log as a reader needs it: what is stored, and where."""

    @property
    def directory(self) -> Path:
        """Of the day files."""

    @property
    def index_path(self) -> Path:
        """Of their index."""

    def extents(self) -> list[Extent]:
        """List the stored days, oldest first."""

    def position(self) -> str:
        """The end of what is stored, as ``Query.start_key`` of an ascending search has it."""


class _Worker:
    """A process of ``audit.search.worker``; one request at a time."""

    def __init__(self, role: str, log: Searchable) -> None:
        self._arguments = [role, str(log.directory), str(log.index_path)]
        self._process: asyncio.subprocess.Process | None = None
        self._tasks = TaskSet(f"{role}-worker")

    async def ask(self, request: msgspec.Struct, kind: type[T]) -> T:
        """The answer; raises Unavailable when the process dies. Cancelling cancels the work as well."""
        process = await self._running()
        stdin = cast(asyncio.StreamWriter, process.stdin)
        stdin.write(encode(request))
        answer = self._tasks.spawn(self._answer(process), name="answer")
        try:
            return msgspec.msgpack.decode(await asyncio.shield(answer), type=kind)
        except asyncio.CancelledError:
            stdin.write(encode(Cancel()))
            await self._cancelled(process, answer)
            raise

    async def _cancelled(self, process: asyncio.subprocess.Process, answer: asyncio.Task[bytes]) -> None:
        """Wait until the work has stopped, so that the next request gets its own answer."""
        try:
            await asyncio.wait((answer,), timeout=LONGEST_CANCEL)
        finally:
            if not answer.done():
                process.kill()

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            command = [sys.executable, "-P", "-m", "proctor.audit.search.worker", *self._arguments]
            pipe = asyncio.subprocess.PIPE
            self._process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        return self._process

    async def _answer(self, process: asyncio.subprocess.Process) -> bytes:
        stdout = cast(asyncio.StreamReader, process.stdout)
        try:
            header = await stdout.readexactly(HEADER.size)
            return await stdout.readexactly(HEADER.unpack(header)[0])
        except (asyncio.IncompleteReadError, ConnectionError):
            self._process = None
            raise Unavailable("the search ended before it had a result", hint="Try again.") from None

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        await self._tasks.close()
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@dataclass
class _Turns:
    """Queue of searches; people take turns, whatever number of searches each of them has."""

    free: int
    waiting: dict[str, deque[asyncio.Future[None]]] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)

    def admit(self, who: str) -> asyncio.Future[None]:
        """Wait for the result before searching. Raises LimitExceeded."""
        mine = self.running.get(who, 0) + len(self.waiting.get(who, ()))
        if mine >= MOST_AT_ONCE:
            raise LimitExceeded(
                f"{MOST_AT_ONCE} searches of yours are running already",
                hint="Wait for one to end, or narrow its filters.",
            )
        if sum(map(len, self.waiting.values())) >= MOST_WAITING:
            raise LimitExceeded("too many people search at this moment", hint="Try again in a few seconds.")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.setdefault(who, deque()).append(turn)
        self._next()
        return turn

    def leave(self, who: str, turn: asyncio.Future[None]) -> None:
        """The search is over, or will not begin."""
        if turn.done() and not turn.cancelled():
            self.free += 1
            self.running[who] -= 1
            if not self.running[who]:
                del self.running[who]
        elif turn in self.waiting.get(who, ()):
            self._take(who, turn)
        self._next()

    def _take(self, who: str, turn: asyncio.Future[None]) -> None:
        turns = self.waiting.pop(who)
        turns.remove(turn)
        if turns:
            self.waiting[who] = turns

    def _next(self) -> None:
        while self.free and self.waiting:
            # Whoever has fewest searches running, and among these whoever was served longest ago.
            who = min(self.waiting, key=lambda name: self.running.get(name, 0))
            if self.free == 1 < READERS and who in self.running:
                return  # the last reader is left to other callers
            turn = self.waiting[who][0]
            self._take(who, turn)
            if not turn.cancelled():
                self.free -= 1
                self.running[who] = self.running.get(who, 0) + 1
                turn.set_result(None)


class Searches:
    """Searches ``log``; starts processes when they are needed, and ends them with ``close``."""

    def __init__(self, log: Searchable) -> None:
        self._log = log
        self._threads = Threads("log-extents", 1)
        self._free = [_Worker("search", log) for _ in range(READERS)]
        self._workers = list(self._free)
        self._turns = _Turns(READERS)
        self._indexing = Indexing(log, self._threads)
        self._tasks = TaskSet("searches")

    def start(self) -> None:
        """Index from now on."""
        self._tasks.spawn(self._indexing.run(), name="index")

    async def search(self, who: str, query: Query, seconds: float = SEARCH_SECONDS) -> Page:
        """The next page for the person ``who``; when cancelled, so is the work.

        Raises BadRequest, LimitExceeded, and Unavailable.
        """
        check(query)
        turn = self._turns.admit(who)
        try:
            await turn
            worker = self._free.pop()
            try:
                extents = await self._threads.run(self._log.extents)
                request = SearchRequest(extents, query, min(seconds, SEARCH_SECONDS))
                result = await worker.ask(request, SearchResult)
            finally:
                self._free.append(worker)
        finally:
            self._turns.leave(who, turn)
        return self._page(result)

    def _page(self, result: SearchResult) -> Page:
        if result.damaged:
            self._indexing.rebuild = True
        if result.page is None:
            raise Unavailable(result.error or "the search was cancelled")
        return result.page

    async def close(self) -> None:
        """End everything."""
        await self._tasks.close()
        await self._indexing.close()
        for worker in self._workers:
            await worker.close()


class Indexing:
    """Has what was stored indexed soon, by a process that is there only while there is something to do."""

    def __init__(self, log: Searchable, threads: Threads) -> None:
        self._log = log
        self._threads = threads
        self._worker = _Worker("index", log)
        self._ends: dict[str, int] = {}
        self.rebuild = False
        """Set when the index is found to be damaged."""

    async def run(self) -> None:
        """Look for work until cancelled."""
        used = time.monotonic()
        while True:
            extents = await self._extents()
            if self.rebuild or self._is_worth(extents):
                pause = await self._work(extents)
                used = time.monotonic()
                await asyncio.sleep(pause)
                continue
            if time.monotonic() - used > IDLE_SECONDS:
                await self._worker.close()
            await asyncio.sleep(INDEX_SECONDS)

    async def _extents(self) -> list[Extent]:
        try:
            return await self._threads.run(self._log.extents)
        except Unavailable as error:
            _log.warning("%s", error.message)
            return []

    def _is_worth(self, extents: Sequence[Extent]) -> bool:
        if not extents:
            return False
        *finished, current = extents
        if any(self._ends.get(extent.name, 0) < extent.size for extent in finished):
            return True
        if self._ends.keys() - {extent.name for extent in extents}:
            return True  # days that were removed
        return current.size - self._ends.get(current.name, 0) >= WORTH_INDEXING

    async def _work(self, extents: list[Extent]) -> float:
        """One request; returns how long to wait before the next."""
        rebuild, self.rebuild = self.rebuild, False
        try:
            result = await self._worker.ask(IndexRequest(extents, rebuild), IndexResult)
        except Unavailable:
            result = IndexResult(error="the process that indexes has ended")
        self._ends = dict(result.ends)
        if result.error:
            _log.warning("the audit log is not indexed: %s", result.error)
            return IDLE_SECONDS
        if result.more:
            return 0.0
        self._considered(extents)
        return INDEX_SECONDS

    def _considered(self, extents: Sequence[Extent]) -> None:
        """Remember lines that could not be indexed, until there are more."""
        *finished, current = extents
        self._ends |= {extent.name: extent.size for extent in finished}
        considered = current.size - WORTH_INDEXING // 2
        self._ends[current.name] = max(self._ends.get(current.name, 0), considered)

    async def close(self) -> None:
        """End the process."""
        await self._worker.close()
