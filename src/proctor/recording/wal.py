# SPDX-License-Identifier: Apache-2.0
"""Write-ahead log of a recording: record codec and replay. Pure.

A journal is a sequence of records, each with length and checksum. The files of the recording follow from
it alone: the same records always give the same bytes, whoever replays them.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple

import msgspec

from proctor.core.errors import Corrupted
from proctor.model.serde import from_json, to_json
from proctor.model.stamp import MAX_LINE, to_line
from proctor.recording.format import ENHANCED, KINDS, print_line

_HEADER = struct.Struct(">IIB")
_MS = struct.Struct(">Q")
_LINES = struct.Struct(">BI")
MAX_RECORD = 16 << 20
_MAX_MS = 1 << 40
PRINT_BYTES = 16 << 10
PRINT_MS = 50
PRINT_LINE = 256
"""More than the line of one ``print`` event is long."""


class Tag(IntEnum):
    """Kinds of records. Numbers are on disk and are never used for anything else."""

    BASE = 0
    """JSON of ``Checkpoint``: everything before ``position`` is in the recording's files."""
    OUTPUT = 1
    """Milliseconds since the start, then terminal bytes."""
    EVENT = 2
    """Index in KINDS, with UNNUMBERED added when the event has a fixed ``ei``; then its line."""
    MARK = 3
    """End of a gzip member in every file that has something new."""
    LINES = 4
    """Index in KINDS and the number of events; then their lines, all with ``ei`` counted on."""


UNNUMBERED = 0x80


class Checkpoint(msgspec.Struct, kw_only=True):
    """State of a recording at one position of its journal."""

    started: datetime
    position: int = 0
    ei: int = 0
    ci: int = 0
    offset: int = 0
    sizes: dict[str, int] = {}
    last: datetime | None = None
    """When the last event or output came."""
    start: dict[str, Any] = {}
    """The ``session.start`` event."""
    ended: bool = False
    """``session.end`` has come."""
    enhanced: bool = False
    """An event of enhanced recording has come."""


class _Brief(msgspec.Struct):
    event: str
    time: datetime


class Record(NamedTuple):
    """A record and the position after it."""

    tag: Tag
    payload: bytes
    end: int


def encode(tag: Tag, payload: bytes = b"") -> bytes:
    """One record."""
    return _HEADER.pack(len(payload), _checksum(tag, payload), tag) + payload


def _checksum(tag: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(bytes([tag])))


def encode_base(base: Checkpoint) -> bytes:
    """A record that says how far the recording's files are."""
    return encode(Tag.BASE, to_json(base))


def encode_output(ms: int, data: bytes) -> bytes:
    """A record of terminal output."""
    return encode(Tag.OUTPUT, _MS.pack(ms) + data)


def encode_event(kind: str, line: bytes, *, numbered: bool) -> bytes:
    """A record of an event's line for the file of ``kind``."""
    mark = KINDS.index(kind) | (0 if numbered else UNNUMBERED)
    return encode(Tag.EVENT, bytes([mark]) + line)


def encode_lines(kind: str, lines: bytes, count: int) -> bytes:
    """A record of several events' lines for the file of ``kind``."""
    return encode(Tag.LINES, _LINES.pack(KINDS.index(kind), count) + lines)


def records(journal: bytes) -> Iterator[Record]:
    """Every whole record up to the first that is torn or damaged."""
    position = 0
    while position + _HEADER.size <= len(journal):
        length, checksum, tag = _HEADER.unpack_from(journal, position)
        end = position + _HEADER.size + length
        payload = journal[position + _HEADER.size : end]
        torn = length > MAX_RECORD or end > len(journal) or tag > max(Tag)
        if torn or _checksum(tag, payload) != checksum:
            return
        yield Record(Tag(tag), payload, end)
        position = end


def decode_base(payload: bytes) -> Checkpoint:
    """The inverse of ``encode_base``. Raises Corrupted."""
    return from_json(payload, Checkpoint)


class Block(NamedTuple):
    """Lines of events: all in order, and for the file of each kind its own with their number."""

    lines: bytes
    parts: Mapping[str, tuple[bytes, int]]
    total: int

    def shortened(self) -> Block:
        """The block with no line above ``MAX_LINE``."""
        parts = {kind: (_shortened(lines), count) for kind, (lines, count) in self.parts.items()}
        return Block(_shortened(self.lines), parts, self.total)


def _shortened(lines: bytes) -> bytes:
    found = lines.splitlines(keepends=True)
    return b"".join(to_line(from_json(line, dict)) if len(line) > MAX_LINE else line for line in found)


@dataclass(frozen=True)
class FlushBatch:
    """The content that one mark moves to the files, by kind, and the state after it."""

    contents: dict[str, bytes]
    base: Checkpoint


