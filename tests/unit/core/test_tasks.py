import asyncio
import logging

import pytest

from proctor.core.tasks import TaskSet


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
