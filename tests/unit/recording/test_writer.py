# SPDX-License-Identifier: Apache-2.0
import asyncio
import errno
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from proctor.core.clock import FakeClock
from proctor.core.errors import AlreadyExists, BadRequest
from proctor.model.event import SESSION_DATA_INDEX, Event
from proctor.model.events import SessionCommand, SessionData, SessionEnd, SessionLoss, SessionStart
from proctor.recording import files, flush_timer, writer
from proctor.recording.format import Timeline
from proctor.recording.writer import Interrupted, RecordingError, SessionWriter, recover
from testing.polling import auntil
from testing.recorder import piece
from testing.records import SID, contents, lines, small_recording

JOURNAL = f"{SID}.journal"


def recovered(directory: Path, lost: list[Event] | None = None) -> list[Interrupted]:
    return recover(directory, FakeClock(), emit=(lost if lost is not None else []).append)


def output_of(directory: Path) -> bytes:
    return b"".join(entry.data for entry in timeline_of(directory).entries)


def timeline_of(directory: Path) -> Timeline:
    return Timeline.decode({n: d for n, d in contents(directory).items() if not n.endswith("journal")})


def test_output_is_not_dated_before_the_event_that_it_follows(tmp_path: Path) -> None:
    """Both times are rounded down, and the one of output is a sum."""
    clock = FakeClock()
    clock.advance(0.0006)
    recorder = SessionWriter(tmp_path, SID, clock)
    clock.advance(0.0005)
    recorder.event(SessionStart(sid=SID))
    recorder.output(b"prompt")
    recorder.close()

    start, output = [entry.event["time"] for entry in timeline_of(tmp_path).entries]
    assert output == start


def test_only_kinds_with_events_have_files(tmp_path: Path) -> None:
    recorder = SessionWriter(tmp_path, SID)
    recorder.event(SessionStart(sid=SID))
    recorder.close()
    assert set(contents(tmp_path)) == {f"{SID}-0.events.gz", f"{SID}.index"}


def test_the_index_names_each_file_once(tmp_path: Path) -> None:
    small_recording(tmp_path)
    assert [line["type"] for line in lines(tmp_path / f"{SID}.index")] == [
        "chunks",
        "events",
        "session.command",
        "session.network",
    ]


def test_events_are_returned_as_recorded(tmp_path: Path) -> None:
    recorder = SessionWriter(tmp_path, SID, FakeClock(), cluster_name="purple")
    recorder.output(b"before")
    start = recorder.event(SessionStart(sid=SID))
    data = recorder.event(SessionData(sid=SID, tx=6))
    command, end = recorder.events([SessionCommand(sid=SID), {"event": "session.end", "code": "T2004I"}])
    recorder.close()
    assert (start["ei"], data["ei"], command["ei"], end["ei"]) == (1, SESSION_DATA_INDEX, 2, 3)
    assert start["cluster_name"] == "purple"
    stored = lines(tmp_path / f"{SID}-0.events.gz")
    assert [event for event in stored if event["event"] != "print"] == [start, data, end]
    assert lines(tmp_path / f"{SID}-0.session.command-events.gz") == [command]


def test_a_session_is_recorded_once(tmp_path: Path) -> None:
    recorder = SessionWriter(tmp_path, SID)
    with pytest.raises(AlreadyExists):
        SessionWriter(tmp_path, SID)
    recorder.event(SessionStart(sid=SID))
    recorder.close()
    with pytest.raises(AlreadyExists):
        SessionWriter(tmp_path, SID)


def test_a_session_id_cannot_leave_the_directory(tmp_path: Path) -> None:
    with pytest.raises(BadRequest):
        SessionWriter(tmp_path, "../../x")


def test_what_is_no_event_is_refused_and_nothing_of_its_batch_recorded(tmp_path: Path) -> None:
    recorder = SessionWriter(tmp_path, SID)
    with pytest.raises(BadRequest):
        recorder.events([SessionCommand(sid=SID), {"event": "x"}])
    assert recorder.event(SessionCommand(sid=SID))["ei"] == 0


def test_after_closing_nothing_is_accepted(tmp_path: Path) -> None:
    recorder = SessionWriter(tmp_path, SID)
    recorder.close()
    recorder.close()
    with pytest.raises(RecordingError, match="closed"):
        recorder.output(b"late")
    assert recorder.lost_bytes == 4


