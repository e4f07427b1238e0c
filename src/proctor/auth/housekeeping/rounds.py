# SPDX-License-Identifier: Apache-2.0
"""Rounds of the auth service: beginning days, compressing finished ones, removing what is due."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from proctor.auth.housekeeping.retention import Days, Removal, Retention
from proctor.core.errors import ProctorError, Unavailable
from proctor.core.tasks import TaskSet, Threads

PERIOD = 60.0
"""Seconds between two rounds."""

SPARED_BYTES = 64 << 20
"""Room on the disk that compressing leaves to what cannot be made again."""

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Housekeeping:
    """Lets days be over, has them compressed, and removes what is due, until it is closed.

    ``after``: called, in the thread of this, at the end of each round.
    """

    def __init__(
        self, log: Days, retention: Retention, after: Callable[[], None], *, period: float = PERIOD
    ) -> None:
        self._log = log
        self._retention = retention
        self._after = after
        self._period = period
        self._tasks = TaskSet("housekeeping")
        self._threads = Threads("retention", 1)

    def start(self) -> None:
        """Work now and once in each period; what fails is logged and tried again."""
        self._tasks.spawn(self._run(), name="rounds", vital=True)

    async def round(self) -> None:
        """Do once all there is to do."""
        for step in (self._remove, self._compress, self._report):
            await _logged(step())

    async def _run(self) -> None:
        while True:
            await self.round()
            await asyncio.sleep(self._period)

    async def _remove(self) -> None:
        for removal in await self._threads.run(self.remove):
            event = removal.event()
            _log.info(
                "retention: removed %d days with %d events, %d recordings, %d bytes",
                len(event.days), event.events, event.recordings, event.bytes,
            )  # fmt: skip

    def remove(self) -> list[Removal]:
        """One run of retention; blocks. Raises Unavailable."""
        self._log.begin_day()
        return self._retention.run()

    async def _compress(self) -> None:
        for day in await self._threads.run(self._log.finished):
            if day.compressed or shutil.disk_usage(self._log.directory).free < day.stored + SPARED_BYTES:
                continue
            await _logged(_compressed(self._log.directory / day.name))

    async def _report(self) -> None:
        await self._threads.run(self._after)

    async def call(self, work: Callable[[], T]) -> T:
        """The result of ``work``, between two steps of housekeeping."""
        return await self._threads.run(work)

    async def close(self) -> None:
        """Stop; on return nothing is under way."""
        await self._tasks.close()
        await self._threads.run(int)  # behind what has begun


async def _logged(work: Awaitable[None]) -> None:
    """Log how ``work`` fails: it is tried again in the next round, and the following work is done now."""
    try:
        await work
    except (ProctorError, OSError) as error:
        _log.warning("%s", error)


async def _compressed(path: Path) -> None:
    command = (sys.executable, "-P", "-m", "proctor.audit.compressed", str(path))
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise Unavailable(f"{path.name} is not compressed: {said.decode(errors='replace').strip()[-200:]}")
