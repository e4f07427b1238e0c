# SPDX-License-Identifier: Apache-2.0
import asyncio
import logging

import pytest

from proctor.core.tasks import TaskSet, on_vital_end


async def test_failures_are_logged_with_the_name_of_the_task(caplog: pytest.LogCaptureFixture) -> None:
    tasks = TaskSet("node")

    async def fail() -> None:
        raise RuntimeError("no disk")

    with caplog.at_level(logging.ERROR):
        task = tasks.spawn(fail(), name="spool")
        await asyncio.wait([task])
        assert await tasks.drain(1)
    assert "node/spool failed: no disk" in caplog.text


async def test_drain_tells_when_time_is_up_and_close_cancels() -> None:
    tasks = TaskSet("node")
    task = tasks.spawn(asyncio.Event().wait(), name="forever")
    assert not await tasks.drain(0)
    await tasks.close()
    assert task.cancelled()
    assert await tasks.drain(0)


async def test_the_end_of_a_vital_task_is_reported_with_its_reason() -> None:
    reasons: list[str] = []
    on_vital_end(reasons.append)
    tasks = TaskSet("node")

    async def fail() -> None:
        raise OSError("no descriptors")

    async def give_up() -> None:
        return

    failed = tasks.spawn(fail(), name="accept", vital=True)
    returned = tasks.spawn(give_up(), name="spool", vital=True)
    cancelled = tasks.spawn(asyncio.Event().wait(), name="cache", vital=True)
    cancelled.cancel()
    tasks.spawn(give_up(), name="session")
    await asyncio.wait([failed, returned, cancelled])
    await tasks.drain(1)
    assert sorted(reasons) == [
        "task node/accept has ended: no descriptors",
        "task node/cache has ended: it should never return",
        "task node/spool has ended: it should never return",
    ]


async def test_closing_ends_vital_tasks_without_a_report() -> None:
    reasons: list[str] = []
    on_vital_end(reasons.append)
    tasks = TaskSet("node")
    tasks.spawn(asyncio.Event().wait(), name="accept", vital=True)
    await tasks.close()
    assert reasons == []
