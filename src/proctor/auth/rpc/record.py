"""RPC: the audit log and the archive of recordings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from proctor.audit.log import MAX_LIMIT, Query
from proctor.audit.search.pool import SEARCH_SECONDS
from proctor.auth.cluster import Cluster
from proctor.auth.ingest.batch import Batch
from proctor.core.clock import parse_time
from proctor.core.errors import AccessDenied, BadRequest, Corrupted, NotFound
from proctor.core.threads import Threads
from proctor.model.events import SessionRecordingAccess
from proctor.model.identity import HostIdentity
from proctor.model.serde import from_json
from proctor.recording.archive import ended
from proctor.rpc._pb import record_pb2 as pb
from proctor.rpc._pb import record_pb2_grpc
from proctor.rpc.server import caller

MOST_OF_THE_TIME = 0.8
"""Of what the caller waits, so that a page that is not complete arrives."""

FORMATS = frozenset({"", "pty", "json", "yaml", "text", "asciicast", "download", "web"})
DEFAULT_RECORDINGS = 50
ENDS_PER_PAGE = 500


_batches = Threads("audit-batches", 1)


class _End(msgspec.Struct):
    sid: str
    server_id: str
    participants: list[str] = []


class AuditService(record_pb2_grpc.AuditServicer):
    """Names of methods are those of ``proto/proctor/v1/record.proto``."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._ordered = asyncio.Lock()

    async def Emit(  # noqa: N802
        self, requests: AsyncIterator[pb.EventBatch], _context: Any
    ) -> AsyncIterator[pb.EventAck]:
        """Store batches of a host's spool. A host may speak for itself only."""
        identity = caller().identity
        if not isinstance(identity, HostIdentity):
            raise AccessDenied("only hosts emit events")
        prefix = f"{identity.role.value}/{identity.host_id}/"
        async for batch in requests:
            if not batch.source.startswith(prefix):
                raise AccessDenied(f"the spool of a host is named {prefix}…, not {batch.source[:255]!r}")
            yield pb.EventAck(sequence=await self._ingest(batch, identity))

    async def _ingest(self, batch: pb.EventBatch, identity: HostIdentity) -> int:
        """Store what the host may state, and gaps for the rest; the number up to which it is stored."""
        cluster, first = self._cluster, batch.first_sequence
        emitter = await cluster.emitter(identity, batch.source)
        checked = await _batches.run(Batch, batch.lines, first, emitter)
        # One batch at a time: another stream must not start or end the same sessions meanwhile.
        async with self._ordered:
            known = await cluster.sessions.find(checked.sids())
            admitted = await _batches.run(checked.admitted, known)
            await cluster.sessions.save(admitted.changed)
        return await _batches.run(cluster.log.append, batch.source, first, admitted.lines, admitted.summary)

    async def Search(self, request: pb.SearchRequest, context: Any) -> pb.SearchResponse:  # noqa: N802
        """One page of events."""
        person = await self._cluster.authorise("event", "list")
        query = Query(
            from_time=_time(request.from_time),
            to_time=_time(request.to_time),
            event_types=tuple(request.event_types),
            sid=request.sid,
            user=request.user,
            host=request.host,
            text=request.text,
            limit=request.limit or 100,
            start_key=request.start_key,
            ascending=request.ascending,
        )
        remaining = context.time_remaining()
        seconds = SEARCH_SECONDS if remaining is None else remaining * MOST_OF_THE_TIME
        page = await self._cluster.searches.search(person.identity.name, query, seconds)
        return pb.SearchResponse(events=page.events, next_key=page.next_key, incomplete=page.incomplete)


def _time(text: str) -> datetime | None:
    try:
        return parse_time(text) if text else None
    except ValueError:
        raise BadRequest(
            f"{text[:64]!r} is not a time", hint="Expected RFC 3339, like 2023-07-04T16:42:20Z."
        ) from None


