# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Future
from functools import partial

import pytest

from proctor.core.tasks import WorkQueue, in_loop
from testing.polling import auntil


@pytest.fixture
async def queue() -> AsyncIterator[WorkQueue]:
    queue = WorkQueue("test", high=3)
    yield queue
    queue.close()


async def test_work_is_done_and_reported_in_order_by_one_other_thread(queue: WorkQueue) -> None:
    done: list[int] = []
    threads: set[int] = set()
    reported: list[int] = []

    def work(number: int) -> int:
        threads.add(threading.get_ident())
        done.append(number)
        return number

    for number in range(100):
        queue.put(partial(work, number), lambda future: reported.append(future.result()))
    assert await queue.run(work, 100) == 100

    assert done == [*range(101)]
    assert reported == [*range(100)]
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_whoever_puts_much_waits_for_space(queue: WorkQueue) -> None:
    gate = threading.Event()
    for _ in range(3):
        queue.put(gate.wait)
    waiting = asyncio.ensure_future(queue.space())
    await asyncio.wait({waiting}, timeout=0.05)
    assert not waiting.done()

    gate.set()
    await waiting


async def test_failures_are_raised_reported_or_logged(
    queue: WorkQueue, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise OSError("the disk is full")

    seen: list[BaseException | None] = []
    queue.put(fail, lambda future: seen.append(future.exception()))
    queue.put(fail)
    with pytest.raises(OSError, match="the disk is full"):
        await queue.run(fail)

    assert isinstance(seen[0], OSError)
    assert "test: the disk is full" in caplog.text


async def test_work_of_a_cancelled_caller_is_done(queue: WorkQueue) -> None:
    gate, done = threading.Event(), threading.Event()
    queue.put(gate.wait)
    caller = asyncio.ensure_future(queue.run(done.set))
    await asyncio.sleep(0)
    caller.cancel()
    gate.set()

    await auntil(done.is_set)
    assert caller.cancelled()


async def test_put_blocks_at_the_limit_until_there_is_space() -> None:
    queue, gate = WorkQueue("test", limit=1), threading.Event()
    threading.Timer(0.05, gate.set).start()
    queue.put(gate.wait)
    queue.put(lambda: None)

    assert gate.is_set()
    await queue.run(lambda: None)
    queue.close()


async def test_a_call_of_another_thread_is_made_in_the_loop() -> None:
    called: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def note() -> None:
        called.set_result(threading.get_ident())

    thread = threading.Thread(target=in_loop(note))
    thread.start()

    assert await called == threading.get_ident()
    thread.join()


def test_a_call_for_a_closed_loop_is_dropped() -> None:
    async def scheduled() -> None:
        calls.append(in_loop(lambda future: None))

    calls: list[object] = []
    asyncio.run(scheduled())
    (call,) = calls
    assert callable(call)
    call(Future())
