# SPDX-License-Identifier: Apache-2.0
"""The key-value store that auth keeps its state in, as every driver offers it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Item:
    """One stored value; ``revision`` grows with every change of the store."""

    key: str
    value: bytes
    revision: int
    expires: datetime | None = None


class Backend(Protocol):
    """Keys are paths such as ``users/alice``; an expired item is as good as absent.

    Every method raises Unavailable when the store cannot be reached or written; a change that
    returned survives a crash.
    """

    async def get(self, key: str) -> Item | None:
        """The item at ``key``, or None."""

    async def put(self, key: str, value: bytes, *, expires: datetime | None = None) -> Item:
        """Store, replacing what was there."""

    async def create(self, key: str, value: bytes, *, expires: datetime | None = None) -> Item:
        """Store where nothing is; raises AlreadyExists."""

    async def swap(self, expected: Item, value: bytes, *, expires: datetime | None = None) -> Item | None:
        """Replace ``expected`` unless it changed meanwhile; None then."""

    async def delete(self, key: str) -> bool:
        """Remove; False when nothing was there."""

    async def range(self, prefix: str) -> list[Item]:
        """All items whose keys start with ``prefix``, sorted by key."""

    async def close(self) -> None:
        """Release the store; what returned before is kept."""
