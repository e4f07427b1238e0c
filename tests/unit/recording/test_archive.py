# SPDX-License-Identifier: Apache-2.0
import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from proctor.core.clock import FakeClock
from proctor.core.errors import (
    AccessDenied,
    AlreadyExists,
    BadRequest,
    Corrupted,
    NotFound,
    ProctorError,
    Unavailable,
)
from proctor.model.event import Event
from proctor.model.events import SessionUpload
from proctor.recording.archive import Archive
from proctor.recording.format import file_names
from proctor.rpc._pb import record_pb2 as pb
from testing.records import SID, contents, small_recording
from testing.recordserver import anyone

HOST = "1048a649-8f3f-4431-9529-0c53339b65a5"
NODE = "531dc1de-c2c9-49bd-a0e3-4f4f3a523f5f"
EVENTS = f"{SID}-0.events.gz"
GOLDEN = contents(Path(__file__).parents[2] / "golden/recording")
START = pb.UploadFrame(sid=SID, start=pb.UploadStart(server_id=NODE))


def opened(data_dir: Path) -> Archive:
    return Archive(data_dir / "log", HOST, FakeClock())


def chunk(name: str, offset: int, data: bytes) -> pb.UploadFrame:
    return pb.UploadFrame(sid=SID, chunk=pb.FileChunk(name=name, offset=offset, data=data))


def complete(files: dict[str, bytes]) -> pb.UploadFrame:
    states = [
        pb.FileState(name=name, size=len(data), sha256=hashlib.sha256(data).digest())
        for name, data in files.items()
    ]
    return pb.UploadFrame(sid=SID, complete=pb.UploadComplete(files=states))


def whole(files: dict[str, bytes] = GOLDEN) -> list[pb.UploadFrame]:
    return [START, *(chunk(name, 0, data) for name, data in files.items()), complete(files)]


async def upload(
    archive: Archive,
    frames: Iterable[pb.UploadFrame],
    emitted: list[Event] | None = None,
    host_id: str = NODE,
) -> list[pb.UploadStatus]:
    async def arriving() -> AsyncIterator[pb.UploadFrame]:
        for frame in frames:
            yield frame

    emit = (emitted if emitted is not None else []).append
    return [status async for status in archive.upload(arriving(), host_id=host_id, emit=emit, claim=anyone)]


async def read(archive: Archive) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    async for part in archive.read(SID):
        assert part.offset == len(files.get(part.name, b""))
        files[part.name] = files.get(part.name, b"") + part.data
    return files


async def test_a_recording_is_stored_completed_and_read_back(tmp_path: Path) -> None:
    archive, emitted = opened(tmp_path), list[Event]()
    statuses = await upload(archive, whole(), emitted)
    assert [status.completed for status in statuses] == [False] * (len(statuses) - 1) + [True]
    assert {state.name: state.size for state in statuses[-1].files} == {n: len(d) for n, d in GOLDEN.items()}
    assert contents(tmp_path / "log" / HOST / "sessions/default") == GOLDEN == await read(archive)
    (event,) = emitted
    assert isinstance(event, SessionUpload)
    fields = event.to_dict()
    assert set(fields) == {"cluster_name", "code", "ei", "event", "sid", "time", "uid", "url"}
    assert fields["url"] == f"file://{tmp_path}/log/{HOST}/sessions/default/{SID}"


async def test_completing_again_says_so_and_announces_nothing(tmp_path: Path) -> None:
    archive, emitted = opened(tmp_path), list[Event]()
    await upload(archive, whole(), emitted)
    again = await upload(opened(tmp_path), [START, complete(GOLDEN)], emitted)
    assert [status.completed for status in again] == [True, True]
    assert len(emitted) == 1


async def test_a_crash_before_the_completion_is_noted_announces_the_same_event(tmp_path: Path) -> None:
    archive, emitted = opened(tmp_path), list[Event]()

    class Crash(Exception):
        pass

    def emit_and_die(event: Event) -> None:
        emitted.append(event)
        raise Crash

    async def arriving() -> AsyncIterator[pb.UploadFrame]:
        for frame in whole():
            yield frame

    with pytest.raises(Crash):
        async for _ in archive.upload(arriving(), host_id=NODE, emit=emit_and_die, claim=anyone):
            pass
    await upload(opened(tmp_path), [START, complete(GOLDEN)], emitted)
    assert [event.uid for event in emitted] == [emitted[0].uid] * 2


async def test_uploads_go_on_where_they_were(tmp_path: Path) -> None:
    data = GOLDEN[EVENTS]
    await upload(opened(tmp_path), [START, chunk(EVENTS, 0, data[:100])])
    archive = opened(tmp_path)
    (status,) = await upload(archive, [START])
    assert [(state.name, state.size) for state in status.files] == [(EVENTS, 100)]
    await upload(archive, [START, chunk(EVENTS, 50, data[50:])])
    assert (await read(archive))[EVENTS] == data


