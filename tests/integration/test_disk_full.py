# SPDX-License-Identifier: Apache-2.0
"""Recorders on a disk that becomes full at any point: what was accepted is there, all else counted once."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from proctor.audit.spool import Spool
from proctor.core.errors import ProctorError
from proctor.model.event_types import EventFields
from proctor.model.events import Exec, SessionEnd, SessionStart
from proctor.node.record.recorder import Recorder
from proctor.recording.format import Timeline, file_names
from proctor.recording.writer import WRITES, SessionWriter, recover
from testing.disks import ext4, fill, tmpfs, use_up_inodes
from tests.unit.node.record.test_recorder import CONTEXT

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, and a small file system")
SESSIONS, EVENTS, OUTPUT = 3, 40, b"0123456789abcdef" * 200
Disk = Callable[[Path], AbstractContextManager[Path]]
DISKS: dict[str, Disk] = {
    "tmpfs": lambda place: tmpfs(place, 640 << 10),
    "ext4": lambda place: ext4(place, 4 << 20),
}


class Run:
    """Sessions with their records on one disk."""

    def __init__(self, disk: Path) -> None:
        self.disk = disk
        self.spool = Spool(disk / "spool", source="node/n", cluster_name="purple")
        self.recorders: dict[str, Recorder] = {}
        self.failed: list[str] = []

    def begin(self) -> None:
        """Start another session."""
        sid = str(uuid4())
        writer = SessionWriter(self.disk / "recordings", sid, cluster_name="purple")
        recorder = Recorder(
            replace(CONTEXT, sid=sid), writer, self.spool, strict=False, failed=self.failed.append
        )
        recorder.emit(SessionStart(size="80:24"))
        recorder.reserve(16 << 10)
        self.recorders[sid] = recorder

    def work(self) -> None:
        """Each session has events and output."""
        for number in range(EVENTS):
            for recorder in self.recorders.values():
                recorder.record([recorder.context.fill(Exec(command=f"{number} " + "x" * 300))])
                recorder.output(os.urandom(1000) + OUTPUT)

    def flush(self) -> None:
        """As the flusher does it."""
        for recorder in self.recorders.values():
            if recorder.writer is not None:
                recorder.writer.flush()

    async def end(self) -> None:
        """All sessions end, and their recordings are completed."""
        for recorder in self.recorders.values():
            recorder.report_losses()
            recorder.emit(SessionEnd(participants=["alice"]), last=True)
        async with asyncio.timeout(10):
            await asyncio.gather(*(recorder.finish(WRITES.run) for recorder in self.recorders.values()))

    def spooled(self, sid: str) -> list[dict[str, Any]]:
        """Events of a session in the spool."""
        paths = sorted((self.disk / "spool").glob("*.ndjson"))
        events = [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]
        return [event for event in events if event.get("sid") == sid]

    def recorded(self, sid: str) -> list[EventFields]:
        """Events of a session in its recording, which must be complete."""
        directory = self.disk / "recordings"
        assert not (directory / f"{sid}.journal").exists()
        files = {name: directory / name for name in file_names(sid)}
        timeline = Timeline.decode({name: path.read_bytes() for name, path in files.items() if path.exists()})
        assert not timeline.torn
        return [entry.event for entry in timeline.entries]

    def check(self) -> int:
        """Whatever was asked to be recorded is there or counted, once; how many events were lost."""
        total = 0
        for sid in self.recorders:
            recorded, spooled = self.recorded(sid), self.spooled(sid)
            for events in (recorded, spooled):
                assert len([event for event in events if event["event"] == "session.end"]) == 1
            losses = [event["lost"] for event in spooled if event["event"] == "session.loss"]
            assert losses == [event["lost"] for event in recorded if event["event"] == "session.loss"]
            both = {e["uid"] for e in recorded if e["event"] == "exec"} & {
                e["uid"] for e in spooled if e["event"] == "exec"
            }
            lost = sum(loss.get("events", 0) for loss in losses)
            assert len(both) + lost == EVENTS
            output = sum(event["bytes"] for event in recorded if event["event"] == "print")
            lost_bytes = sum(loss.get("bytes", 0) for loss in losses)
            assert output + lost_bytes == EVENTS * (1000 + len(OUTPUT))
            total += lost
        assert not any(b"audit.gap" in path.read_bytes() for path in self.disk.glob("spool/*.ndjson"))
        return total


@pytest.mark.parametrize("kind", DISKS)
async def test_disk_that_is_full_at_any_point(tmp_path: Path, kind: str) -> None:
    """The disk stays full to the end, and every block that is freed is taken by somebody else."""
    lost = []
    for leave in range(0, 100, 4 if kind == "tmpfs" else 9):
        with DISKS[kind](tmp_path / f"disk-{leave}") as disk:
            run = Run(disk)
            for _ in range(SESSIONS):
                run.begin()
            fill(disk, leave)
            run.work()
            fill(disk)
            run.flush()
            fill(disk)
            await run.end()
            lost.append(run.check())
            run.spool.close()
    assert lost[0] > 0


async def test_disk_that_is_full_for_a_while(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk", 1 << 20) as disk:
        run = Run(disk)
        for _ in range(SESSIONS):
            run.begin()
        filler = fill(disk)
        run.work()
        filler.unlink()
        await run.end()
        assert 0 < run.check() < SESSIONS * EVENTS


async def test_no_inode_is_left(tmp_path: Path) -> None:
    """Sessions that have begun are recorded on; another does not begin."""
    with tmpfs(tmp_path / "disk", 4 << 20, inodes=64) as disk:
        run = Run(disk)
        for _ in range(SESSIONS):
            run.begin()
        empty = use_up_inodes(disk)
        with pytest.raises(ProctorError, match="No space left"):
            run.begin()
        run.work()
        await run.end()
        lost = run.check()
        assert lost == 0
        for path in empty.iterdir():
            path.unlink()
        run.begin()


async def test_full_disk_refuses_a_session_and_leaves_nothing_of_it(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk", 256 << 10) as disk:
        run = Run(disk)
        (disk / "recordings").mkdir()
        for leave in range(8):
            filler = fill(disk, leave)
            with pytest.raises(ProctorError, match="No space left"):
                run.begin()
            assert list((disk / "recordings").iterdir()) == []
            filler.unlink()


async def test_recording_whose_files_are_removed_is_given_up(tmp_path: Path) -> None:
    """The log says so; nothing waits for what does not come back."""
    run = Run(tmp_path)
    run.begin()
    run.work()
    for path in (tmp_path / "recordings").iterdir():
        path.unlink()
    (tmp_path / "recordings").rmdir()
    with pytest.raises(ProctorError, match="removed"):
        run.flush()
    (recorder,) = run.recorders.values()
    recorder.emit(Exec(command="lost"))
    await run.end()

    events = run.spooled(recorder.context.sid)
    assert [event["event"] for event in events[-3:]] == ["exec", "session.loss", "session.end"]
    assert "was removed" in events[-2]["reason"]


@pytest.mark.parametrize("kind", DISKS)
async def test_recordings_are_recovered_on_a_full_disk(tmp_path: Path, kind: str) -> None:
    """A node that was killed is started again while the disk is full: nothing is set aside as damaged."""
    with DISKS[kind](tmp_path / "disk") as disk:
        run = Run(disk)
        for _ in range(SESSIONS):
            run.begin()
        fill(disk, 40)
        run.work()
        filler = fill(disk)

        found = recover(disk / "recordings", cluster_name="purple", emit=run.spool.append)
        for interrupted in found:
            interrupted.writer.events([interrupted.session_end()], reserved=True)
            interrupted.writer.close()
        filler.unlink()

        left = recover(disk / "recordings", cluster_name="purple", emit=run.spool.append)
        for interrupted in left:
            interrupted.writer.close()
        assert {interrupted.sid for interrupted in [*found, *left]} == run.recorders.keys()
        assert not (disk / "corrupted").exists()
        assert not (tmp_path / "corrupted").exists()
        for sid in run.recorders:
            assert run.recorded(sid)[0]["event"] == "session.start"
