# SPDX-License-Identifier: Apache-2.0
"""Rounds of housekeeping: all steps are done, a failed one stops no other, and small disks are spared."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from proctor.audit.dayfiles import compressed_days, day_files
from proctor.auth.housekeeping.retention import Policy
from proctor.auth.housekeeping.rounds import SPARED_BYTES, Housekeeping
from proctor.core.clock import FakeClock
from proctor.core.errors import Unavailable
from testing.keeping import Kept
from testing.polling import auntil

DAY = 86400.0
FIRST = "2023-07-04"


class Lab:
    """An audit log of one finished day and today; events are kept for two days."""

    def __init__(self, data: Path) -> None:
        self.kept = Kept(data, FakeClock(), Policy(timedelta(days=2)))
        self.kept.event()
        self.kept.clock.advance(DAY)
        self.kept.event()
        self.rounds = 0
        self.after: Callable[[], None] = lambda: None
        self.housekeeping = Housekeeping(self.kept.log, self.kept.retention, self._after, period=0.01)

    def _after(self) -> None:
        self.rounds += 1
        self.after()

    @property
    def days(self) -> list[str]:
        return [name[:10] for name in day_files(self.kept.log.directory)]

    @property
    def compressed(self) -> list[str]:
        return sorted(name[:10] for name in compressed_days(self.kept.log.directory))


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    lab = await asyncio.to_thread(Lab, tmp_path)
    yield lab
    await lab.housekeeping.close()
    await asyncio.to_thread(lab.kept.close)


def free_bytes(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=count))


async def test_round_compresses_finished_days_and_removes_those_that_are_due(lab: Lab) -> None:
    await lab.housekeeping.round()
    assert (lab.days, lab.compressed, lab.rounds) == ([FIRST, "2023-07-05"], [FIRST], 1)
    lab.kept.clock.advance(DAY)
    await lab.housekeeping.round()
    lab.kept.clock.advance(DAY)
    await lab.housekeeping.round()
    assert FIRST not in lab.days
    assert "2023-07-05" in lab.compressed
    assert lab.rounds == 3


async def test_days_are_compressed_only_while_there_is_space(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = next(day.stored for day in lab.kept.log.finished())
    free_bytes(monkeypatch, SPARED_BYTES + size - 1)
    await lab.housekeeping.round()
    assert lab.compressed == []
    free_bytes(monkeypatch, SPARED_BYTES + size)
    await lab.housekeeping.round()
    assert lab.compressed == [FIRST]


@pytest.mark.parametrize("error", [Unavailable("no space"), OSError(errno.EIO, os.strerror(errno.EIO))])
async def test_step_that_fails_is_logged_and_stops_no_other(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def refuse(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(shutil, "disk_usage", refuse)
        await lab.housekeeping.round()
    assert len(caplog.records) == 1
    assert (lab.compressed, lab.rounds) == ([], 1)
    await lab.housekeeping.round()
    assert lab.compressed == [FIRST]


async def test_day_that_cannot_be_compressed_keeps_no_other_from_it(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    lab.kept.clock.advance(DAY)
    await asyncio.to_thread(lab.kept.event)
    path = lab.kept.log.directory / day_files(lab.kept.log.directory)[0]
    lines = path.read_bytes()
    path.unlink()
    path.mkdir()  # no file, which not even root can read
    with caplog.at_level(logging.WARNING):
        await lab.housekeeping.round()
    assert [record.message.partition(" is not compressed")[0] for record in caplog.records] == [path.name]
    assert lab.compressed == ["2023-07-05"]
    path.rmdir()
    path.write_bytes(lines)
    await lab.housekeeping.round()
    assert lab.compressed == [FIRST, "2023-07-05"]


async def test_rounds_go_on_until_closed(lab: Lab) -> None:
    lab.housekeeping.start()
    await auntil(lambda: lab.rounds >= 3)
    await lab.housekeeping.close()
    rounds = lab.rounds
    await lab.housekeeping.close()
    assert lab.rounds == rounds


async def test_close_waits_for_what_has_begun(lab: Lab) -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        assert go_on.wait(10)
        ended.set()

    lab.after = slow
    lab.housekeeping.start()
    await auntil(begun.is_set)
    closing = asyncio.ensure_future(lab.housekeeping.close())
    done, _ = await asyncio.wait({closing}, timeout=0.05)
    assert not done
    go_on.set()
    await closing
    assert ended.is_set()


async def test_other_work_is_done_between_steps(lab: Lab) -> None:
    assert await lab.housekeeping.call(lambda: 7) == 7
    with pytest.raises(Unavailable):
        await lab.housekeeping.call(_unavailable)


def _unavailable() -> None:
    raise Unavailable("no")
