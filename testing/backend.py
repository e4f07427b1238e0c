# SPDX-License-Identifier: Apache-2.0
"""A store in memory, under the same contract as the others."""

from __future__ import annotations

from datetime import datetime

from proctor.core.clock import Clock
from proctor.core.errors import AlreadyExists
from proctor.storage.base import Item


class MemoryBackend:
    """A ``storage.base.Backend`` that forgets everything at the end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._items: dict[str, Item] = {}
        self._revision = 0

    async def get(self, key: str) -> Item | None:
        """See Backend."""
        item = self._items.get(key)
        expired = item is not None and item.expires is not None and item.expires <= self._clock.now()
        return None if expired else item

    async def put(self, key: str, value: bytes, *, expires: datetime | None = None) -> Item:
        """See Backend."""
        self._revision += 1
        item = self._items[key] = Item(key, value, self._revision, expires)
        return item

    async def create(self, key: str, value: bytes, *, expires: datetime | None = None) -> Item:
        """See Backend."""
        if await self.get(key) is not None:
            raise AlreadyExists(f"{key} exists")
        return await self.put(key, value, expires=expires)

    async def swap(self, expected: Item, value: bytes, *, expires: datetime | None = None) -> Item | None:
        """See Backend."""
        if await self.get(expected.key) != expected:
            return None
        return await self.put(expected.key, value, expires=expires)

    async def delete(self, key: str) -> bool:
        """See Backend."""
        present = await self.get(key) is not None
        self._items.pop(key, None)
        return present

    async def range(self, prefix: str) -> list[Item]:
        """See Backend."""
        keys = sorted(key for key in self._items if key.startswith(prefix))
        return [item for key in keys if (item := await self.get(key)) is not None]

    async def close(self) -> None:
        """See Backend."""
        self._items.clear()
