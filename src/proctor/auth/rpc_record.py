"""RPC: the audit log and the archive of recordings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from proctor.audit.log import MAX_LIMIT, Query
from proctor.auth.cluster import Cluster
from proctor.core.clock import parse_time
from proctor.core.errors import AccessDenied, BadRequest, Corrupted, NotFound
from proctor.model.access import Decision
from proctor.model.events import SessionRecordingAccess
from proctor.model.identity import HostIdentity
from proctor.model.serde import from_json
from proctor.recording.archive import ended
from proctor.rpc._pb import record_pb2 as pb
from proctor.rpc._pb import record_pb2_grpc
from proctor.rpc.server import caller

FORMATS = frozenset({"", "pty", "json", "yaml", "text", "asciicast", "web"})
DEFAULT_RECORDINGS = 50


class _Origin(msgspec.Struct):
    server_id: str = ""


class AuditService(record_pb2_grpc.AuditServicer):
    """Names of methods are those of ``proto/proctor/v1/record.proto``."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

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
                raise AccessDenied(f"the spool of a host is named {prefix}…, not {batch.source!r}")
            events = [_own(raw, identity.host_id) for raw in batch.events]
            stored = await asyncio.to_thread(
                self._cluster.log.append, batch.source, batch.first_sequence, events
            )
            yield pb.EventAck(sequence=stored)

    async def Search(self, request: pb.SearchRequest, _context: Any) -> pb.SearchResponse:  # noqa: N802
        """One page of events."""
        await self._cluster.authorise("event", "list")
        query = Query(
            from_time=_time(request.from_time),
            to_time=_time(request.to_time),
            event_types=tuple(request.event_types),
            sid=request.sid,
            user=request.user,
            text=request.text,
            limit=request.limit or 100,
            start_key=request.start_key,
            ascending=request.ascending,
        )
        page = await asyncio.to_thread(self._cluster.log.search, query)
        return pb.SearchResponse(events=page.events, next_key=page.next_key)


def _own(raw: bytes, host_id: str) -> bytes:
    """``raw``, or nothing in its place when it claims to come from another server."""
    try:
        origin = from_json(raw, _Origin).server_id
    except Corrupted:
        return b""
    return raw if origin in {"", host_id} else b""


def _time(text: str) -> datetime | None:
    try:
        return parse_time(text) if text else None
    except ValueError:
        raise BadRequest(
            f"{text!r} is not a time", hint="Expected RFC 3339, like 2023-07-04T16:42:20Z."
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
        async for status in self._cluster.archive.upload(requests, host_id=identity.host_id, emit=emit):
            yield status

    async def List(self, request: pb.ListRecordingsRequest, _context: Any) -> pb.ListRecordingsResponse:  # noqa: N802
        """Recordings that the caller may read, newest first."""
        limit = request.limit or DEFAULT_RECORDINGS
        if not 0 < limit <= MAX_LIMIT:
            raise BadRequest(f"limit is a number from 1 to {MAX_LIMIT}")
        found = self._live() if request.live else self._ended(request)
        recordings: list[pb.RecordingInfo] = []
        async for recording in found:
            if len(recordings) < limit and await self._may("list", list(recording.participants)):
                recordings.append(recording)
        return pb.ListRecordingsResponse(recordings=recordings)

    async def _live(self) -> AsyncIterator[pb.RecordingInfo]:
        for recording in await asyncio.to_thread(self._cluster.archive.live):
            yield recording

    async def _ended(self, request: pb.ListRecordingsRequest) -> AsyncIterator[pb.RecordingInfo]:
        query = Query(
            event_types=("session.end",),
            from_time=_time(request.from_time),
            to_time=_time(request.to_time),
            limit=MAX_LIMIT,
        )
        page = await asyncio.to_thread(self._cluster.log.search, query)
        for raw in page.events:
            event = msgspec.json.decode(raw)
            if event.get("sid") and self._cluster.archive.has(event["sid"]):
                yield ended(event)

    async def _may(self, verb: str, participants: list[str]) -> Decision:
        return await self._cluster.decide("session", verb, participants=participants)

    async def Read(self, request: pb.ReadRequest, _context: Any) -> AsyncIterator[pb.FileChunk]:  # noqa: N802
        """The files of a recording; each reading is audited."""
        if request.format not in FORMATS:
            raise BadRequest(f"unknown format {request.format!r}")
        decision = await self._may("read", await self._participants(request.sid))
        if not decision:
            raise AccessDenied(decision.reason)
        if not self._cluster.archive.has(request.sid):
            raise NotFound(f"there is no recording of session {request.sid}", hint="See: tsh recordings ls")
        identity = caller().identity
        await self._cluster.emit(
            SessionRecordingAccess(user=identity.name, sid=request.sid, format=request.format)
        )
        async for chunk in self._cluster.archive.read(request.sid, follow=request.follow):
            yield chunk

    async def _participants(self, sid: str) -> list[str]:
        for recording in await asyncio.to_thread(self._cluster.archive.live):
            if recording.sid == sid:
                return list(recording.participants)
        query = Query(event_types=("session.end",), sid=sid, limit=1)
        page = await asyncio.to_thread(self._cluster.log.search, query)
        return [name for raw in page.events for name in _strings(msgspec.json.decode(raw))]


def _strings(event: Mapping[str, Any]) -> list[str]:
    return [name for name in event.get("participants", []) if isinstance(name, str)]
