# SPDX-License-Identifier: Apache-2.0
"""Wakes the flusher of a recording: by time, or by the amount that waits."""

from __future__ import annotations

import asyncio
import contextlib

FLUSH_BYTES = 64 << 10
"""Bytes that are flushed at once."""


class FlushTimer:
    """Wakes the flusher: soon after something is waiting, at once when it is much."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._some, self._much = asyncio.Event(), asyncio.Event()
        self._rung = 0

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """The loop that waits."""
        self._loop = loop
        self._tell(self._rung)

    def grown(self, size: int) -> None:
        """``size`` bytes are waiting."""
        level = 2 if size >= FLUSH_BYTES else 1
        if level > self._rung:
            self._rung = level
            self._tell(level)

    def ring(self) -> None:
        """Wake the flusher whatever is waiting."""
        self._tell(2)

    def reset(self) -> None:
        """Note that the waiting data is being flushed."""
        self._rung = 0

    def _tell(self, level: int) -> None:
        if self._loop and level and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._set, level)

    def _set(self, level: int) -> None:
        self._some.set()
        if level > 1:
            self._much.set()

    async def wait(self, seconds: float) -> None:
        """Until much is waiting, or something has been for ``seconds``."""
        await self._some.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._much.wait(), seconds)
        self._some.clear()
        self._much.clear()
