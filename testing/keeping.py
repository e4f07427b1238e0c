# SPDX-License-Identifier: Apache-2.0
"""What an auth service keeps (log, recordings, retention) without its RPCs, by a clock of the test."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from proctor.audit.logs_file import FileLog
from proctor.audit.search.pool import Searches
from proctor.auth.housekeeping.retention import Policy, Removal, Retention
from proctor.auth.housekeeping.rounds import Housekeeping
from proctor.auth.ingest.recordings import RecordingIndexer
from proctor.core.clock import FakeClock
from proctor.model.events import UserLogin
from proctor.recording.archive import Archive
from proctor.recording.format import file_name
from proctor.recording.table import STATES, Filter, RecordingTable
from proctor.rpc._pb import record_pb2 as pb
from testing.recordserver import anyone

HOST = "1048a649-8f3f-4431-9529-0c53339b65a5"
NODE = "531dc1de-c2c9-49bd-a0e3-4f4f3a523f5f"


class Kept:
    """The parts over ``data``, opened; ``close`` at the end."""

    def __init__(self, data: Path, clock: FakeClock, policy: Policy | None = None) -> None:
        self.clock = clock
        self.log = FileLog(data / "log", HOST, clock, cluster_name="purple")
        self.archive = Archive(data / "log", HOST, clock)
        self._searches = Searches(self.log)
        table = RecordingTable(data / "backend/recordings.sqlite")
        self.recordings = RecordingIndexer(table, self.archive, self.log, self._searches, clock)
        policy = policy or Policy(timedelta(days=2), timedelta(days=2))
        self.retention = Retention(data / "backend/retention.json", policy, self.log, self.recordings, clock)
        self.housekeeping = Housekeeping(self.log, self.retention, lambda: None)

    def event(self, user: str = "alice") -> str:
        """Store an event; its ``uid``."""
        return str(self.log.append_own(UserLogin(user=user))["uid"])

    def record(self, sid: str, content: bytes = b"content", *, complete: bool = True) -> None:
        """Have a node upload a recording."""

        async def frames() -> AsyncIterator[pb.UploadFrame]:
            name = file_name(sid, "events")
            yield pb.UploadFrame(sid=sid, start=pb.UploadStart(server_id=NODE))
            yield pb.UploadFrame(sid=sid, chunk=pb.FileChunk(name=name, offset=0, data=content))
            if complete:
                state = pb.FileState(name=name, size=len(content), sha256=hashlib.sha256(content).digest())
                yield pb.UploadFrame(sid=sid, complete=pb.UploadComplete(files=[state]))

        async def upload() -> None:
            async for _ in self.recordings.upload(frames(), NODE, self.log.append_own, anyone):
                pass

        asyncio.run(upload())

    def remove(self) -> list[Removal]:
        """One run of retention, as housekeeping makes it."""
        return self.housekeeping.remove()

    def listed(self) -> set[str]:
        """Sessions in the list of recordings."""
        found, _ = asyncio.run(self.recordings.page(Filter(states=STATES), 10_000, "", lambda _: True))
        return {info.sid for info in found}

    def close(self) -> None:
        """Release everything."""

        async def close() -> None:
            await self.recordings.close()
            await self._searches.close()

        asyncio.run(close())
        self.log.close()
