# SPDX-License-Identifier: Apache-2.0
"""Rounds of housekeeping: all steps are done, a failed one stops no other, and small disks are spared."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections import namedtuple
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from proctor.audit.compressed import compressed_path
from proctor.audit.dayfiles import compressed_days, day_files
from proctor.auth.housekeeping.retention import Policy
from proctor.auth.housekeeping.rounds import SPARED_BYTES, Housekeeping
from proctor.core.clock import FakeClock
from testing.keeping import Kept
from testing.polling import auntil

DAY = 86400.0
DiskUsage = namedtuple("DiskUsage", "total used free")  # as shutil.disk_usage has it


class Lab:
    """An audit log of one finished day and one that is not; recordings are kept."""

    def __init__(self, data: Path) -> None:
        self.kept = Kept(data, FakeClock(), Policy(timedelta(days=2)))
        self.kept.event()
        self.kept.clock.advance(DAY)
        self.kept.event()
        self.rounds = 0
        self.housekeeping = self._made(self._count)

    def _made(self, after: object) -> Housekeeping:
        return Housekeeping(self.kept.log, self.kept.retention, self._count, period=0.01)

    def _count(self) -> None:
        self.rounds += 1

    @property
    def days(self) -> list[str]:
        return day_files(self.kept.log.directory)


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    await lab.housekeeping.close()
    await asyncio.to_thread(lab.kept.close)