REFUSED: list[tuple[list[pb.UploadFrame], type[ProctorError]]] = [
    ([pb.UploadFrame(sid="../../x", start=pb.UploadStart(server_id=NODE))], BadRequest),
    ([pb.UploadFrame(sid=SID)], BadRequest),
    ([chunk(EVENTS, 0, b"x")], BadRequest),
    ([START, pb.UploadFrame(sid=SID)], BadRequest),
    ([START, chunk("../../../etc/passwd", 0, b"x")], BadRequest),
    ([START, chunk(f"{HOST}-0.events.gz", 0, b"x")], BadRequest),
    ([START, chunk(f"{SID}.journal", 0, b"x")], BadRequest),
    ([START, chunk(EVENTS, 5, b"x")], BadRequest),
    ([START, chunk(EVENTS, 1 << 63, b"x")], BadRequest),
    ([START, chunk(EVENTS, 0, b"abc"), chunk(EVENTS, 0, b"abX")], AlreadyExists),
    ([START, chunk(EVENTS, 0, b"abc"), chunk(EVENTS, 1, b"Xcd")], AlreadyExists),
    ([*whole(), chunk(EVENTS, len(GOLDEN[EVENTS]), b"more")], AlreadyExists),
    ([START, complete(GOLDEN)], Corrupted),
    ([*whole()[:-1], complete({EVENTS: GOLDEN[EVENTS]})], Corrupted),
    ([*whole()[:-1], complete({**GOLDEN, EVENTS: bytes(len(GOLDEN[EVENTS]))})], Corrupted),
    ([pb.UploadFrame(sid=SID, start=pb.UploadStart(server_id=HOST))], AccessDenied),
]


@pytest.mark.parametrize(("frames", "error"), REFUSED, ids=range(len(REFUSED)))
async def test_what_no_honest_node_sends_is_refused(
    tmp_path: Path, frames: list[pb.UploadFrame], error: type[ProctorError]
) -> None:
    archive = opened(tmp_path)
    with pytest.raises(error):
        await upload(archive, frames)
    stored = contents(tmp_path / "log" / HOST / "sessions/default")
    assert all(data == GOLDEN[name] or data == b"abc" for name, data in stored.items() if data)
    assert sorted(os.listdir(tmp_path)) == ["backend", "log"]


async def test_another_node_can_neither_add_to_nor_complete_a_recording(tmp_path: Path) -> None:
    archive = opened(tmp_path)
    await upload(archive, [START, chunk(EVENTS, 0, b"abc")])
    theirs = pb.UploadFrame(sid=SID, start=pb.UploadStart(server_id=HOST))
    with pytest.raises(AccessDenied, match="another node"):
        await upload(archive, [theirs], host_id=HOST)
    await upload(archive, [START, complete({EVENTS: b"abc"})])
    with pytest.raises(AccessDenied, match="another node"):
        await upload(archive, [theirs], host_id=HOST)


async def test_files_of_unknown_origin_are_not_added_to(tmp_path: Path) -> None:
    archive = opened(tmp_path)
    (tmp_path / "log" / HOST / "sessions/default" / EVENTS).write_bytes(b"abc")
    with pytest.raises(AlreadyExists, match="unknown origin"):
        await upload(archive, [START])


async def test_a_full_disk_stores_nothing_of_a_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = opened(tmp_path)
    await upload(archive, [START, chunk(EVENTS, 0, b"abc")])
    pwrite = os.pwrite

    def one_byte_left(descriptor: int, data: memoryview, offset: int) -> int:
        if offset > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return pwrite(descriptor, data[:1], offset)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", one_byte_left)
        with pytest.raises(Unavailable, match="No space left"):
            await upload(archive, [START, chunk(EVENTS, 3, b"def")])
    assert await read(archive) == {EVENTS: b"abc"}


async def test_a_reader_follows_a_live_recording_to_its_end(tmp_path: Path) -> None:
    archive = opened(tmp_path)
    data = GOLDEN[EVENTS]
    await upload(archive, [START, chunk(EVENTS, 0, data[:100])])
    seen = bytearray()
    arrived = asyncio.Event()

    async def follow() -> None:
        async for part in archive.read(SID, follow=True):
            seen.extend(part.data)
            arrived.set()

    reader = asyncio.create_task(follow())
    await asyncio.wait_for(arrived.wait(), 5)
    assert seen == data[:100]
    await upload(archive, [START, chunk(EVENTS, 100, data[100:]), complete({EVENTS: data})])
    await asyncio.wait_for(reader, 5)
    assert seen == data


async def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    archive = opened(tmp_path)
    assert not archive.has(SID)
    assert not archive.has("../../etc")
    with pytest.raises(NotFound):
        await read(archive)


async def test_the_archive_knows_what_it_holds_and_whose_it_is(tmp_path: Path) -> None:
    archive = opened(tmp_path)
    assert archive.held() == {}
    assert archive.owner(SID) == ""
    assert archive.origin(SID) is None
    await upload(archive, [START])
    assert archive.held() == {SID: False}
    assert not archive.has_enhanced(SID)
    await upload(archive, whole())
    assert archive.held() == {SID: True}
    assert archive.has_enhanced(SID)
    origin = archive.origin(SID)
    assert origin is not None
    assert origin.server_id == archive.owner(SID) == NODE


async def test_the_guide_s_files_lie_in_the_guide_s_place(tmp_path: Path) -> None:
    recording = contents(small_recording(tmp_path / "node"))
    await upload(opened(tmp_path / "auth"), whole(recording))
    stored = set(contents(tmp_path / "auth/log" / HOST / "sessions/default"))
    assert stored == set(file_names(SID)) - {f"{SID}-0.session.disk-events.gz"}
