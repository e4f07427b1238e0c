# SPDX-License-Identifier: Apache-2.0
"""The audit log as one file of JSON lines per UTC day, with a symlink to the current one."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from proctor.audit.brief import brief_of
from proctor.audit.dayfiles import DayFile, compressed_days, day_files, day_name, lines_forward, open_day
from proctor.audit.finished import StoredDay, finished_days, remove_day
from proctor.audit.log import Page, Query
from proctor.audit.progress import DOUBTFUL, RECENT, ProgressFile, Span
from proctor.audit.recent_uids import UidWindow
from proctor.audit.search.log_reader import Extent, LogReader
from proctor.core.clock import SYSTEM, Clock, parse_time
from proctor.core.errors import BadRequest, Corrupted, Unavailable
from proctor.model.event import Event
from proctor.model.events import AuditGap
from proctor.model.serde import from_json
from proctor.model.stamp import MAX_LINE, Summary, count_lines, scanned, stamped, summary, to_line

if TYPE_CHECKING:
    from proctor.model.event_types import EventFields

MAX_SOURCES = 64
"""Of one host: it has a new one whenever its spool starts empty."""

SAVE_BYTES = 1 << 20
"""Bytes written between two saves of the progress, and so read again after a crash."""

_GAPS = uuid.UUID("6a4e5a3c-3f0e-5f5b-9d5c-0d7a5b1c9e11")
_DIRECTORIES = ("playbacks/sessions/default", "upload/sessions/default")
_log = logging.getLogger(__name__)


class Line(NamedTuple):
    """An event ready to be stored."""

    uid: str
    time: datetime
    text: bytes
    gap: bool = False
    """It stands for events that are missing, and is stored in any case."""


class FileLog:
    """``<root>/<host_uuid>/YYYY-MM-DD.00:00:00.log`` and ``<root>/events.log``; an ``audit.log.AuditLog``.

    ``root`` is ``<data_dir>/log``; which events are stored is remembered in ``<data_dir>/backend``.
    Raises Unavailable when the directories cannot be used, Corrupted when that memory does not decode.
    """

    def __init__(self, root: Path, host_uuid: str, clock: Clock = SYSTEM, *, cluster_name: str = "") -> None:
        self._root = root.absolute()
        self._directory = self._root / host_uuid
        self._clock = clock
        self._cluster_name = cluster_name
        self._lock = threading.Lock()
        self.torn_bytes = 0
        """Bytes of unfinished lines that a crash had left, moved to ``backend/audit-torn``."""
        try:
            shrunk = self._open()
        except OSError as error:
            raise _failure(error) from error
        if shrunk:
            self.append_own(shrunk)

    def _open(self) -> AuditGap | None:
        for path in (self._directory, *(self._root / name for name in _DIRECTORIES)):
            path.mkdir(parents=True, exist_ok=True, mode=0o750)
        (self._directory / "sessions/default").mkdir(parents=True, exist_ok=True, mode=0o750)
        self._progress_file = ProgressFile(self._root.parent / "backend")
        self._progress = self._progress_file.load()
        self._window = UidWindow(self._root.parent / "backend", self._directory)
        self._seen = dict.fromkeys(self._progress.doubtful)
        self._compressed: dict[str, int] = {}
        self._certain: set[str] = set()  # sources of which nothing can come that is among the seen
        shrunk = self._catch_up()
        self._open_today()
        return shrunk

    def _catch_up(self) -> AuditGap | None:
        """Read what was written after the last save; returns an event when the log is shorter than then."""
        progress = self._progress
        names = [name for name in day_files(self._directory) if name >= progress.file]
        gap = None
        size = _size(self._directory / progress.file) if progress.file in names else 0
        if size < progress.offset:
            reason = f"{progress.file} has {size} bytes, {progress.offset} were written"
            gap = AuditGap(source="log", reason=reason)
            progress.offset = size
        for name in names:
            if name != progress.file:
                self._finish_day()
                progress.file, progress.offset, progress.span = name, 0, None
            self._repair(self._directory / name)
            self._read_on(self._directory / name)
        return gap

    def _repair(self, path: Path) -> None:
        if not path.exists():
            return  # compressed: it was finished, and whole
        file = DayFile(path)
        torn = file.cut_torn_tail()
        size = file.size
        file.close()
        if torn:
            _log.warning("%s: cut %d bytes of an unfinished line at %d", path.name, len(torn), size)
            self.torn_bytes += len(torn)
            with (self._root.parent / "backend/audit-torn").open("ab") as aside:
                aside.write(torn + b"\n")

    def _read_on(self, path: Path) -> None:
        end = _size(path)
        for _, line in lines_forward(path, self._progress.offset, end):
            try:
                brief = brief_of(line)
            except Corrupted:
                continue
            self._seen[brief.uid] = None
            self._window.add(self._window.fingerprints([brief.uid]))
            self._extend_span(brief.time)
        self._progress.offset = end

    def _extend_span(self, moment: datetime) -> None:
        self._progress.span = (self._progress.span or Span(moment, moment)).extended(moment)

    def _open_today(self) -> None:
        name = day_name(self._clock.now().date())
        self._file = DayFile(self._directory / name)
        if name != self._progress.file:
            self._finish_day()
            self._progress.file, self._progress.offset, self._progress.span = name, 0, None
            self._read_on(self._file.path)
        self._progress.offset = self._file.size
        self._saved_at = 0
        self._try_to_save()
        try:
            self._link()
        except OSError as error:
            _log.warning("%s cannot be made: %s", self._root / "events.log", error.strerror)

    def _finish_day(self) -> None:
        if self._progress.file and self._progress.span:
            self._progress.days[self._progress.file] = self._progress.span
            try:
                self._progress_file.save_days(self._progress.days)
            except OSError as error:  # without its span, a day is searched that need not be
                _log.warning("the days of the audit log cannot be saved: %s", error.strerror)

    def _link(self) -> None:
        fresh = self._root / ".events.log"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(self._file.path)
        fresh.replace(self._root / "events.log")

    def _save(self) -> None:
        self._progress.doubtful = list(self._seen)[-DOUBTFUL:]
        self._progress_file.save(self._progress)
        self._saved_at = self._progress.offset

    def _save_if_due(self) -> None:
        # Never between lines and their cursor: what the saved offset covers is not read again.
        if self._progress.offset - self._saved_at > SAVE_BYTES:
            self._try_to_save()

    def _try_to_save(self) -> None:
        """Save progress; anything not saved is read from the log again after a restart."""
        try:
            self._save()
        except OSError as error:
            _log.warning("the progress of the audit log cannot be saved: %s", error.strerror)

    @property
    def uid_key(self) -> bytes:
        """See ``AuditLog.uid_key``."""
        return self._window.key

    def append(self, source: str, first_sequence: int, lines: bytes, found: Summary | None = None) -> int:
        """See ``AuditLog.append``."""
        if not 0 < first_sequence < 1 << 62 or not 0 < len(source) <= 256 or not source.isprintable():
            raise BadRequest("a batch of audit events needs a source and sequence numbers from 1")
        found = found or summary(lines, self.uid_key)
        last = first_sequence + (found.total if found else count_lines(lines)) - 1
        with self._lock:
            highest = self._progress.cursors.get(source, 0)
            if last <= highest:
                return highest
            fits = first_sequence == highest + 1 and (source in self._certain or not self._seen)
            if fits and found is not None and not self._window.knows(found.uids):
                self._write(lines, found.first, found.last)
                self._window.add(found.uids)
            else:
                self._store(self._checked(source, highest, first_sequence, lines))
            self._advance(source, last)
            self._certain.add(source)
            return last

    def _checked(self, source: str, highest: int, first: int, lines: bytes) -> list[Line]:
        """Event by event: those that are not stored yet, and in the place of others why they are not."""
        batch = []
        if first > highest + 1:
            batch.append(self._hole(source, highest, first))
        known = max(0, highest + 1 - first)
        among = set[str]()
        for number, raw in enumerate(lines.split(b"\n")[known:-1], first + known):
            entry = self._parsed(source, number, raw)
            if entry.uid in self._seen:
                continue  # A crash left it stored without its number.
            batch.append(self._only_once(source, number, entry, among))
            among.add(entry.uid)
        return batch

    def _only_once(self, source: str, number: int, entry: Line, among: Set[str]) -> Line:
        """The event, or what stands for it when its ``uid`` is that of one before."""
        if entry.gap or not (entry.uid in among or self._window.knows_uid(entry.uid)):
            return entry
        reason = f"event {number} has the uid of an event stored before: {entry.uid[:64]}"
        return self._gap(AuditGap(source=source, lost=1, reason=reason), f"{source}:{number}")

    def _advance(self, source: str, last: int) -> None:
        # First: events that are stored now are not stored again when the batch comes once more. After a
        # crash they are known by their ``uid``.
        cursors = self._progress.cursors
        if cursors.pop(source, None) is None:
            self._forget_oldest(source)
        cursors[source] = last
        try:
            self._progress_file.advance(source, last)
        except OSError as error:
            raise _failure(error) from error
        self._save_if_due()

    def _forget_oldest(self, source: str) -> None:
        """Forget a source of the host to admit another: hosts choose names of sources freely."""
        host = "/".join(source.split("/")[:2]) + "/"
        known = [each for each in self._progress.cursors if each.startswith(host)]
        for each in known[: len(known) - MAX_SOURCES + 1]:
            del self._progress.cursors[each]
            self._certain.discard(each)

    def _hole(self, source: str, highest: int, first: int) -> Line:
        reason = f"events {highest + 1} to {first - 1} never arrived"
        gap = AuditGap(source=source, lost=first - highest - 1, reason=reason)
        return self._gap(gap, f"{source}:{highest}:{first}")

    def _gap(self, gap: AuditGap, name: str) -> Line:
        # A name, not chance, so that a batch delivered again brings no second gap.
        gap.uid = str(uuid.uuid5(_GAPS, name))
        _log.warning("audit log: %s: %s", gap.source, gap.reason)
        return _line(stamped(gap, self._clock.now(), self._cluster_name))._replace(gap=True)

    def _parsed(self, source: str, number: int, raw: bytes) -> Line:
        if (stamp := scanned(raw)) is not None:
            return Line(stamp.uid, stamp.time, raw + b"\n")
        try:
            if len(raw) > 2 * MAX_LINE:
                raise BadRequest("it is too large")
            fields = from_json(raw, dict)
            return _line(stamped(fields, self._clock.now(), self._cluster_name))
        except (BadRequest, Corrupted, RecursionError) as error:
            reason = f"event {number} is malformed: {error}"
            return self._gap(AuditGap(source=source, lost=1, reason=reason), f"{source}:{number}")

    def append_own(self, event: Event | Mapping[str, Any]) -> EventFields:
        """See ``AuditLog.append_own``."""
        named = event.uid if isinstance(event, Event) else event.get("uid")
        fields = stamped(event, self._clock.now(), self._cluster_name)
        with self._lock:
            if named and (named in self._seen or named in self._progress.recent):
                return fields
            self._store([_line(fields)])
            if named:
                self._progress.recent = [*self._progress.recent[1 - RECENT :], named]
            self._save_if_due()
        return fields

    def _store(self, batch: Sequence[Line]) -> None:
        if batch:
            times = [entry.time for entry in batch]
            self._write(b"".join(entry.text for entry in batch), min(times), max(times))
            self._window.add(self._window.fingerprints(entry.uid for entry in batch))

    def _write(self, lines: bytes, first: datetime, last: datetime) -> None:
        try:
            self._turn()
            self._file.append(lines)
        except OSError as error:
            raise _failure(error) from error
        self._progress.offset = self._file.size
        self._extend_span(first)
        self._extend_span(last)

    def _turn(self) -> None:
        if day_name(self._clock.now().date()) != self._progress.file:
            finished = self._file
            self._open_today()
            finished.close()

    def extents(self) -> list[Extent]:
        """List the stored days, oldest first. Raises Unavailable."""
        with self._lock:
            spans = {**self._progress.days, self._progress.file: self._progress.span}
            sizes = {self._progress.file: self._progress.offset}
        try:
            return list(self._extents(sizes, spans))
        except OSError as error:
            raise Unavailable(f"the audit log cannot be read: {error.strerror}") from error

    def _extents(self, sizes: dict[str, int], spans: Mapping[str, Span | None]) -> Iterator[Extent]:
        compressed = compressed_days(self._directory)
        known = {name: size for name, size in self._compressed.items() if name in compressed}
        for name in day_files(self._directory):
            with suppress(FileNotFoundError):  # removed just now
                size = sizes.get(name) or known.get(name) or _size(self._directory / name)
                if name in compressed:
                    known[name] = size
                yield Extent(name, size, spans.get(name))
        self._compressed = known

    def begin_day(self) -> None:
        """Write to the file of today from now on. Raises Unavailable."""
        with self._lock:
            try:
                self._turn()
            except OSError as error:
                raise _failure(error) from error

    def finished(self) -> list[StoredDay]:
        """The days that are over, oldest first. Raises Unavailable."""
        with self._lock:
            current = self._progress.file
        try:
            return finished_days(self._directory, current, self._clock.now())
        except OSError as error:
            raise Unavailable(f"the audit log cannot be read: {error.strerror}") from error

    def remove_finished(self, name: str) -> None:
        """Remove a day that is over; one that is not there is no error. Raises Unavailable."""
        with self._lock:
            if name >= min(self._progress.file, day_name(self._clock.now().date())):
                raise Unavailable(f"the day {name[:10]} of the audit log is not over")
        try:
            # Without the lock, for it takes its time; a day that is open for writing is locked itself.
            if not remove_day(self._directory / name):
                raise Unavailable(f"the day {name[:10]} of the audit log is still written")
            with self._lock:
                if self._progress.days.pop(name, None):
                    self._progress_file.save_days(self._progress.days)
        except OSError as error:
            raise _failure(error) from error

    def position(self) -> str:
        """The end of what is stored, as ``Query.start_key`` of an ascending search has it."""
        with self._lock:
            return f"{self._progress.file[:10]}/{self._progress.offset}"

    @property
    def directory(self) -> Path:
        """Directory of the day files."""
        return self._directory

    @property
    def index_path(self) -> Path:
        """Path of their index, if there is one."""
        return self._root.parent / "backend/audit-index.sqlite"

    def search(self, query: Query) -> Page:
        """See ``AuditLog.search``."""
        reader = LogReader(self._directory, self.index_path)
        try:
            return reader.search(self.extents(), query)
        finally:
            reader.close()

    def close(self) -> None:
        """See ``AuditLog.close``."""
        with self._lock:
            self._try_to_save()
            self._progress_file.close()
            self._window.close()
            self._file.close()


def _size(path: Path) -> int:
    with open_day(path) as day:
        return day.size


def _line(fields: EventFields) -> Line:
    return Line(fields["uid"], parse_time(fields["time"]), to_line(fields))


def _failure(error: OSError) -> Unavailable:
    return Unavailable(
        f"the audit log cannot be written: {error.strerror}",
        hint="Free some space in the data directory of the Auth Service, or check the file system.",
    )
