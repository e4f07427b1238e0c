# SPDX-License-Identifier: Apache-2.0
"""The files of a recording: their names, their lines, and how they decode. Pure; docs/recording-format.md."""

from __future__ import annotations

import gzip
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from proctor.core.clock import format_time, parse_time
from proctor.core.errors import BadRequest, Corrupted
from proctor.core.text import is_uuid
from proctor.model.serde import from_json, to_json

if TYPE_CHECKING:
    from proctor.model.event_types import EventFields

ENHANCED = ("session.command", "session.disk", "session.network")
KINDS = ("chunks", "events", *ENHANCED)
"""Kinds of files in the order of writing: output is there before the events that point into it."""

INDEX = "index"
MAX_HELD = 1 << 30
"""Decompressed bytes a decoder holds at most."""


def is_sid(sid: str) -> bool:
    """Is ``sid`` a UUID in canonical form?"""
    return is_uuid(sid)


def check_sid(sid: str) -> str:
    """``sid`` itself; raises BadRequest when it is not a UUID in canonical form."""
    if not is_sid(sid):
        raise BadRequest(f"not a session id: {sid[:64]!r}")
    return sid


def file_name(sid: str, kind: str) -> str:
    """The name of the file of ``kind``, one of KINDS or INDEX."""
    if kind == INDEX:
        return f"{sid}.index"
    return f"{sid}-0.{kind}-events.gz" if kind in ENHANCED else f"{sid}-0.{kind}.gz"


def file_names(sid: str) -> dict[str, str]:
    """File name to kind: all files that a recording may have, the index last."""
    return {file_name(sid, kind): kind for kind in (*KINDS, INDEX)}


def kind_of_event(name: str) -> str:
    """The kind of file that events called ``name`` go to."""
    return name if name in ENHANCED else "events"


def index_line(sid: str, kind: str) -> bytes:
    """The line of the index about the file of ``kind``."""
    start = {"offset": 0} if kind == "chunks" else {"index": 0}
    return to_json({"file_name": file_name(sid, kind), "type": kind, **start}) + b"\n"


def print_line(started: datetime, ms: int, *, offset: int, length: int, ei: int, ci: int) -> bytes:
    """The line about ``length`` bytes of output at ``offset``, written ``ms`` after ``started``."""
    fields = {
        "bytes": length,
        "ci": ci,
        "ei": ei,
        "event": "print",
        "ms": ms,
        "offset": offset,
        "time": format_time(started + timedelta(milliseconds=ms)),
    }
    return to_json(fields) + b"\n"


def member(content: bytes) -> bytes:
    """A gzip member; the same content always gives the same bytes."""
    return gzip.compress(content, compresslevel=1, mtime=0)


@dataclass(frozen=True)
class RecordingEntry:
    """One event of a recording at ``ms`` milliseconds after its start.

    ``data`` holds the terminal bytes of a ``print`` event and is empty for all others.
    """

    ms: int
    event: EventFields
    data: bytes = b""

    @property
    def order(self) -> tuple[int, int]:
        """Sort key: time, then the session's counter."""
        return self.ms, self.event["ei"]


