# SPDX-License-Identifier: Apache-2.0
"""Named asyncio tasks whose end is always noticed (the only ``create_task`` in the project), and threads."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Semaphore
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_log = logging.getLogger(__name__)
_on_vital_end: contextvars.ContextVar[Callable[[str], None] | None] = contextvars.ContextVar(
    "on_vital_end", default=None
)


def on_vital_end(report: Callable[[str], None]) -> None:
    """Have ``report`` called with a reason when a vital task of this context ends unexpectedly.

    It holds for tasks started from here on, by the caller and by tasks that it starts.
    """
    _on_vital_end.set(report)


class TaskSet:
    """Background tasks of one owner; ``close`` cancels and waits for them within a bound.

    A task that ends with an exception is logged with its name, never swallowed. A *vital* task is one
    without which the process does not do its work (an accept loop, a delivery): when it ends before
    ``close``, in whatever way, the process is to end, see :func:`on_vital_end`.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._tasks: set[asyncio.Task[Any]] = set()
        self._vital: set[asyncio.Task[Any]] = set()
        self._closing = False

    def spawn(self, coroutine: Coroutine[Any, Any, T], *, name: str, vital: bool = False) -> asyncio.Task[T]:
        """Start ``coroutine`` as the task ``owner/name``."""
        task = asyncio.create_task(coroutine, name=f"{self._owner}/{name}")
        self._tasks.add(task)
        if vital:
            self._vital.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.error("task %s failed: %s", task.get_name(), error, exc_info=error)
        if task in self._vital:
            self._vital.discard(task)
            if not self._closing:
                self._report(f"task {task.get_name()} has ended: {error or 'it should never return'}")

    def _report(self, reason: str) -> None:
        report = _on_vital_end.get()
        if report is None:
            _log.critical("%s", reason)
        else:
            report(reason)

    async def drain(self, seconds: float | None) -> bool:
        """Wait until all tasks have ended by themselves; False when ``seconds`` passed first."""
        if not self._tasks:
            return True
        _, pending = await asyncio.wait(self._tasks, timeout=seconds)
        return not pending

    async def close(self, seconds: float = 5.0) -> None:
        """Cancel every task and wait at most ``seconds`` for them."""
        self._closing = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)


class Threads:
    """At most ``count`` threads named ``purpose``, started when there is something to do.

    asyncio's own executor (``asyncio.to_thread``) is one for everything, name look-ups included: whoever
    fills it stops all the others. Work that somebody waits for gets threads that nothing else uses.
    """

    def __init__(self, purpose: str, count: int) -> None:
        self._executor = ThreadPoolExecutor(count, thread_name_prefix=purpose)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of ``work`` in one of the threads; once begun, it goes on if the caller is cancelled."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(work, *args, **kwargs))


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
