"""What every storage backend promises."""

from __future__ import annotations

import asyncio
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


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["sqlite"])
async def backend(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Backend]:
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


async def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    backend = SqliteBackend(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("DROP TABLE items")
    other.close()
    with pytest.raises(Unavailable, match="items"):
        await backend.put("k", b"")
    await backend.close()
