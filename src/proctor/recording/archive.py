# SPDX-License-Identifier: Apache-2.0
"""Recordings as the auth service keeps them: append-only, of one owner, closed by a checksum."""

from __future__ import annotations

import asyncio
import hmac
import os
import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from proctor.core.clock import SYSTEM, Clock, format_time, parse_time
from proctor.core.durable import append_at, replace_file, sync_directory
from proctor.core.errors import AccessDenied, AlreadyExists, BadRequest, Corrupted, NotFound, Unavailable
from proctor.core.tasks import Threads
from proctor.model.event import Event
from proctor.model.events import SessionUpload
from proctor.model.serde import from_json, to_json
from proctor.recording.files import digest
from proctor.recording.format import ENHANCED, check_sid, file_name, file_names, is_sid
from proctor.rpc._pb import record_pb2 as pb

CHUNK_BYTES = 256 << 10
_writes, _reads = Threads("archive-write", 4), Threads("archive-read", 4)
_LOCKS = 64
"""Recordings that share a lock are written one after the other."""

_UPLOADS = uuid.UUID("0e6f2f5e-5f0b-5c0e-8a43-3d6b5f0d7c21")


class RecordingSource(msgspec.Struct):
    """Origin of a recording: the node, and since when."""

    server_id: str
    since: str
    completed: str = ""
    """When all of it had arrived; empty before, and for recordings of former versions."""