def test_a_torn_journal_at_every_offset_recovers_what_was_whole(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    recorder = SessionWriter(origin, SID, FakeClock())
    recorder.event(SessionStart(sid=SID, user="alice"))
    recorder.output(b"one ")
    recorder.flush()
    flushed = (origin / JOURNAL).stat().st_size
    recorder.output(b"two ")
    recorder.event(SessionCommand(sid=SID))
    recorder.output(b"three ")
    whole, journal = b"one two three ", (origin / JOURNAL).read_bytes()
    for size in range(flushed, len(journal) + 1):
        copy = tmp_path / str(size)
        shutil.copytree(origin, copy)
        os.truncate(copy / JOURNAL, size)
        (session,) = recovered(copy)
        session.writer.close()
        found = output_of(copy)
        assert whole.startswith(found)
        assert len(found) >= len(b"one ")
        numbers = [entry.event["ei"] for entry in timeline_of(copy).entries]
        assert numbers == list(range(len(numbers))) == list(range(session.last_ei + 1))
    assert found == whole


def test_torn_members_behind_the_last_flush_are_cut(tmp_path: Path) -> None:
    recorder = SessionWriter(tmp_path, SID, FakeClock())
    recorder.output(b"one ")
    recorder.flush()
    recorder.output(b"two ")
    for path in tmp_path.glob("*.gz"):
        with path.open("ab") as file:
            file.write(b"\x1f\x8b torn")
    (tmp_path / f"{SID}-0.session.disk-events.gz").write_bytes(b"torn")
    (session,) = recovered(tmp_path)
    session.writer.close()
    assert output_of(tmp_path) == b"one two "
    assert not (tmp_path / f"{SID}-0.session.disk-events.gz").exists()


def test_the_same_journal_gives_the_same_bytes_whoever_moves_them(tmp_path: Path) -> None:
    origin, copy = tmp_path / "origin", tmp_path / "copy"
    recorder = SessionWriter(origin, SID, FakeClock())
    for number in range(50):
        recorder.output(piece(number))
        recorder.event(SessionCommand(sid=SID))
    shutil.copytree(origin, copy)
    recorder.close()
    (session,) = recovered(copy)
    session.writer.close()
    assert contents(copy) == contents(origin)


def test_an_interrupted_session_tells_how_it_ended(tmp_path: Path) -> None:
    clock = FakeClock()
    recorder = SessionWriter(tmp_path, SID, clock, cluster_name="purple")
    start = recorder.event(
        SessionStart(
            sid=SID, user="alice", login="root", size="80:24", addr_remote="10.0.0.1:5", server_id="n"
        )
    )
    recorder.event(SessionCommand(sid=SID))
    clock.advance(3)
    recorder.output(b"x")
    (session,) = recovered(tmp_path)
    assert (session.ended, session.enhanced, session.last_ei) == (False, True, 2)
    end = session.writer.event(session.session_end())
    assert end["ei"] == 3
    assert end["session_start"] == start["time"]
    assert end["session_stop"] == "2023-07-04T16:42:23Z"
    assert end["participants"] == ["alice"]
    assert (end["interactive"], end["enhanced_recording"]) == (True, True)
    assert (end["addr.remote"], end["server_id"], end["cluster_name"]) == ("10.0.0.1:5", "n", "purple")
    session.writer.close()
    assert not recovered(tmp_path)


def test_an_ended_session_says_so_even_when_it_was_flushed_long_ago(tmp_path: Path) -> None:
    recorder = SessionWriter(tmp_path, SID)
    recorder.event(SessionStart(sid=SID))
    recorder.event(SessionEnd(sid=SID))
    recorder.flush()
    (session,) = recovered(tmp_path)
    assert session.ended
    assert session.start["event"] == "session.start"


def test_what_cannot_be_recovered_is_set_aside_and_reported(tmp_path: Path) -> None:
    directory = tmp_path / "upload/sessions/default"
    recorder = SessionWriter(directory, SID)
    recorder.output(b"gone")
    recorder.flush()
    (directory / f"{SID}-0.chunks.gz").write_bytes(b"")
    lost: list[Event] = []
    assert not recovered(directory, lost)
    assert not contents(directory)
    assert JOURNAL in contents(tmp_path / "upload/corrupted/default")
    (event,) = lost
    assert isinstance(event, SessionLoss)
    assert (event.sid, event.lost) == (SID, {"recording": 1})


def test_the_journal_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "JOURNAL_LIMIT", 10_000)
    recorder = SessionWriter(tmp_path, SID, FakeClock())
    for number in range(100):
        recorder.output(piece(number))
        if number % 7 == 0:
            recorder.flush()
            recorder.output(b"!")
    assert (tmp_path / JOURNAL).stat().st_size < 20_000
    (session,) = recovered(tmp_path)
    session.writer.close()
    expected = b"".join(piece(n) + (b"!" if n % 7 == 0 else b"") for n in range(100))
    assert output_of(tmp_path) == expected


class FullDisk:
    """Lets ``left`` bytes through ``os.pwrite``, then fails as a full disk does."""

    def __init__(self, left: int) -> None:
        self.left = left
        self._pwrite = os.pwrite

    def __call__(self, descriptor: int, data: bytes, offset: int) -> int:
        if not self.left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._pwrite(descriptor, bytes(data)[: self.left], offset)
        self.left -= written
        return written


@pytest.mark.parametrize("left", [0, 1, 5, 12, 100, 300])
def test_a_full_disk_refuses_and_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    recorder = SessionWriter(tmp_path, SID, FakeClock())
    recorder.output(b"kept ")
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", FullDisk(left))
        for act in (lambda: recorder.output(b"x" * 400), lambda: recorder.event(SessionCommand(sid=SID))):
            with pytest.raises(RecordingError, match="No space left"):
                act()
        with pytest.raises(RecordingError):
            recorder.flush()
    assert (recorder.lost_bytes, recorder.lost_events) == (400, 1)
    recorder.output(b"again")
    assert recorder.event(SessionCommand(sid=SID))["ei"] == 1
    recorder.close()
    assert output_of(tmp_path) == b"kept again"


