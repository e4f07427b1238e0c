# SPDX-License-Identifier: Apache-2.0
"""The embedded store: SQLite in WAL mode, all access from one thread."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from proctor.core.clock import SYSTEM, Clock
from proctor.core.errors import AlreadyExists, Corrupted, Unavailable
from proctor.storage.base import Item

T = TypeVar("T")

MIGRATIONS = (
    """
    CREATE TABLE items (
        key TEXT PRIMARY KEY, value BLOB NOT NULL, revision INTEGER NOT NULL, expires REAL
    ) WITHOUT ROWID;
    CREATE INDEX items_expires ON items (expires) WHERE expires IS NOT NULL;
    CREATE TABLE counter (revision INTEGER NOT NULL);
    INSERT INTO counter VALUES (0);
    """,
)
"""Statements that lead from version n to n + 1 (``PRAGMA user_version``); never edited, only added to."""

_LIVE = "(expires IS NULL OR expires > ?)"


class SqliteBackend:
    """A Backend in the file ``path`` (0600), made when absent.

    ``synchronous`` FULL makes each change durable before it returns. Raises Corrupted when the file is
    no database of Proctor or comes from a newer version.
    """

    def __init__(self, path: Path, *, synchronous: str = "FULL", clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        self._database = self._thread.submit(_open, path, synchronous).result()

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._transaction, work)
        except sqlite3.Error as error:
            raise _unusable(error) from None

    def _transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            result = work(self._database)
            self._database.execute("COMMIT")
        finally:
            # SQLite itself rolls back after some errors of the disk, and a failed COMMIT leaves it to us.
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
        return result

    def _now(self) -> float:
        return self._clock.now().timestamp()

    async def get(self, key: str) -> Item | None:
        """See Backend."""
        return await self._run(lambda database: self._get(database, key))

    def _get(self, database: sqlite3.Connection, key: str) -> Item | None:
        query = f"SELECT key, value, revision, expires FROM items WHERE key = ? AND {_LIVE}"  # noqa: S608
        row = database.execute(query, (key, self._now())).fetchone()
        return _item(row) if row else None

    async def put(self, key: str, value: bytes, *, expires: datetime | None = None) -> Item:
        """See Backend."""
        return await self._run(lambda database: self._write(database, key, value, expires))

    async def create(self, key: str, value: bytes, *, expires: datetime | None = None) -> Item:
        """See Backend."""

        def work(database: sqlite3.Connection) -> Item:
            if self._get(database, key) is not None:
                raise AlreadyExists(f"{key} exists")
            return self._write(database, key, value, expires)

        return await self._run(work)

    async def swap(self, expected: Item, value: bytes, *, expires: datetime | None = None) -> Item | None:
        """See Backend."""

        def work(database: sqlite3.Connection) -> Item | None:
            current = self._get(database, expected.key)
            if current is None or current.revision != expected.revision:
                return None
            return self._write(database, expected.key, value, expires)

        return await self._run(work)

    def _write(self, database: sqlite3.Connection, key: str, value: bytes, expires: datetime | None) -> Item:
        database.execute("UPDATE counter SET revision = revision + 1")
        (revision,) = database.execute("SELECT revision FROM counter").fetchone()
        moment = expires.timestamp() if expires else None
        database.execute("INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?)", (key, value, revision, moment))
        database.execute("DELETE FROM items WHERE expires <= ?", (self._now(),))
        return Item(key, value, revision, expires)

    async def delete(self, key: str) -> bool:
        """See Backend."""

        def work(database: sqlite3.Connection) -> bool:
            present = self._get(database, key) is not None
            database.execute("DELETE FROM items WHERE key = ?", (key,))
            return present

        return await self._run(work)

    async def range(self, prefix: str) -> list[Item]:
        """See Backend."""
        query = (
            "SELECT key, value, revision, expires FROM items "  # noqa: S608 - _LIVE is a constant
            f"WHERE key >= ? AND key < ? AND {_LIVE} ORDER BY key"
        )
        bounds = (prefix, prefix + "\U0010ffff", self._now())
        return await self._run(lambda database: [_item(row) for row in database.execute(query, bounds)])

    async def close(self) -> None:
        """See Backend."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._database.close)
        self._thread.shutdown()


def _item(row: tuple[Any, ...]) -> Item:
    key, value, revision, expires = row
    return Item(key, value, revision, datetime.fromtimestamp(expires, UTC) if expires is not None else None)


def _open(path: Path, synchronous: str) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        path.chmod(0o600)
        database = sqlite3.connect(path, isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {synchronous}")
        _migrate(database)
    except sqlite3.OperationalError as error:
        raise _unusable(error) from None
    except sqlite3.DatabaseError as error:
        raise Corrupted(f"{path} is not a usable state database: {error}") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be opened: {error.strerror}") from None
    return database


def _unusable(error: sqlite3.Error) -> Unavailable:
    return Unavailable(
        f"the state database cannot be used: {error}",
        hint="Free some space in the data directory of the Auth Service, or check the file system.",
    )


def _migrate(database: sqlite3.Connection) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise Corrupted(
            f"the state database has format {version}, newer than this version knows ({len(MIGRATIONS)})"
        )
    for number in range(version, len(MIGRATIONS)):
        database.executescript(f"BEGIN; {MIGRATIONS[number]} PRAGMA user_version = {number + 1}; COMMIT;")