class Archive:
    """Files of recordings in ``<root>/<host_uuid>/sessions/default`` (``root``: ``<data_dir>/log``).

    Who owns a recording and whether it is complete is kept in ``<data_dir>/backend/recordings``.
    Raises Unavailable when the directories cannot be used.
    """

    def __init__(self, root: Path, host_uuid: str, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._directory = root.absolute() / host_uuid / "sessions/default"
        state = root.absolute().parent / "backend/recordings"
        self._live, self._completed = state / "live", state / "completed"
        try:
            for directory, mode in ((self._directory, 0o750), (self._live, 0o700), (self._completed, 0o700)):
                directory.mkdir(parents=True, exist_ok=True, mode=mode)
        except OSError as error:
            raise Unavailable(f"recordings cannot be stored in {directory}: {error.strerror}") from error
        self._locks = [threading.Lock() for _ in range(_LOCKS)]
        self._changes: dict[str, asyncio.Event] = {}

    async def upload(
        self,
        frames: AsyncIterator[pb.UploadFrame],
        *,
        host_id: str,
        emit: Callable[[Event], object],
        claim: Callable[[str], Awaitable[None]],
    ) -> AsyncIterator[pb.UploadStatus]:
        """The body of ``Recordings.Upload`` for the node ``host_id``: one status per frame.

        ``claim`` raises AccessDenied when the session is another host's.
        ``emit`` (``AuditLog.append_own``) receives ``session.upload`` when a recording is completed.
        Raises BadRequest for malformed ids, names or offsets, AccessDenied for another node's recording,
        AlreadyExists for bytes that differ from those stored or come after completion, Corrupted when
        the checksum does not fit, Unavailable when the disk is full.
        """
        started: set[str] = set()
        async for frame in frames:
            sid, kind = check_sid(frame.sid), frame.WhichOneof("kind")
            if kind == "start":
                if frame.start.server_id != host_id:
                    raise AccessDenied("a node uploads its own recordings only")
                await claim(sid)
                await _writes.run(self._locked, self._start, sid, host_id)
                started.add(sid)
            elif sid not in started:
                raise BadRequest(f"session {sid}: bytes before the start of its upload")
            elif kind == "chunk":
                await _writes.run(self._locked, self._append, sid, frame.chunk)
            elif kind == "complete":
                await _writes.run(self._locked, self._complete, sid, frame.complete.files, emit)
            else:
                raise BadRequest(f"session {sid}: a frame of its upload is empty")
            self._tell(sid)
            yield self._status(sid)

    def _locked(self, act: Callable[..., None], sid: str, *arguments: Any) -> None:
        with self._locks[hash(sid) % _LOCKS]:
            try:
                act(sid, *arguments)
            except OSError as error:
                raise Unavailable(
                    f"the recording of session {sid} cannot be stored: {error.strerror}",
                    hint="Free some space in the data directory of the Auth Service.",
                ) from error

    def _status(self, sid: str) -> pb.UploadStatus:
        files = [pb.FileState(name=name, size=size) for name, size in self._sizes(sid).items()]
        return pb.UploadStatus(sid=sid, files=files, completed=self._state(self._completed, sid).exists())

    def _state(self, directory: Path, sid: str) -> Path:
        return directory / f"{sid}.json"

    def _sizes(self, sid: str) -> dict[str, int]:
        paths = {name: self._directory / name for name in file_names(sid)}
        return {name: path.stat().st_size for name, path in paths.items() if path.exists()}

    def _start(self, sid: str, host_id: str) -> None:
        for directory in (self._completed, self._live):
            if (path := self._state(directory, sid)).exists():
                if from_json(path.read_bytes(), RecordingSource).server_id != host_id:
                    raise AccessDenied(f"session {sid} belongs to another node")
                return
        if self._sizes(sid):
            raise AlreadyExists(f"session {sid} has a recording of unknown origin")
        owner = RecordingSource(host_id, format_time(self._clock.now()))
        replace_file(self._state(self._live, sid), to_json(owner))

    def _append(self, sid: str, chunk: pb.FileChunk) -> None:
        if chunk.name not in file_names(sid):
            raise BadRequest(f"not a file of session {sid}: {chunk.name[:64]!r}")
        if not self._state(self._live, sid).exists():
            raise AlreadyExists(f"the recording of session {sid} is complete")
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._directory / chunk.name, flags, 0o640)
        try:
            size = os.fstat(descriptor).st_size
            known = min(size - chunk.offset, len(chunk.data))
            if known < 0:
                raise BadRequest(f"{chunk.name}: bytes from {chunk.offset}, but only {size} are stored")
            if os.pread(descriptor, known, chunk.offset) != chunk.data[:known]:
                raise AlreadyExists(f"{chunk.name}: different bytes are stored already")
            append_at(descriptor, chunk.data[known:], size, sync=True)
        finally:
            os.close(descriptor)

    def _complete(self, sid: str, files: Iterable[pb.FileState], emit: Callable[[Event], object]) -> None:
        if self._state(self._completed, sid).exists():
            return
        sizes = self._sizes(sid)
        if {state.name: state.size for state in files} != sizes:
            raise Corrupted(f"session {sid}: the files stored are not those announced")
        for state in files:
            if not hmac.compare_digest(digest(self._directory / state.name), state.sha256):
                raise Corrupted(f"{state.name}: the checksum does not fit")
        sync_directory(self._directory)
        url = f"file://{self._directory / sid}"
        # A name, not chance: a crash before the next line makes the node ask again.
        emit(SessionUpload(uid=str(uuid.uuid5(_UPLOADS, sid)), sid=sid, url=url))
        owner = from_json(self._state(self._live, sid).read_bytes(), RecordingSource)
        owner.completed = format_time(self._clock.now())
        replace_file(self._state(self._live, sid), to_json(owner))
        self._state(self._live, sid).rename(self._state(self._completed, sid))
        sync_directory(self._completed)

    def _tell(self, sid: str) -> None:
        if change := self._changes.pop(sid, None):
            change.set()

    async def read(self, sid: str, *, follow: bool = False) -> AsyncIterator[pb.FileChunk]:
        """The files of a recording; with ``follow`` goes on until it is completed. Raises NotFound."""
        if not self.has(sid):
            raise NotFound(f"there is no recording of session {sid}")
        offsets = dict.fromkeys(file_names(sid), 0)
        while True:
            change = self._changes.setdefault(sid, asyncio.Event()) if follow else None
            whole = self._state(self._completed, sid).exists()
            for name in offsets:
                while data := await _reads.run(self._read, name, offsets[name]):
                    yield pb.FileChunk(name=name, offset=offsets[name], data=data)
                    offsets[name] += len(data)
            if whole or change is None:
                self._tell(sid)
                if not self.has(sid):
                    raise NotFound(f"the recording of session {sid} was removed while it was read")
                return
            await change.wait()

    def _read(self, name: str, offset: int) -> bytes:
        try:
            with (self._directory / name).open("rb") as file:
                file.seek(offset)
                return file.read(CHUNK_BYTES)
        except FileNotFoundError:
            return b""

    def owner(self, sid: str) -> str:
        """Host id of the node that a recording comes from; empty when there is none of ``sid``."""
        origin = self.origin(sid)
        return origin.server_id if origin else ""

    def origin(self, sid: str) -> RecordingSource | None:
        """Return the origin of a recording; None when there is none of ``sid``."""
        # In this order: a recording on its way from live to completed is found in one of them.
        for directory in (self._live, self._completed) if is_sid(sid) else ():
            with suppress(FileNotFoundError):
                return from_json(self._state(directory, sid).read_bytes(), RecordingSource)
        return None

    def held(self) -> dict[str, bool]:
        """Every recording, and whether it is complete."""
        found: dict[str, bool] = {}
        for directory in (self._live, self._completed):
            names = (name.removesuffix(".json") for name in os.listdir(directory))
            found |= {sid: directory is self._completed for sid in names if is_sid(sid)}
        return found

    def size(self, sid: str) -> int:
        """Bytes on the disk of a recording; 0 when there is none."""
        return sum(self._sizes(sid).values()) if is_sid(sid) else 0

    def completed_at(self, sid: str) -> datetime | None:
        """When all of a recording had arrived, by the clock of this host; None unless it is complete."""
        try:
            owner = from_json(self._state(self._completed, check_sid(sid)).read_bytes(), RecordingSource)
        except FileNotFoundError:
            return None
        return parse_time(owner.completed or owner.since)

    def remove(self, sid: str) -> None:
        """Remove a complete recording, or what a crash left of one. Raises Unavailable.

        One that is not complete is left alone.
        """
        self._locked(self._remove, check_sid(sid))

    def _remove(self, sid: str) -> None:
        if self._state(self._live, sid).exists():
            return
        self._state(self._completed, sid).unlink(missing_ok=True)
        sync_directory(self._completed)
        for name in file_names(sid):
            (self._directory / name).unlink(missing_ok=True)
        sync_directory(self._directory)

    def has(self, sid: str) -> bool:
        """Is there a recording of ``sid``, live or complete? What is no session id has none."""
        return is_sid(sid) and self._exists(sid)

    def _exists(self, sid: str) -> bool:
        return self._state(self._completed, sid).exists() or self._state(self._live, sid).exists()

    def has_enhanced(self, sid: str) -> bool:
        """Have kernel events of the recording arrived?"""
        return any(file_name(sid, kind) in self._sizes(sid) for kind in ENHANCED)
