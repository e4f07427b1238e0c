# SPDX-License-Identifier: Apache-2.0
"""State that the file log keeps beside its files: stored events, and the times of each day's lines."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

import msgspec

from proctor.core.durable import append_at, replace_file
from proctor.model.serde import from_json, to_json

RECENT = 1024
DOUBTFUL = 10_000
_CURSOR = re.compile(r"^(\d{1,20}) (.+)\n", re.MULTILINE)


class Span(msgspec.Struct):
    """The times of the events in one file."""

    first: datetime
    last: datetime

    def extended(self, moment: datetime) -> Span:
        """The span with ``moment`` in it."""
        return Span(min(self.first, moment), max(self.last, moment))


class Progress(msgspec.Struct):
    """State of the log at ``offset`` of ``file``; lines behind it are found by reading them."""

    file: str = ""
    offset: int = 0
    span: Span | None = None
    cursors: dict[str, int] = {}
    """Highest stored sequence number of each source."""
    recent: list[str] = []
    """``uid`` of the last events of this service that came with one."""
    doubtful: list[str] = []
    """``uid`` of events that a crash left stored without a cursor saying so; they may be delivered again."""
    days: dict[str, Span] = {}
    """Finished files; kept in a file of its own."""


class ProgressFile:
    """Keeps ``Progress`` in ``directory``.

    ``audit-log.json`` is written now and then; ``audit-cursors`` has a line for each batch acknowledged
    since; ``audit-days.json`` is written at the end of a day.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._log = directory / "audit-log.json"
        self._days = directory / "audit-days.json"
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._cursors = os.open(directory / "audit-cursors", flags, 0o600)
        self._size = os.fstat(self._cursors).st_size

    def load(self) -> Progress:
        """Load the last saved state; empty when there is none. Raises Corrupted."""
        progress = from_json(self._log.read_bytes(), Progress) if self._log.exists() else Progress()
        if self._days.exists():
            progress.days = from_json(self._days.read_bytes(), dict[str, Span])
        for match in _CURSOR.finditer(os.pread(self._cursors, self._size, 0).decode(errors="replace")):
            sequence, source = int(match[1]), match[2]
            progress.cursors[source] = max(sequence, progress.cursors.get(source, 0))
        return progress

    def advance(self, source: str, sequence: int) -> None:
        """Note durably that ``source`` is stored up to ``sequence``; OSError when it cannot be noted."""
        line = f"{sequence} {source}\n".encode()
        self._size = append_at(self._cursors, line, self._size, sync=True)

    def save(self, progress: Progress) -> None:
        """Everything but the finished days, durably, all or nothing."""
        replace_file(self._log, to_json(msgspec.structs.replace(progress, days={})))
        os.ftruncate(self._cursors, 0)
        self._size = 0

    def save_days(self, days: dict[str, Span]) -> None:
        """The spans of finished files, durably, all or nothing."""
        replace_file(self._days, to_json(days))

    def close(self) -> None:
        """Release files."""
        os.close(self._cursors)
