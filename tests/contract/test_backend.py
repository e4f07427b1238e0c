# SPDX-License-Identifier: Apache-2.0
"""What every storage backend promises."""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
import stat
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from proctor.core.clock import FakeClock
from proctor.core.errors import AlreadyExists, Corrupted, Unavailable
from proctor.storage.base import Backend
from proctor.storage.sqlite import SqliteBackend
from testing.backend import MemoryBackend


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["sqlite", "memory"])
async def backend(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Backend]:
    backend: Backend = MemoryBackend(clock)
    if request.param == "sqlite":
        backend = SqliteBackend(tmp_path / "backend/state.sqlite", clock=clock)
    yield backend
    await backend.close()


async def test_what_was_put_is_found_and_replaced(backend: Backend) -> None:
    assert await backend.get("users/alice") is None
    first = await backend.put("users/alice", b"1")
    second = await backend.put("users/alice", b"2")
    assert await backend.get("users/alice") == second
    assert second.revision > first.revision


async def test_create_refuses_to_replace(backend: Backend) -> None:
    await backend.create("k", b"1")
    with pytest.raises(AlreadyExists):
        await backend.create("k", b"2")
    assert (await backend.range(""))[0].value == b"1"


async def test_of_many_swaps_one_wins(backend: Backend) -> None:
    item = await backend.put("k", b"0")
    results = await asyncio.gather(*(backend.swap(item, str(n).encode()) for n in range(8)))
    assert sum(result is not None for result in results) == 1


async def test_of_many_creations_one_wins(backend: Backend) -> None:
    results = await asyncio.gather(*(backend.create("k", b"") for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(result, AlreadyExists) for result in results) == 7


async def test_nothing_is_swapped_for_what_was_deleted(backend: Backend) -> None:
    item = await backend.put("k", b"1")
    await backend.delete("k")
    assert await backend.swap(item, b"2") is None
    again = await backend.put("k", b"1")
    assert await backend.swap(item, b"2") is None
    assert await backend.get("k") == again


async def test_an_expiry_can_be_moved_and_lifted(backend: Backend, clock: FakeClock) -> None:
    item = await backend.put("k", b"1", expires=clock.now() + timedelta(seconds=5))
    assert await backend.swap(item, b"1", expires=clock.now() + timedelta(seconds=50))
    clock.advance(49)
    await backend.put("k", b"2")
    clock.advance(1000)
    assert (await backend.range("k"))[0].value == b"2"


async def test_delete_tells_whether_something_was_there(backend: Backend) -> None:
    await backend.put("k", b"")
    assert await backend.delete("k")
    assert not await backend.delete("k")


async def test_range_is_sorted_and_bounded_by_the_prefix(backend: Backend) -> None:
    for key in ("users/b", "users/a", "userz", "users/ä", "roles/x", "users"):
        await backend.put(key, b"")
    assert [item.key for item in await backend.range("users/")] == ["users/a", "users/b", "users/ä"]


async def test_an_expired_item_is_absent_everywhere(backend: Backend, clock: FakeClock) -> None:
    item = await backend.put("k", b"1", expires=clock.now() + timedelta(seconds=5))
    assert await backend.get("k") == item
    clock.advance(5)
    assert await backend.get("k") is None
    assert await backend.range("") == []
    assert await backend.swap(item, b"2") is None
    assert not await backend.delete("k")
    await backend.create("k", b"3")


async def test_everything_is_there_after_opening_again(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    backend = SqliteBackend(path)
    item = await backend.put("k", b"\x00\xff")
    await backend.close()
    again = SqliteBackend(path)
    assert await again.get("k") == item
    await again.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"hello" * 1000)
    with pytest.raises(Corrupted, match=r"state\.sqlite"):
        SqliteBackend(path)
    assert path.read_bytes().startswith(b"hello")


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(Corrupted, match="99"):
        SqliteBackend(path)


async def test_a_full_disk_harms_nothing_that_was_stored(tmp_path: Path) -> None:
    backend = SqliteBackend(tmp_path / "state.sqlite")
    before = await backend.put("k", b"1")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        for _ in range(3):
            with pytest.raises(Unavailable):
                await backend.put("k", bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert await backend.get("k") == before
    assert (await backend.put("k", bytes(100_000))).revision > before.revision
    await backend.close()


async def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    path.touch(0o666)
    path.chmod(0o666)
    backend = SqliteBackend(path)
    await backend.put("k", b"1")
    modes = {name: stat.S_IMODE(os.stat(tmp_path / name).st_mode) for name in os.listdir(tmp_path)}
    await backend.close()
    assert modes == dict.fromkeys(["state.sqlite", "state.sqlite-wal", "state.sqlite-shm"], 0o600)


async def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    backend = SqliteBackend(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("DROP TABLE items")
    other.close()
    with pytest.raises(Unavailable, match="items"):
        await backend.put("k", b"")
    await backend.close()