class Assembler:
    """Turns accepted output and events into the content of files, numbering as it goes.

    Neighbouring output becomes one ``print`` event while it is younger than 50 ms and under 16 KiB.
    """

    def __init__(self, base: Checkpoint) -> None:
        self._base = msgspec.structs.replace(base)
        self._contents: dict[str, bytearray] = {}
        self._print = bytearray()
        self._print_ms = 0
        self.size = 0
        """Bytes waiting for the next cut."""

    @property
    def state(self) -> Checkpoint:
        """State of the recording; its ``position`` and ``sizes`` are those of the last cut."""
        return self._base

    @property
    def next_ei(self) -> int:
        """The number that the next event gets."""
        return self._base.ei + bool(self._print)

    def waiting(self) -> Counter[str]:
        """Bytes of content by kind that the next cut has at most."""
        sizes = Counter({kind: len(content) for kind, content in self._contents.items()})
        if self._print:
            sizes["events"] += PRINT_LINE
        return sizes

    def apply(self, record: Record) -> FlushBatch | None:
        """Replay a record; a MARK gives a cut. Raises Corrupted for a record that no writer wrote."""
        if record.tag is Tag.MARK:
            return self.cut(record.end)
        if record.tag is Tag.OUTPUT and len(record.payload) >= _MS.size:
            (ms,) = _MS.unpack_from(record.payload)
            if ms > _MAX_MS:
                raise Corrupted("journal record from an impossible time")
            self.output(ms, record.payload[_MS.size :])
        elif record.tag is Tag.EVENT and record.payload and record.payload[0] & ~UNNUMBERED < len(KINDS):
            mark = record.payload[0]
            kind = KINDS[mark & ~UNNUMBERED]
            self.event(kind, record.payload[1:], numbered=not mark & UNNUMBERED)
        elif record.tag is Tag.LINES and len(record.payload) > _LINES.size and record.payload[0] < len(KINDS):
            number, count = _LINES.unpack_from(record.payload)
            self.lines(KINDS[number], record.payload[_LINES.size :], count)
        elif record.tag is not Tag.BASE:
            raise Corrupted("journal record without content")
        return None

    def output(self, ms: int, data: bytes) -> None:
        """Terminal output at ``ms`` after the start."""
        if self._print and ms - self._print_ms >= PRINT_MS:
            self._close_print()
        self._base.last = self._base.started + timedelta(milliseconds=ms)
        self._add("chunks", data)
        for start in range(0, len(data), PRINT_BYTES):
            self._print_some(ms, data[start : start + PRINT_BYTES])

    def _print_some(self, ms: int, data: bytes) -> None:
        if len(self._print) + len(data) > PRINT_BYTES:
            self._close_print()
        if not self._print:
            self._print_ms = ms
        self._print += data

    def event(self, kind: str, line: bytes, *, numbered: bool) -> None:
        """A line that already carries ``next_ei`` or, not ``numbered``, a fixed one."""
        self._close_print()
        self._add(kind, line)
        self._base.ei += numbered
        self._note(kind, line)

    def lines(self, kind: str, lines: bytes, count: int) -> None:
        """Some or all lines of a block that is numbered from ``next_ei`` on; the others follow at once."""
        self._close_print()
        self._add(kind, lines)
        self._base.ei += count
        self._note(kind, lines[lines.rfind(b"\n", 0, -1) + 1 :])

    def _note(self, kind: str, line: bytes) -> None:
        base, brief = self._base, from_json(line, _Brief)
        base.last = brief.time
        base.enhanced = base.enhanced or kind in ENHANCED
        base.ended = base.ended or brief.event == "session.end"
        if brief.event == "session.start" and not base.start:
            base.start = from_json(line, dict)

    def _close_print(self) -> None:
        if not self._print:
            return
        base = self._base
        line = print_line(
            base.started,
            self._print_ms,
            offset=base.offset,
            length=len(self._print),
            ei=base.ei,
            ci=base.ci,
        )
        self._add("events", line)
        base.offset += len(self._print)
        base.ei += 1
        base.ci += 1
        self._print.clear()

    def _add(self, kind: str, content: bytes) -> None:
        self._contents.setdefault(kind, bytearray()).extend(content)
        self.size += len(content)

    def cut(self, position: int) -> FlushBatch:
        """Take everything up to the mark that ends at ``position`` of the journal."""
        self._close_print()
        self._base.position = position
        contents = {kind: bytes(self._contents[kind]) for kind in KINDS if self._contents.get(kind)}
        self._contents.clear()
        self.size = 0
        return FlushBatch(contents, msgspec.structs.replace(self._base))