@pytest.mark.parametrize("left", range(0, 420, 13))
def test_a_disk_that_fills_while_flushing_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    origin, copy = tmp_path / "origin", tmp_path / "copy"
    recorder = SessionWriter(origin, SID, FakeClock())
    recorder.output(b"one ")
    recorder.flush()
    recorder.output(b"two ")
    recorder.event(SessionCommand(sid=SID))
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", FullDisk(left))
        with pytest.raises(RecordingError):
            recorder.flush()
    shutil.copytree(origin, copy)
    (session,) = recovered(copy)
    session.writer.output(b"three")
    session.writer.close()
    recorder.output(b"three")
    recorder.close()
    assert output_of(copy) == output_of(origin) == b"one two three"
    assert len(timeline_of(copy).entries) == len(timeline_of(origin).entries) == 4


def run_and_kill(directory: Path, sid: str, seconds: float) -> list[list[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "testing.recorder", directory, sid], stdout=subprocess.PIPE
    )
    assert process.stdout
    process.stdout.readline()
    threading.Timer(seconds, process.kill).start()
    said = process.stdout.read()
    process.stdout.close()
    assert process.wait() == -9
    return [line.split() for line in said.decode().splitlines()]


@pytest.mark.parametrize("seed", range(8))
def test_killed_at_any_moment_no_accepted_byte_is_lost_or_doubled(tmp_path: Path, seed: int) -> None:
    sid = str(uuid.UUID(int=seed, version=4))
    said = run_and_kill(tmp_path, sid, random.Random(seed).uniform(0.001, 0.4))
    (session,) = recovered(tmp_path)
    session.writer.close()
    accepted = [int(line[1]) for line in said if line[0] == "output"]
    expected = b"".join(map(piece, accepted))
    # The piece under way when the process died may be there too, whole or not at all.
    assert output_of(tmp_path) in {expected, expected + piece(len(accepted))}
    entries = timeline_of(tmp_path).entries
    assert sorted(entry.event["ei"] for entry in entries) == list(range(len(entries)))
    stored = [entry.event["uid"] for entry in entries if "uid" in entry.event]
    assert len(stored) == len(set(stored))
    assert {line[1] for line in said if line[0] == "event"} <= set(stored)


def test_threads_share_a_writer(tmp_path: Path) -> None:
    recorder = SessionWriter(tmp_path, SID)

    def record() -> None:
        for _ in range(200):
            recorder.output(b"ab")
            recorder.event(SessionCommand(sid=SID))

    def flush() -> None:
        for _ in range(30):
            recorder.flush()

    threads = [threading.Thread(target=act) for act in (record, record, flush)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    entries = timeline_of(tmp_path).entries
    assert sorted(entry.event["ei"] for entry in entries) == list(range(len(entries)))
    assert output_of(tmp_path) == b"ab" * 400


async def test_output_is_in_the_files_soon_without_being_asked(tmp_path: Path) -> None:
    recorder = SessionWriter(tmp_path, SID)
    reported: list[tuple[str, dict[str, int]]] = []
    keeper = asyncio.create_task(
        recorder.keep_flushed(lambda sid, sizes: reported.append((sid, dict(sizes))))
    )
    begun = time.monotonic()
    recorder.output(b"hello")
    await auntil(lambda: reported, 5)
    assert timedelta(seconds=time.monotonic() - begun) < timedelta(seconds=2)
    assert output_of(tmp_path) == b"hello"
    assert reported[0] == (SID, {n: len(d) for n, d in contents(tmp_path).items() if n != JOURNAL})
    recorder.output(bytes(flush_timer.FLUSH_BYTES))
    await auntil(lambda: len(reported) > 1, 5)
    recorder.output(b"bye")
    await asyncio.to_thread(recorder.close)
    await asyncio.wait_for(keeper, 5)
    assert reported[-1] == (SID, {name: len(data) for name, data in contents(tmp_path).items()})


async def test_flushing_goes_on_when_the_disk_has_space_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.05)
    recorder = SessionWriter(tmp_path, SID)
    reported: list[Mapping[str, int]] = []
    append: Callable[..., Any] = files.Files.append
    failures = iter([True, True])

    def fail_twice(self: files.Files, moved: Mapping[str, bytes]) -> None:
        if next(failures, False):
            raise OSError(errno.ENOSPC, "No space left on device")
        append(self, moved)

    monkeypatch.setattr(files.Files, "append", fail_twice)
    keeper = asyncio.create_task(recorder.keep_flushed(lambda _, sizes: reported.append(sizes)))
    recorder.output(b"hello")
    await auntil(lambda: reported, 5)
    assert output_of(tmp_path) == b"hello"
    await asyncio.to_thread(recorder.close)
    await keeper
