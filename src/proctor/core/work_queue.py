"""Work that blocks, such as writing to disk, done in order by one thread beside an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Semaphore
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_log = logging.getLogger(__name__)


def in_loop(call: Callable[P, object]) -> Callable[P, None]:
    """``call``, made in the event loop of now, for other threads; dropped when that is closed."""
    loop = asyncio.get_running_loop()

    def scheduled(*args: P.args, **kwargs: P.kwargs) -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(partial(call, *args, **kwargs))

    return scheduled


class WorkQueue:
    """Work that blocks, done by one thread in the order of ``put``. Belongs to one event loop.

    Whoever can put much waits for ``space`` first: then at most ``high`` pieces of work wait. At ``limit``
    ``put`` itself blocks, so that memory is bounded whatever happens.
    """

    def __init__(self, purpose: str, *, high: int = 256, limit: int = 16384) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=purpose)
        self._purpose = purpose
        self._high = high
        self._slots = Semaphore(limit)
        self._waiting = 0
        self._space = asyncio.Event()
        self._space.set()

    def put(self, work: Callable[[], T], done: Callable[[Future[T]], None] | None = None) -> None:
        """Do ``work`` in the thread, then call ``done`` in the event loop, in the order of ``put``.

        Without ``done`` an exception is logged.
        """
        self._slots.acquire()
        self._waiting += 1
        if self._waiting >= self._high:
            self._space.clear()
        finish = in_loop(self._finish)
        self._executor.submit(self._work, work).add_done_callback(
            lambda future: finish(future, done or self._log_failure)
        )

    def _work(self, work: Callable[[], T]) -> T:
        try:
            return work()
        finally:
            self._slots.release()

    def _finish(self, future: Future[T], done: Callable[[Future[T]], None]) -> None:
        self._waiting -= 1
        if self._waiting < self._high:
            self._space.set()
        done(future)

    def _log_failure(self, future: Future[Any]) -> None:
        if error := future.exception():
            _log.error("%s: %s", self._purpose, error)

    async def space(self) -> None:
        """Return when fewer than ``high`` pieces of work wait."""
        await self._space.wait()

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of ``work``, which is done behind all that was put before."""
        result: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def done(future: Future[T]) -> None:
            if result.done():  # cancelled
                return
            if error := future.exception():
                result.set_exception(error)
            else:
                result.set_result(future.result())

        self.put(partial(work, *args, **kwargs), done)
        return await result

    def close(self) -> None:
        """End the thread when everything is done, and wait for that."""
        self._executor.shutdown()
