# SPDX-License-Identifier: Apache-2.0
"""``tsh play`` and ``tsh recordings ls``."""

from __future__ import annotations

import enum
import re
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc

from proctor.cli.options import RecordingOptions
from proctor.cli.output import note, size_text, table
from proctor.cli.playback.controls import Controls, keyboard
from proctor.cli.playback.local_recording import read_entries
from proctor.cli.playback.screen import Screen
from proctor.cli.playback.terminal_player import Player
from proctor.cli.tsh.connection import Active
from proctor.core.clock import SYSTEM, format_time, parse_time
from proctor.core.errors import BadRequest, NotFound
from proctor.model.resources import parse_duration
from proctor.model.sentences import remark
from proctor.recording import entry_stream
from proctor.recording.export import Asciicast, plain_text
from proctor.recording.format import RecordingEntry, is_sid
from proctor.rpc._pb import record_pb2 as pb
from proctor.rpc.auth_client import Client, translated

_ID_BEGINNING = re.compile(r"[0-9a-f]{4}[0-9a-f-]{0,31}")
_SEARCHED = 1000
"""Recordings among which the beginning of an id is looked up: the newest."""


STATES = ("active", "uploading", "complete")
LISTED_AT_ONCE = 1000
"""Recordings in one answer."""


class PlayFormat(enum.StrEnum):
    """Formats of ``tsh play``."""

    PTY = "pty"
    JSON = "json"
    YAML = "yaml"
    TEXT = "text"
    ASCIICAST = "asciicast"


class Speed(enum.StrEnum):
    """Playback speeds."""

    HALF = "0.5x"
    NORMAL = "1x"
    DOUBLE = "2x"
    FOUR = "4x"
    EIGHT = "8x"

    @property
    def factor(self) -> float:
        """As a number."""
        return float(self.value.removesuffix("x"))


async def play(active: Active, sid: str, format_: PlayFormat, speed: Speed, *, skip_idle: bool) -> None:
    """Print the recording of ``sid``, of which the beginning is enough; a live session is followed in PTY.

    Raises BadRequest when ``sid`` cannot be or begin an id, NotFound when it begins none or several.
    """
    follow = format_ is PlayFormat.PTY
    async with active.client() as client:
        sid = await session_id(client, sid)
        async with aclosing(_entries(client, sid, format_, follow=follow)) as entries:
            await _present(entries, format_, speed, skip_idle=skip_idle)


async def play_file(path: Path, format_: PlayFormat, speed: Speed, *, skip_idle: bool) -> None:
    """Print the recording in the file at ``path``. Raises ProctorError when it is none."""

    async def entries() -> AsyncIterator[RecordingEntry]:
        for entry in read_entries(path):
            yield entry

    await _present(entries(), format_, speed, skip_idle=skip_idle)


async def session_id(client: Client, text: str) -> str:
    """The id of the session that ``text`` is, or is the beginning of. Raises BadRequest or NotFound."""
    if is_sid(text):
        return text
    if not _ID_BEGINNING.fullmatch(text):
        raise BadRequest(f"not a session id: {text[:64]!r}", hint="List recordings with: tsh recordings ls")
    begin, now = format_time(datetime.fromtimestamp(0, UTC)), format_time(SYSTEM.now())
    requests = [
        pb.ListRecordingsRequest(from_time=begin, to_time=now, limit=_SEARCHED, live=live)
        for live in (True, False)
    ]
    answers = [await client.call(client.recordings.List, request) for request in requests]
    ids = sorted({info.sid for answer in answers for info in answer.recordings if info.sid.startswith(text)})
    if not ids:
        raise NotFound(f"no recording has an id that begins with {text}", hint="See: tsh recordings ls")
    if len(ids) > 1:
        raise NotFound(f"{len(ids)} recordings have ids that begin with {text}: {', '.join(ids[:5])}")
    return str(ids[0])


async def _present(
    entries: AsyncIterator[RecordingEntry], format_: PlayFormat, speed: Speed, *, skip_idle: bool
) -> None:
    if format_ is PlayFormat.PTY:
        await show(entries, speed, skip_idle=skip_idle)
        return
    _print(sorted([entry async for entry in entries], key=lambda entry: entry.order), format_)


async def _entries(
    client: Client, sid: str, format_: PlayFormat, *, follow: bool
) -> AsyncGenerator[RecordingEntry, None]:
    request = pb.ReadRequest(sid=sid, follow=follow, format=format_.value)
    try:
        async for entry in entry_stream.live(client.recordings.Read(request)):
            yield entry
    except grpc.RpcError as error:
        raise translated(error) from None


