# SPDX-License-Identifier: Apache-2.0
"""Searches in processes of their own: cancelled, bounded, shared fairly, and with an index that follows."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proctor.audit.index.draft import SEGMENT_LINES
from proctor.audit.index.store import Damaged, Index
from proctor.audit.log import Query
from proctor.audit.logs_file import FileLog
from proctor.audit.search import pool as module
from proctor.audit.search.pool import MOST_AT_ONCE, READERS, Searches
from proctor.core.clock import FakeClock
from proctor.core.errors import BadRequest, LimitExceeded, Unavailable
from proctor.rpc._pb import auth_pb2
from proctor.rpc._pb import record_pb2 as pb
from testing.auth import running_auth
from testing.polling import auntil

HOST = "1048a649-8f3f-4431-9529-0c53339b65a5"
LINES = 200_000
"""About 40 MB: a search without an index takes a good part of a second."""


def line(number: int) -> bytes:
    return (
        b'{"cluster_name":"purple","code":"T4001I","ei":%d,"event":"session.disk","path":"/usr/lib/file-%d",'
        b'"time":"2023-07-04T16:42:20Z","uid":"4f3a523f-97d1-4e5a-8c3f-%012x","user":"user-%d"}\n'
        % (number, number % 5000, number, number % 50)
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with LINES events and no index."""
    directory = tmp_path_factory.mktemp("data")
    log = FileLog(directory / "log", HOST, FakeClock(), cluster_name="purple")
    for start in range(0, LINES, 10_000):
        log.append("node/x/1", start + 1, b"".join(map(line, range(start, start + 10_000))))
    log.close()
    return directory


@pytest.fixture
async def searches(stored: Path) -> AsyncIterator[Searches]:
    log = FileLog(stored / "log", HOST, FakeClock(), cluster_name="purple")
    running = Searches(log)
    yield running
    await running.close()
    log.close()


SLOW = Query(text="absent")


async def test_a_search_finds_what_is_there(searches: Searches) -> None:
    page = await searches.search("alice", Query(text="/file-4711", limit=3), 30.0)
    assert [json.loads(event)["path"] for event in page.events] == ["/usr/lib/file-4711"] * 3
    assert page.next_key
    assert not page.incomplete


async def test_bad_queries_are_refused_before_anything_else(searches: Searches) -> None:
    with pytest.raises(BadRequest):
        await searches.search("alice", Query(start_key="x"))


async def test_time_is_limited_and_the_next_page_goes_on(searches: Searches) -> None:
    page = await searches.search("alice", SLOW, 0.02)
    assert page.incomplete
    following = await searches.search("alice", Query(text="absent", start_key=page.next_key), 0.02)
    assert following.next_key != page.next_key


async def test_a_cancelled_search_leaves_its_process_at_once(searches: Searches) -> None:
    for _ in range(READERS):
        await searches.search("warm-up", Query(limit=1))
    for _ in range(5):
        running = [asyncio.ensure_future(searches.search(f"user-{n}", SLOW)) for n in range(READERS)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in running)
        for task in running:
            task.cancel()
        started = time.monotonic()
        await asyncio.wait(running)
        assert all(task.cancelled() for task in running)
        assert time.monotonic() - started < 3.0
    assert (await searches.search("alice", Query(limit=1))).events


async def test_the_event_loop_is_free_while_searches_run(searches: Searches) -> None:
    running = [asyncio.ensure_future(searches.search(f"user-{n}", SLOW)) for n in range(8)]
    longest, before = 0.0, time.monotonic()
    while not all(task.done() for task in running):
        await asyncio.sleep(0.001)
        longest, before = max(longest, time.monotonic() - before), time.monotonic()
    assert longest < 1.0
    assert [page.events for page in await asyncio.gather(*running)] == [[]] * 8


async def test_one_person_has_a_few_searches_and_the_others_theirs(searches: Searches) -> None:
    greedy = [asyncio.ensure_future(searches.search("greedy", SLOW)) for _ in range(MOST_AT_ONCE)]
    await asyncio.sleep(0)
    with pytest.raises(LimitExceeded, match="searches of yours"):
        await searches.search("greedy", SLOW)
    await searches.search("modest", Query(limit=1))
    assert sum(task.done() for task in greedy) <= 1
    for task in greedy:
        task.cancel()
    await asyncio.wait(greedy)
    await searches.search("greedy", Query(limit=1))


async def test_a_process_that_dies_is_replaced(searches: Searches) -> None:
    await searches.search("alice", Query(limit=1))
    worker = next(worker for worker in searches._workers if worker._process)
    assert worker._process is not None
    worker._process.kill()
    for _ in range(READERS + 1):
        try:
            page = await searches.search("alice", Query(limit=1))
        except Unavailable:
            continue
    assert page.events


async def test_what_is_stored_is_indexed_soon(searches: Searches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INDEX_SECONDS", 0.05)
    searches.start()
    path = searches._log.index_path
    await auntil(lambda: _indexed(path) == 3 * SEGMENT_LINES, 60.0)
    assert not (await searches.search("alice", SLOW)).incomplete
    path.write_bytes(b"x" * path.stat().st_size)
    assert (await searches.search("alice", Query(text="file-17", limit=1), 30.0)).events
    await auntil(lambda: _indexed(path) == 3 * SEGMENT_LINES, 60.0)


def _indexed(path: Path) -> int:
    try:
        index = Index.reader(path)
    except Damaged:
        return 0
    return sum(segment.lines for segment in index.segments()) if index else 0


async def test_callers_that_leave_stop_their_searches(stored: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(stored / "log", data / "log", symlinks=True)
    (data / "host_uuid").write_text(HOST)
    async with running_auth(data) as auth:
        await auth.call(auth.admin, "audit.Search", pb.SearchRequest(limit=1))
        client = auth.client(auth.admin)
        turns = auth.server._searches._turns
        for _ in range(MOST_AT_ONCE + 1):
            call = client.audit.Search(pb.SearchRequest(text="absent"))
            await auntil(lambda: turns.free < READERS)
            call.cancel()
            await auntil(lambda: turns.free == READERS and not turns.running, 5.0)
        await client.close()


async def test_events_are_stored_and_people_served_while_many_search(stored: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(stored / "log", data / "log", symlinks=True)
    (data / "host_uuid").write_text(HOST)
    async with running_auth(data) as auth:
        request = pb.SearchRequest(text="absent")
        clients = [auth.client(auth.admin) for _ in range(MOST_AT_ONCE)]
        running = [asyncio.ensure_future(client.call(client.audit.Search, request)) for client in clients]
        await auntil(lambda: auth.server._searches._turns.running)
        for number in range(10):
            started = time.monotonic()
            request_ = auth_pb2.CreateUserRequest(name=f"user-{number}", roles=["access"])
            await auth.call(auth.admin, "auth.CreateUser", request_)
            assert time.monotonic() - started < 5.0
        for task in running:
            task.cancel()
        await asyncio.wait(running)
        for client in clients:
            await client.close()
