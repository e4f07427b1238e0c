# SPDX-License-Identifier: Apache-2.0
"""Recordings in forms that other programs read."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from proctor.core.clock import parse_time
from proctor.recording.format import RecordingEntry

if TYPE_CHECKING:
    from proctor.model.event_types import EventFields

DEFAULT_SIZE = (80, 24)
LONGEST_LINE = 64 << 10
_SIZE = re.compile(r"([1-9]\d{0,4}):([1-9]\d{0,4})")
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)"
    r"|\r(?=\n)|[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]"
)


def terminal_size(event: EventFields) -> tuple[int, int] | None:
    """Columns and rows from the ``size`` of an event; None when it has none."""
    match = _SIZE.fullmatch(str(event.get("size", "")))
    return (int(match[1]), int(match[2])) if match else None


class Asciicast:
    """Makes an asciicast v2 file, entry by entry, so that it works for live sessions too."""

    def __init__(self, term: str = "xterm-256color") -> None:
        self._term = term
        self._characters = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun = False
        self._seconds = 0.0

    def feed(self, entry: RecordingEntry) -> str:
        """The lines that ``entry`` adds; empty for events a player does not show."""
        self._seconds = max(self._seconds, entry.ms / 1000)
        size = terminal_size(entry.event)
        header = "" if self._begun else self._header(entry, size or DEFAULT_SIZE)
        if entry.event["event"] == "print":
            return header + self._line("o", self._characters.decode(entry.data))
        if entry.event["event"] == "resize" and size and not header:
            return header + self._line("r", f"{size[0]}x{size[1]}")
        return header

    def finish(self) -> str:
        """The lines for bytes held back as the start of a character."""
        return self._line("o", self._characters.decode(b"", final=True))

    def _header(self, entry: RecordingEntry, size: tuple[int, int]) -> str:
        self._begun = True
        started = int(parse_time(entry.event["time"]).timestamp()) - entry.ms // 1000
        header = {
            "version": 2,
            "width": size[0],
            "height": size[1],
            "timestamp": started,
            "env": {"TERM": self._term},
        }
        return json.dumps(header) + "\n"

    def _line(self, kind: str, data: str) -> str:
        return json.dumps([round(self._seconds, 3), kind, data]) + "\n" if data else ""


def plain_text(entries: Iterable[RecordingEntry]) -> Iterator[str]:
    """Terminal output without escape sequences and control characters, in pieces of whole lines."""
    characters = codecs.getincrementaldecoder("utf-8")("replace")
    line = ""
    for entry in entries:
        text = line + characters.decode(entry.data)
        whole = text.rfind("\n") + 1 if len(text) < LONGEST_LINE else len(text)
        if whole:
            yield _ESCAPES.sub("", text[:whole])
        line = text[whole:]
    yield _ESCAPES.sub("", line + characters.decode(b"", final=True))
