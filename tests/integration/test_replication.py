# SPDX-License-Identifier: Apache-2.0
"""Recordings on their way from a node to the archive."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from proctor.audit.log import Query
from proctor.model.event import Event
from proctor.model.events import SessionEnd, SessionLoss, SessionStart
from proctor.recording import upload
from proctor.recording.entry_stream import live
from proctor.recording.format import Timeline
from proctor.recording.upload import Replicator
from proctor.recording.writer import SessionWriter, recover
from testing.polling import auntil
from testing.records import SID, contents, small_recording
from testing.recordserver import HOST, NODE, Receiver, connected, started

Stop = Callable[[], Awaitable[None]]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "LONGEST_WAIT", 0.3)
    monkeypatch.setattr(upload, "SCAN_SECONDS", 0.3)


class Cluster:
    """An auth service that can go and come back, and a node that replicates to it."""

    def __init__(self, directory: Path) -> None:
        self._auth = directory / "auth"
        self.uploads = directory / "node/upload/sessions/default"
        self.emitted: list[Event] = []
        self.port = 0

    async def start(self) -> None:
        await self.start_auth()
        self.client = connected(self.port)
        self.replicator = Replicator(self.uploads, lambda: self.client, NODE, emit=self.emitted.append)
        self._run = asyncio.create_task(self.replicator.run())

    async def start_auth(self) -> None:
        self.receiver: Receiver
        self.receiver, self.port, self.stop_auth = await started(self._auth, self.port)

    async def stop(self) -> None:
        self._run.cancel()
        await asyncio.wait([self._run])
        await self.client.close()
        await self.stop_auth()

    def stored(self, sid: str = SID) -> dict[str, bytes]:
        files = contents(self._auth / "log" / HOST / "sessions/default")
        return {name: data for name, data in files.items() if name.startswith(sid)}

    def uploaded(self) -> list[bytes]:
        return self.receiver.log.search(Query(event_types=("session.upload",))).events


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    running = Cluster(tmp_path)
    await running.start()
    yield running
    await running.stop()


async def test_a_finished_recording_moves_to_the_archive(cluster: Cluster) -> None:
    files = contents(small_recording(cluster.uploads))
    assert await cluster.replicator.completed(SID, 10)
    assert cluster.stored() == files
    assert not contents(cluster.uploads)
    assert len(cluster.uploaded()) == 1


async def test_a_live_recording_can_be_watched_while_it_grows(cluster: Cluster) -> None:
    writer = SessionWriter(cluster.uploads, SID)
    keeper = asyncio.create_task(writer.keep_flushed(cluster.replicator.notify))
    writer.event(SessionStart(sid=SID, size="80:24"))
    await auntil(lambda: cluster.receiver.archive.has(SID))
    seen: list[tuple[float, bytes]] = []

    async def watch() -> None:
        async for entry in live(cluster.receiver.archive.read(SID, follow=True)):
            seen.append((time.monotonic(), entry.data))

    watcher = asyncio.create_task(watch())
    for number in range(3):
        text = f"line {number}\r\n".encode()
        begun = time.monotonic()
        writer.output(text)
        await auntil(lambda text=text: text in [data for _, data in seen])  # type: ignore[misc]
        assert seen[-1][0] - begun < 2
    assert cluster.receiver.archive.held() == {SID: False}
    writer.event(SessionEnd(sid=SID))
    await asyncio.to_thread(writer.close)
    assert await cluster.replicator.completed(SID, 10)
    await asyncio.wait_for(asyncio.gather(watcher, keeper), 10)
    assert b"".join(data for _, data in seen) == b"line 0\r\nline 1\r\nline 2\r\n"
    assert cluster.receiver.archive.held() == {SID: True}


async def test_an_archive_that_is_away_gets_everything_when_it_is_back(cluster: Cluster) -> None:
    writer = SessionWriter(cluster.uploads, SID)
    keeper = asyncio.create_task(writer.keep_flushed(cluster.replicator.notify))
    writer.output(b"before ")
    await auntil(cluster.stored)
    await cluster.stop_auth()
    writer.output(b"while ")
    await asyncio.to_thread(writer.flush)
    assert not await cluster.replicator.completed(SID, 0.3)
    await cluster.start_auth()
    writer.output(b"after")
    await asyncio.to_thread(writer.close)
    assert await cluster.replicator.completed(SID, 10)
    await keeper
    assert b"".join(e.data for e in Timeline.decode(cluster.stored()).entries) == b"before while after"


async def test_a_large_recording_arrives_whole(cluster: Cluster) -> None:
    writer = SessionWriter(cluster.uploads, SID)
    keeper = asyncio.create_task(writer.keep_flushed(cluster.replicator.notify))
    pieces = [uuid.uuid4().bytes * 4096 for _ in range(80)]
    for piece in pieces:
        writer.output(piece)
        await asyncio.sleep(0)
    await asyncio.to_thread(writer.close)
    assert await cluster.replicator.completed(SID, 30)
    await keeper
    assert b"".join(e.data for e in Timeline.decode(cluster.stored()).entries) == b"".join(pieces)


async def test_a_recording_in_progress_is_left_alone_until_it_is_recovered(cluster: Cluster) -> None:
    writer = SessionWriter(cluster.uploads, SID)
    writer.output(b"x")
    writer.flush()
    assert not await cluster.replicator.completed(SID, 0.7)
    assert not cluster.stored()
    (session,) = recover(cluster.uploads, emit=cluster.emitted.append)
    session.writer.event(session.session_end())
    session.writer.close()
    assert await cluster.replicator.completed(SID, 10)


async def test_one_bad_recording_is_set_aside_and_stops_no_other(cluster: Cluster, tmp_path: Path) -> None:
    bad, good = SID, str(uuid.uuid4())
    archived = tmp_path / "auth/log" / HOST / "sessions/default"
    (archived / f"{bad}-0.chunks.gz").write_bytes(b"something else")
    small_recording(cluster.uploads)
    writer = SessionWriter(cluster.uploads, good)
    writer.output(b"fine")
    writer.close()
    assert await cluster.replicator.completed(good, 10)
    assert not await cluster.replicator.completed(bad, 10)
    await auntil(lambda: cluster.emitted)
    (event,) = cluster.emitted
    assert isinstance(event, SessionLoss)
    assert (event.sid, event.server_id) == (bad, NODE)
    assert "unknown origin" in event.reason
    aside = contents(tmp_path / "node/upload/corrupted/default")
    assert len(aside) == 5
    assert not contents(cluster.uploads)


async def test_a_crash_between_completion_and_removal_uploads_nothing_twice(cluster: Cluster) -> None:
    files = contents(small_recording(cluster.uploads))
    assert await cluster.replicator.completed(SID, 10)
    for name, data in list(files.items())[1:]:
        (cluster.uploads / name).write_bytes(data)
    await auntil(lambda: not contents(cluster.uploads))
    assert cluster.stored() == files
    assert len(cluster.uploaded()) == 1
