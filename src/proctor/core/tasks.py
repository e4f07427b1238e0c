"""Named asyncio tasks that nobody forgets: the only ``create_task`` in the house."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_log = logging.getLogger(__name__)


class TaskSet:
    """Background tasks of one owner; ``close`` cancels and waits for them within a bound.

    A task that ends with an exception is logged with its name, never swallowed.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """Start ``coroutine`` as the task ``owner/name``."""
        task = asyncio.create_task(coroutine, name=f"{self._owner}/{name}")
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("task %s failed: %s", task.get_name(), error, exc_info=error)

    async def drain(self, seconds: float) -> bool:
        """Wait until all tasks have ended by themselves; False when ``seconds`` passed first."""
        if not self._tasks:
            return True
        _, pending = await asyncio.wait(self._tasks, timeout=seconds)
        return not pending

    async def close(self, seconds: float = 5.0) -> None:
        """Cancel every task and wait at most ``seconds`` for them."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
