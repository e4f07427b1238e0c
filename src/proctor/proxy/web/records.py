# SPDX-License-Identifier: Apache-2.0
"""Routes to the audit log and to recordings; what a person may see is decided by the auth service."""

from __future__ import annotations

import base64
from collections import defaultdict
from typing import Annotated

import grpc
from fastapi import APIRouter, Query, Response

from proctor.core.clock import format_time
from proctor.core.errors import BadRequest, LimitExceeded
from proctor.core.tasks import Threads
from proctor.model import serde
from proctor.proxy.web import models
from proctor.proxy.web.sessions import WebSession
from proctor.proxy.web.site import CurrentSession, CurrentSite
from proctor.recording.format import Timeline, is_sid
from proctor.rpc._pb import record_pb2 as pb
from proctor.rpc.auth_client import translated

MAX_RECORDING = 64 << 20
"""Bytes of a recording's files, and eight times as many unpacked, that the page may ask for at once."""

_unpacking = Threads("unpack", 2)
_UNPACKED = 8
router = APIRouter(prefix="/v1/webapi")


@router.get("/events", response_model=models.Events)
async def search_events(session: CurrentSession, wanted: Annotated[models.EventFilter, Query()]) -> Response:
    """A page of the audit log, newest first."""
    request = pb.SearchRequest(**wanted.model_dump())
    page = await session.client.call(session.client.audit.Search, request, timeout=30.0)
    joined = b",".join(event.strip() for event in page.events)
    about = b',"incomplete":true' if page.incomplete else b""
    body = b'{"events":[%s],"next_key":%s%s}' % (joined, serde.to_json(page.next_key), about)
    return Response(body, media_type="application/json")


@router.get("/recordings")
async def list_recordings(
    session: CurrentSession,
    wanted: Annotated[models.RecordingFilter, Query()],
) -> models.Recordings:
    """Recordings that the person may read, newest first; ``live``: those of running sessions."""
    request = pb.ListRecordingsRequest(
        from_time=wanted.from_time,
        to_time=wanted.to_time,
        live=wanted.live,
        limit=wanted.limit,
        user=wanted.user,
        host=wanted.host,
        kind=wanted.kind,
        states=wanted.states,
        start_key=wanted.start_key,
    )
    answer = await session.client.call(session.client.recordings.List, request, timeout=30.0)
    names = models.Recording.model_fields
    recordings = [{name: getattr(info, name) for name in names} for info in answer.recordings]
    return models.Recordings.model_validate({"recordings": recordings, "next_key": answer.next_key})


@router.get("/recordings/{sid}", response_model=models.RecordingEvents)
async def get_recording(sid: str, site: CurrentSite, session: CurrentSession) -> Response:
    """Everything in one recording; reading it is audited."""
    if not is_sid(sid):
        raise BadRequest(f"{sid[:64]!r} is not the id of a session")
    async with site.unpacking:
        files = await _files(session, sid)
        body = await _unpacking.run(_unpacked, sid, files)
    return Response(body, media_type="application/json")


async def _files(session: WebSession, sid: str) -> dict[str, bytes]:
    files: defaultdict[str, bytearray] = defaultdict(bytearray)
    remaining = MAX_RECORDING
    try:
        async for chunk in session.client.recordings.Read(
            pb.ReadRequest(sid=sid, format="web"), timeout=60.0
        ):
            remaining -= len(chunk.data)
            if remaining < 0:
                raise LimitExceeded("this recording is too large for the page", hint=f"Use: tsh play {sid}")
            files[chunk.name] += chunk.data
    except grpc.RpcError as error:
        raise translated(error) from None
    return {name: bytes(data) for name, data in files.items()}


def _unpacked(sid: str, files: dict[str, bytes]) -> bytes:
    timeline = Timeline.decode(files, _UNPACKED * MAX_RECORDING)
    entries = [
        {"ms": entry.ms, "event": entry.event, "data": base64.b64encode(entry.data).decode()}
        for entry in timeline.entries
    ]
    started = format_time(timeline.started) if timeline.started else ""
    return serde.to_json({"sid": sid, "started": started, "torn": timeline.torn, "entries": entries})
