"""Threads for work that blocks, apart for each purpose.

asyncio's own executor (``asyncio.to_thread``) is one for everything, name look-ups included: whoever fills it
stops all the others. Work that somebody waits for gets threads that nothing else uses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """At most ``count`` threads named ``purpose``, started when there is something to do."""

    def __init__(self, purpose: str, count: int) -> None:
        self._executor = ThreadPoolExecutor(count, thread_name_prefix=purpose)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of ``work`` in one of the threads; once begun, it goes on if the caller is cancelled."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(work, *args, **kwargs))