async def show(entries: AsyncIterator[RecordingEntry], speed: Speed, *, skip_idle: bool) -> None:
    """Play ``entries`` on standard output."""
    sys.stdout.flush()
    screen = Screen.of_stdout()
    controls = Controls()
    viewing = Player(screen, controls, lambda entry: remark(entry.event))
    with keyboard(controls):
        try:
            await viewing.play(entries, speed=speed.factor, skip_idle=skip_idle)
        finally:
            screen.restore()


def _print(entries: list[RecordingEntry], format_: PlayFormat) -> None:
    if format_ is PlayFormat.ASCIICAST:
        cast = Asciicast()
        pieces = [*(cast.feed(entry) for entry in entries), cast.finish()]
    elif format_ is PlayFormat.TEXT:
        pieces = list(plain_text(entries))
    else:
        pieces = list(entry_stream.printed(entries, "json" if format_ is PlayFormat.JSON else "yaml"))
    sys.stdout.writelines(pieces)
    for entry in entries:
        if text := remark(entry.event):
            note(f"[{entry.ms / 1000:.3f} s: {text}]")


@dataclass(frozen=True, kw_only=True)
class Period:
    """The flags about time; empty means not given."""

    since: str
    until: str
    last: str

    def bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """Begin and end (UTC); default the day up to ``now``. Raises BadRequest."""
        if self.last and (self.since or self.until):
            raise BadRequest("--last does not go with --from-utc and --to-utc")
        try:
            if self.last:
                return now - timedelta(seconds=parse_duration(self.last)), now
            end = _moment(self.until) + timedelta(days=1) if self.until else now
            begin = _moment(self.since) if self.since else end - timedelta(days=1)
        except ValueError as error:
            raise BadRequest(str(error), hint="Dates are written 2023-07-04, durations 24h.") from None
        if begin >= end:
            raise BadRequest(f"--from-utc {self.since} is after the end of the period")
        return begin, end


async def recordings(client: Client, wanted: RecordingOptions, limit: int) -> list[pb.RecordingInfo]:
    """At most ``limit`` recordings of the period, newest first, those of sessions that run included."""
    period = Period(since=wanted.from_utc, until=wanted.to_utc, last=wanted.last)
    start, end = period.bounds(SYSTEM.now())
    found: list[pb.RecordingInfo] = []
    key = ""
    while True:
        request = pb.ListRecordingsRequest(
            from_time=format_time(start),
            to_time=format_time(end),
            limit=min(limit - len(found), LISTED_AT_ONCE),
            user=wanted.participant,
            host=wanted.host,
            kind=wanted.kind,
            states=[wanted.state] if wanted.state else STATES,
            start_key=key,
        )
        page = await client.call(client.recordings.List, request)
        found += page.recordings
        key = page.next_key
        if not key or len(found) == limit:
            return found


async def running(client: Client) -> list[pb.RecordingInfo]:
    """Sessions that run now, newest first."""
    begin, now = format_time(datetime.fromtimestamp(0, UTC)), format_time(SYSTEM.now())
    request = pb.ListRecordingsRequest(from_time=begin, to_time=now, limit=_SEARCHED, live=True)
    return list((await client.call(client.recordings.List, request)).recordings)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def recordings_table(found: list[pb.RecordingInfo]) -> str:
    """ID, Type, Participants, Hostname, Timestamp, Size; State unless all are complete."""
    rows = [
        [
            info.sid,
            "ssh",
            ", ".join(info.participants),
            info.server_hostname,
            parse_time(info.started).strftime("%b %d %H:%M:%S UTC") if info.started else "",
            size_text(info.size),
            _state(info),
        ]
        for info in found
    ]
    columns = ["ID", "Type", "Participants", "Hostname", "Timestamp", "Size", "State"]
    shown = len(columns) - all(_state(info) in ("", "complete") for info in found)
    return table(columns[:shown], [row[:shown] for row in rows])


def _state(info: pb.RecordingInfo) -> str:
    """For people, who are to look at ``session.loss`` when something is missing."""
    return f"{info.state}, truncated" if info.truncated else info.state


def recording_data(info: pb.RecordingInfo) -> dict[str, Any]:
    """For ``--format=json``."""
    return {
        "sid": info.sid,
        "participants": list(info.participants),
        "server_hostname": info.server_hostname,
        "server_id": info.server_id,
        "login": info.login,
        "session_start": info.started,
        "session_stop": info.ended,
        "interactive": info.interactive,
        "enhanced_recording": info.enhanced,
        "state": info.state,
        "size": info.size,
        "truncated": info.truncated,
    }
