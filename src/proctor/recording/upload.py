# SPDX-License-Identifier: Apache-2.0
"""Replication of recordings from the node to the archive of the auth service, while they grow."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc

from proctor.core.clock import SYSTEM, Clock, format_time
from proctor.core.errors import (
    AccessDenied,
    AlreadyExists,
    BadRequest,
    Corrupted,
    NotFound,
    ProctorError,
    Unavailable,
)
from proctor.core.tasks import TaskSet, Threads
from proctor.model.event import Event
from proctor.model.events import SessionLoss
from proctor.recording.files import digest, journal_path, set_aside
from proctor.recording.format import file_names
from proctor.rpc._pb import record_pb2 as pb
from proctor.rpc.auth_client import Client, translated

CHUNK_BYTES = 256 << 10
BACKLOG_UPLOADS = 8
"""Finished recordings sent at once; running sessions are not limited."""

SCAN_SECONDS = 5.0
RECHECK_SECONDS = 2.0
SHORTEST_WAIT, LONGEST_WAIT = 0.2, 30.0
MAX_REFUSALS = 5
_REFUSALS = (AccessDenied, AlreadyExists, BadRequest, Corrupted, NotFound)
_FILE = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(-0\.[a-z.-]+\.gz|\.index)")
_threads = Threads("upload", 4)
_log = logging.getLogger(__name__)


class Replicator:
    """Copies each recording in ``directory`` and removes it when the archive has completed it.

    ``emit`` receives the ``session.loss`` event of a recording that the archive refuses for good; it is
    moved to ``corrupted/`` beside ``sessions/``. All methods belong to one event loop.
    """

    def __init__(
        self,
        directory: Path,
        connect: Callable[[], Client],
        server_id: str,
        clock: Clock = SYSTEM,
        *,
        emit: Callable[[Event], object],
    ) -> None:
        self._directory = directory
        self._connect = connect
        self._server_id = server_id
        self._clock = clock
        self._emit = emit
        self._durable: dict[str, Mapping[str, int]] = {}
        self._grown: dict[str, asyncio.Event] = {}
        self._refused: set[str] = set()
        self._found = asyncio.Event()
        self._settled = asyncio.Event()
        self._backlog = asyncio.Semaphore(BACKLOG_UPLOADS)

    def notify(self, sid: str, sizes: Mapping[str, int]) -> None:
        """``sizes`` bytes of the files of ``sid`` are durable; for ``SessionWriter.keep_flushed``."""
        if self._running(sid):
            self._durable[sid] = dict(sizes)
        if sid in self._grown:
            self._grown[sid].set()
        else:
            self._found.set()

    async def run(self) -> None:
        """Replicate until cancelled."""
        tasks = TaskSet("replicator")
        try:
            while True:
                self._found.clear()
                try:
                    waiting = await _threads.run(self._sids, [*self._durable]) - self._grown.keys()
                except OSError as error:  # such as no descriptor left
                    _log.warning("recordings wait: %s", error)
                    waiting = set()
                for sid in waiting:
                    self._grown[sid] = asyncio.Event()
                    tasks.spawn(self._replicate(sid), name=sid)
                await _wait(self._found, SCAN_SECONDS)
        finally:
            await tasks.close()

    def _sids(self, durable: Sequence[str]) -> set[str]:
        """Sessions with something to send; a dead writer's are left to ``recording.writer.recover``.

        ``durable``: those with bytes that a writer of this process has flushed. Reads the directory.
        """
        names = os.listdir(self._directory) if self._directory.exists() else []
        finished = {match[1] for match in map(_FILE.fullmatch, names) if match}
        waiting = {sid for sid in finished if self._running(sid)}
        return (finished - waiting) | {sid for sid in durable if self._running(sid)}

    def _running(self, sid: str) -> bool:
        return journal_path(self._directory, sid).exists()

    async def _replicate(self, sid: str) -> None:
        try:
            if self._running(sid):
                await self._persist(sid)
            else:
                async with self._backlog:
                    await self._persist(sid)
        finally:
            del self._grown[sid]
            self._durable.pop(sid, None)
            self._settle()

    async def _persist(self, sid: str) -> None:
        """Try again, with growing pauses, until the recording is complete or refused for good."""
        delay, refusals = SHORTEST_WAIT, 0
        while True:
            try:
                await self._send(sid, self._connect())
                return
            except (ProctorError, OSError) as error:
                refusals += isinstance(error, _REFUSALS)
                final = isinstance(error, Corrupted) or refusals >= MAX_REFUSALS
                if final and not self._running(sid):
                    await self._quarantine(sid, error)
                    return
                _log.warning("recording %s waits: %s", sid, error)
            await asyncio.sleep(delay)
            delay = min(LONGEST_WAIT, delay * 2)

    async def _quarantine(self, sid: str, error: Exception) -> None:
        place = await _threads.run(set_aside, self._directory, sid)
        self._refused.add(sid)
        _log.error("recording %s is refused, moved to %s: %s", sid, place, error)
        self._emit(
            SessionLoss(
                sid=sid,
                server_id=self._server_id,
                time=format_time(self._clock.now()),
                lost={"recording": 1},
                reason=f"refused by the archive: {error}",
            )
        )

    async def _send(self, sid: str, client: Client) -> None:
        call = client.recordings.Upload()
        try:
            start = pb.UploadStart(server_id=self._server_id)
            status = await _ask(call, pb.UploadFrame(sid=sid, start=start))
            stored = {state.name: state.size for state in status.files}
            while not status.completed:
                self._grown[sid].clear()
                running = self._running(sid)
                await self._send_files(call, sid, stored)
                if running:
                    await _wait(self._grown[sid], RECHECK_SECONDS)
                else:
                    status = await self._complete(call, sid)
        except grpc.RpcError as error:
            raise translated(error) from None
        finally:
            call.cancel()
        await _threads.run(self._remove, sid)

    async def _send_files(self, call: Any, sid: str, stored: dict[str, int]) -> None:
        for name, size in self._sizes(sid).items():
            offset = stored.get(name, 0)
            while offset < size:
                data = await _threads.run(_read, self._directory / name, offset, size)
                chunk = pb.FileChunk(name=name, offset=offset, data=data)
                await _ask(call, pb.UploadFrame(sid=sid, chunk=chunk))
                offset += len(data)
            stored[name] = max(offset, stored.get(name, 0))

    def _sizes(self, sid: str) -> dict[str, int]:
        """Return the bytes of each file that may be sent, output before the events that point into it."""
        if self._running(sid):
            durable = self._durable.get(sid, {})
            return {name: durable[name] for name in file_names(sid) if name in durable}
        return {path.name: path.stat().st_size for path in self._paths(sid)}

    def _paths(self, sid: str) -> Iterable[Path]:
        paths = (self._directory / name for name in file_names(sid))
        return [path for path in paths if path.exists()]

    async def _complete(self, call: Any, sid: str) -> pb.UploadStatus:
        files = [
            pb.FileState(
                name=path.name,
                size=path.stat().st_size,
                sha256=await _threads.run(digest, path),
            )
            for path in self._paths(sid)
        ]
        frame = pb.UploadFrame(sid=sid, complete=pb.UploadComplete(files=files))
        return await _ask(call, frame)

    def _remove(self, sid: str) -> None:
        for path in self._paths(sid):
            path.unlink()

    async def idle(self) -> None:
        """Return when nothing waits to be sent."""
        while self._grown or len(await _threads.run(self._sids, [*self._durable])):
            await _wait(self._settled, SCAN_SECONDS)

    def _settle(self) -> None:
        self._settled.set()
        self._settled = asyncio.Event()

    async def completed(self, sid: str, seconds: float) -> bool:
        """Wait until the archive has completed ``sid``; False when it is refused or ``seconds`` passed."""
        try:
            async with asyncio.timeout(seconds):
                while self._running(sid) or self._paths(sid):
                    await self._settled.wait()
        except TimeoutError:
            return False
        return sid not in self._refused


async def _ask(call: Any, frame: pb.UploadFrame) -> pb.UploadStatus:
    """Send one frame and receive its status."""
    try:
        await call.write(frame)
        status = await call.read()
    except asyncio.InvalidStateError:
        status = await call.read()
    if status is grpc.aio.EOF:  # type: ignore[attr-defined]  # the stubs do not know it
        raise Unavailable("the Auth Service closed the stream")
    answer: pb.UploadStatus = status
    return answer


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _read(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(min(CHUNK_BYTES, size - offset))