class GzipMembers:
    """Gzip members as bytes arrive; only whole ones, whose checksum fits, are given out."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)
        self._content = bytearray()
        self._started = False
        self.damaged = False
        """Something is not gzip; all that follows is ignored."""

    @property
    def partial(self) -> bool:
        """A member has begun and not ended."""
        return self._started

    def feed(self, data: bytes, limit: int) -> Iterator[bytes]:
        """Contents of the members that ``data`` ends. Raises Corrupted beyond ``limit`` bytes."""
        while data and not self.damaged:
            self._started = True
            try:
                self._content += self._inflate.decompress(data, limit + 1 - len(self._content))
            except zlib.error:
                self.damaged = True
                return
            if len(self._content) > limit:
                raise Corrupted(f"recording is larger than {MAX_HELD} bytes at once")
            data = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            if self._inflate.eof:
                limit -= len(self._content)
                yield self._next_member()

    def _next_member(self) -> bytes:
        content = bytes(self._content)
        self._inflate = zlib.decompressobj(wbits=31)
        self._content.clear()
        self._started = False
        return content


class Decoder:
    """A recording that is still arriving: bytes in, entries out."""

    def __init__(self, limit: int = MAX_HELD) -> None:
        self._limit = limit
        self._files: dict[str, GzipMembers] = {}
        self._origin: datetime | None = None
        self._output = bytearray()
        self._output_start = 0
        self._events: deque[EventFields] = deque()
        self._enhanced: list[EventFields] = []
        self._held = 0
        self._cut = False

    @property
    def started(self) -> datetime | None:
        """When the recording began; None until an event has arrived."""
        return self._origin

    @property
    def torn(self) -> bool:
        """Are there bytes that make no whole record, or output without its event or the reverse?"""
        damaged = any(members.partial or members.damaged for members in self._files.values())
        return damaged or self._cut or bool(self._events or self._output)

    def feed(self, name: str, data: bytes) -> None:
        """The next bytes of file ``name``. Raises Corrupted for foreign names and hostile sizes."""
        kind = file_names(name[:36]).get(name)
        if kind is None:
            raise Corrupted(f"not a file of a recording: {name[:64]!r}")
        if kind == INDEX:
            return
        members = self._files.setdefault(kind, GzipMembers())
        for content in members.feed(data, self._limit - self._held):
            self._held += len(content)
            self._take(kind, content)

    def _take(self, kind: str, content: bytes) -> None:
        if kind == "chunks":
            self._output += content
            return
        for line in content.splitlines():
            try:
                event = _event(line)
            except Corrupted:
                self._cut = True
                continue
            if kind == "events":
                self._events.append(event)
            else:
                self._enhanced.append(event)

    def entries(self) -> list[RecordingEntry]:
        """Entries that have become whole since the last call, in order of time."""
        found = []
        while self._events and (entry := self._whole(self._events[0])):
            self._events.popleft()
            found.append(entry)
        if self._origin:
            found += [RecordingEntry(self._ms(event), event) for event in self._enhanced]
            self._enhanced.clear()
        self._held = len(self._output)
        return sorted(found, key=lambda entry: entry.order)

    def rest(self) -> list[RecordingEntry]:
        """Return the rest at the end of the input: kernel events without a session, cut output."""
        if self._origin is None and self._enhanced:
            self._origin = min(parse_time(event["time"]) for event in self._enhanced)
        self._cut = self._cut or bool(self._events)
        left = [self._taken(event) for event in self._events]
        self._events.clear()
        return left + self.entries()

    def _whole(self, event: EventFields) -> RecordingEntry | None:
        if event["event"] == "print":
            end = event["offset"] + event["bytes"] - self._output_start
            if end > len(self._output):
                return None
        return self._taken(event)

    def _taken(self, event: EventFields) -> RecordingEntry:
        if event["event"] != "print":
            return RecordingEntry(self._ms(event), event)
        skip, length = max(0, event["offset"] - self._output_start), event["bytes"]
        data = bytes(self._output[skip : skip + length])
        del self._output[: skip + length]
        self._output_start += skip + length
        return RecordingEntry(self._ms(event), event, data)

    def _ms(self, event: EventFields) -> int:
        moment = parse_time(event["time"])
        if self._origin is None:
            before = event["ms"] if event["event"] == "print" else 0
            self._origin = moment - timedelta(milliseconds=before)
        return max(0, (moment - self._origin) // timedelta(milliseconds=1))


_NUMBERS = {"print": ("ei", "bytes", "ci", "ms", "offset")}
_MAX_NUMBER = 1 << 40


def _event(line: bytes) -> EventFields:
    try:
        event: dict[str, Any] = from_json(line, dict)
        moment = parse_time(event["time"])
        name = event["event"]
        numbers = [event[number] for number in _NUMBERS.get(name, ("ei",))]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Corrupted(f"not an event: {error!r}") from None
    if any(type(n) is not int or not 0 <= n < _MAX_NUMBER for n in numbers):
        raise Corrupted("event with a wrong number")
    if not isinstance(name, str) or not 1970 <= moment.year < 9000:
        raise Corrupted("event with a wrong name or time")
    return cast("EventFields", event)


@dataclass(frozen=True)
class Timeline:
    """Everything in a recording in order of time, terminal output and kernel events on one clock."""

    entries: list[RecordingEntry]
    started: datetime | None
    torn: bool
    """Bytes at the end of a file did not make a whole record (a live or damaged recording)."""

    @staticmethod
    def decode(files: Mapping[str, bytes], limit: int = MAX_HELD) -> Timeline:
        """From file names (``<sid>-0.events.gz``, …) and contents.

        Raises Corrupted when nothing can be read or more than ``limit`` bytes come out.
        """
        decoder = Decoder(limit)
        for name, data in files.items():
            decoder.feed(name, data)
        entries = decoder.entries() + decoder.rest()
        if decoder.torn and not entries:
            raise Corrupted("nothing in this recording can be read")
        return Timeline(sorted(entries, key=lambda entry: entry.order), decoder.started, decoder.torn)