class RecordingService(record_pb2_grpc.RecordingsServicer):
    """Names of methods are those of ``proto/proctor/v1/record.proto``."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def Upload(  # noqa: N802
        self, requests: AsyncIterator[pb.UploadFrame], _context: Any
    ) -> AsyncIterator[pb.UploadStatus]:
        """Replicate recordings of the calling node."""
        identity = caller().identity
        if not isinstance(identity, HostIdentity):
            raise AccessDenied("only nodes upload recordings")
        emit = self._cluster.log.append_own

        async def claim(sid: str) -> None:
            await self._cluster.sessions.claim_recording(sid, identity.host_id)

        uploads = self._cluster.archive.upload(requests, host_id=identity.host_id, emit=emit, claim=claim)
        async for status in uploads:
            yield status

    async def List(self, request: pb.ListRecordingsRequest, _context: Any) -> pb.ListRecordingsResponse:  # noqa: N802
        """Recordings that the caller may read, newest first."""
        limit = request.limit or DEFAULT_RECORDINGS
        if not 0 < limit <= MAX_LIMIT:
            raise BadRequest(f"limit is a number from 1 to {MAX_LIMIT}")
        permissions = await self._cluster.permissions()
        recordings: list[pb.RecordingInfo] = []
        async for recording in self._live() if request.live else self._ended(request):
            if permissions.check("session", "list", participants=list(recording.participants)):
                recordings.append(recording)
            if len(recordings) == limit:
                break
        return pb.ListRecordingsResponse(recordings=recordings)

    async def _live(self) -> AsyncIterator[pb.RecordingInfo]:
        for recording in await asyncio.to_thread(self._cluster.archive.live):
            yield recording

    async def _ended(self, request: pb.ListRecordingsRequest) -> AsyncIterator[pb.RecordingInfo]:
        query = Query(
            event_types=("session.end",),
            from_time=_time(request.from_time),
            to_time=_time(request.to_time),
            limit=ENDS_PER_PAGE,
        )
        seen: set[str] = set()
        while True:
            found, following = await asyncio.to_thread(self._page_of_ends, query)
            for recording in found:
                if recording.sid not in seen:
                    yield recording
                seen.add(recording.sid)
            if not following:
                return
            query = replace(query, start_key=following)

    def _page_of_ends(self, query: Query) -> tuple[list[pb.RecordingInfo], str]:
        """Recordings whose sessions ended, and the next page; a node is believed about its own only."""
        page = self._cluster.log.search(query)
        found = [ended(from_json(raw, dict)) for raw in page.events if self._is_told_by_owner(raw)]
        return found, page.next_key

    def _is_told_by_owner(self, raw: bytes) -> bool:
        try:
            end = from_json(raw, _End)
        except Corrupted:
            return False
        return bool(end.server_id) and self._cluster.archive.owner(end.sid) == end.server_id

    async def Read(self, request: pb.ReadRequest, _context: Any) -> AsyncIterator[pb.FileChunk]:  # noqa: N802
        """The files of a recording; each reading is audited."""
        if request.format not in FORMATS:
            raise BadRequest(f"unknown format {request.format[:64]!r}")
        permissions = await self._cluster.permissions()
        participants = await self._participants(request.sid)
        decision = permissions.check("session", "read", participants=participants)
        if not decision:
            raise AccessDenied(decision.reason)
        if not self._cluster.archive.has(request.sid):
            raise NotFound(
                f"there is no recording of session {request.sid[:64]}", hint="See: tsh recordings ls"
            )
        identity = caller().identity
        await self._cluster.emit(
            SessionRecordingAccess(user=identity.name, sid=request.sid, format=request.format)
        )
        async for chunk in self._cluster.archive.read(request.sid, follow=request.follow):
            yield chunk

    async def _participants(self, sid: str) -> list[str]:
        query = Query(event_types=("session.end",), sid=sid, limit=ENDS_PER_PAGE)
        found, _ = await asyncio.to_thread(self._page_of_ends, query)
        if not found:
            running = await asyncio.to_thread(self._cluster.archive.live)
            found = [recording for recording in running if recording.sid == sid]
        return [name for recording in found[:1] for name in recording.participants]
