# SPDX-License-Identifier: Apache-2.0
"""RPC: the audit log and the archive of recordings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from proctor.audit.log import MAX_LIMIT, Query
from proctor.audit.search.pool import SEARCH_SECONDS
from proctor.auth.cluster import Cluster
from proctor.auth.housekeeping.usage import usage
from proctor.auth.ingest.batch import Admitted, NumberedEvents
from proctor.core.clock import parse_time
from proctor.core.errors import AccessDenied, BadRequest, NotFound
from proctor.core.tasks import Threads
from proctor.model.events import SessionRecordingAccess
from proctor.model.identity import HostIdentity
from proctor.recording.table import ACTIVE, Filter
from proctor.rpc._pb import record_pb2 as pb
from proctor.rpc._pb import record_pb2_grpc
from proctor.rpc.grpc_server import caller

MOST_OF_THE_TIME = 0.8
"""Of what the caller waits, so that a page that is not complete arrives."""

FORMATS = frozenset({"", "pty", "json", "yaml", "text", "asciicast", "download", "web"})
DEFAULT_RECORDINGS = 50


_batches, _reports = Threads("audit-batches", 1), Threads("audit-reports", 1)


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
        checked = await _batches.run(NumberedEvents, batch.lines, first, emitter, cluster.log.uid_key)
        # One batch at a time: another stream must not start or end the same sessions meanwhile.
        async with self._ordered:
            known = await cluster.sessions.find(checked.sids())
            admitted = await _batches.run(checked.admitted, known)
            await cluster.sessions.save(admitted.changed)
        return await _batches.run(self._store, batch.source, first, admitted)

    def _store(self, source: str, first: int, admitted: Admitted) -> int:
        stored = self._cluster.log.append(source, first, admitted.lines, admitted.summary)
        # Starts and ends are checked one by one: a batch with a summary has none.
        if admitted.summary is None:
            self._cluster.recordings.stored(admitted.lines)
        return stored

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

    async def Storage(self, _request: pb.StorageRequest, _context: Any) -> pb.StorageResponse:  # noqa: N802
        """Disk use and retention."""
        await self._cluster.authorise("event", "list")
        found = await _reports.run(usage, self._cluster.log, self._cluster.recordings)
        policy = self._cluster.retention.policy
        days = [
            pb.StoredDay(day=day.day, bytes=day.stored, size=day.size, compressed=day.compressed)
            for day in found.days
        ]
        return pb.StorageResponse(
            days=days,
            recordings=found.recordings,
            recording_bytes=found.recording_bytes,
            state_bytes=found.state_bytes,
            index_bytes=found.index_bytes,
            free_bytes=found.free,
            events_retention=_seconds(policy.events),
            recordings_retention=_seconds(policy.recordings),
        )

    async def Retain(self, request: pb.RetainRequest, _context: Any) -> pb.RetainResponse:  # noqa: N802
        """Remove what is due, or say what it is."""
        housekeeping, retention = self._cluster.housekeeping, self._cluster.retention
        if request.dry_run:
            removals = [await housekeeping.call(lambda: retention.due(MAX_LIMIT))]
        else:
            removals = await housekeeping.call(housekeeping.remove)
        days = [part for removal in removals for part in removal.days]
        recordings = [part for removal in removals for part in removal.recordings]
        return pb.RetainResponse(
            days=[part.moment for part in days],
            recordings=[part.name for part in recordings],
            events=sum(part.events for part in days),
            bytes=sum(part.bytes for part in (*days, *recordings)),
            held=await housekeeping.call(retention.held),
        )


def _seconds(period: timedelta | None) -> int:
    return int(period.total_seconds()) if period else 0


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

        async for status in self._cluster.recordings.upload(requests, identity.host_id, emit, claim):
            yield status

    async def List(self, request: pb.ListRecordingsRequest, _context: Any) -> pb.ListRecordingsResponse:  # noqa: N802
        """Recordings that the caller may read, newest first."""
        limit = request.limit or DEFAULT_RECORDINGS
        if not 0 < limit <= MAX_LIMIT:
            raise BadRequest(f"limit is a number from 1 to {MAX_LIMIT}")
        permissions = await self._cluster.permissions()
        wanted = Filter(
            from_time=_time(request.from_time),
            to_time=_time(request.to_time),
            user=request.user,
            host=request.host,
            kind=request.kind,
            states=tuple(request.states) or ((ACTIVE,) if request.live else ()),
        )
        found, following = await self._cluster.recordings.page(
            wanted,
            limit,
            request.start_key,
            lambda participants: bool(permissions.check("session", "list", participants=list(participants))),
        )
        return pb.ListRecordingsResponse(recordings=found, next_key=following)

    async def Read(self, request: pb.ReadRequest, _context: Any) -> AsyncIterator[pb.FileChunk]:  # noqa: N802
        """The files of a recording; each reading is audited."""
        if request.format not in FORMATS:
            raise BadRequest(f"unknown format {request.format[:64]!r}")
        permissions = await self._cluster.permissions()
        participants = await self._cluster.recordings.participants(request.sid)
        decision = permissions.check("session", "read", participants=participants)
        if not decision:
            raise AccessDenied(decision.reason)
        if not self._cluster.recordings.archive.has(request.sid):
            raise NotFound(
                f"there is no recording of session {request.sid[:64]}", hint="See: tsh recordings ls"
            )
        identity = caller().identity
        await self._cluster.emit(
            SessionRecordingAccess(user=identity.name, sid=request.sid, format=request.format)
        )
        async for chunk in self._cluster.recordings.archive.read(request.sid, follow=request.follow):
            yield chunk
