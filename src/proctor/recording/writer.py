# SPDX-License-Identifier: Apache-2.0
"""The recording of one session on the node: nothing that was accepted is lost by a crash."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from proctor.core.clock import SYSTEM, Clock, format_time, whole_milliseconds
from proctor.core.errors import AlreadyExists, ProctorError
from proctor.core.tasks import Threads
from proctor.model.event import SESSION_DATA_INDEX, Event
from proctor.model.events import SessionEnd, SessionLoss
from proctor.model.stamp import stamped, to_line
from proctor.recording.files import Files, WriteAheadLog, journal_path, set_aside
from proctor.recording.flush_timer import FlushTimer
from proctor.recording.format import INDEX, check_sid, file_name, kind_of_event
from proctor.recording.wal import (
    PRINT_BYTES,
    PRINT_LINE,
    Assembler,
    Block,
    Checkpoint,
    FlushBatch,
    Tag,
    encode,
    encode_event,
    encode_lines,
    encode_output,
)

if TYPE_CHECKING:
    from proctor.model.event_types import EventFields

FLUSH_SECONDS = 0.25
RETRY_SECONDS = 1.0
BACKLOG_BYTES = 8 << 20
"""Waiting bytes beyond which ``output`` flushes by itself, so that a fast program cannot fill memory."""

RESERVE_BYTES = 16 << 10
"""Bytes that each recording reserves for its last events, unless ``reserve`` says more."""

_INDEX_BYTES = 2 << 10
_RECORD_BYTES = 1 << 20
WRITES = Threads("recording", 4)
"""For what sessions wait for: nothing else runs in them."""

_log = logging.getLogger(__name__)

Flushed = Callable[[str, Mapping[str, int]], None]
"""Called with a session id and the durable size of each of its files (``Replicator.notify``)."""


class RecordingError(ProctorError):
    """The recording could not take what it was given; what it took before is intact."""


class RecordingGone(RecordingError):
    """Files of the recording were removed by somebody else: it cannot be completed."""


class SessionWriter:
    """Writes ``<sid>-0.*.gz`` and ``<sid>.index`` in ``directory`` through a journal.

    ``event`` and ``output`` survive ``kill -9`` on return, and power failure after the next flush. Methods
    may be called from any thread. What is accepted can be completed on a full disk: space for it is allocated
    in the files, and for ``reserved`` events beforehand.
    """

    def __init__(self, directory: Path, sid: str, clock: Clock = SYSTEM, *, cluster_name: str = "") -> None:
        """Start a new recording.

        Raises BadRequest for a sid that is no UUID, AlreadyExists, RecordingError.
        """
        base = Checkpoint(started=whole_milliseconds(clock.now()))
        if (directory / file_name(check_sid(sid), INDEX)).exists():
            raise AlreadyExists(f"session {sid} has a recording already")
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            journal = WriteAheadLog.create(journal_path(directory, sid), base, RESERVE_BYTES)
        except FileExistsError:
            raise AlreadyExists(f"session {sid} has a recording already") from None
        except OSError as error:
            raise _failure(sid, error) from error
        files = Files(directory, sid, {})
        try:
            files.ensure({INDEX: _INDEX_BYTES, "events": RESERVE_BYTES})
        except OSError as error:
            journal.close()
            journal.remove()
            files.trim()
            raise _failure(sid, error) from error
        self._open(journal, Assembler(base), files, sid=sid, clock=clock, cluster_name=cluster_name)

    @classmethod
    def reopened(
        cls,
        journal: WriteAheadLog,
        assembler: Assembler,
        files: Files,
        *,
        sid: str,
        clock: Clock,
        cluster_name: str,
    ) -> SessionWriter:
        """A writer at the end of a replayed journal."""
        writer = cls.__new__(cls)
        writer._open(journal, assembler, files, sid=sid, clock=clock, cluster_name=cluster_name)
        return writer

    def _open(
        self,
        journal: WriteAheadLog,
        assembler: Assembler,
        files: Files,
        *,
        sid: str,
        clock: Clock,
        cluster_name: str,
    ) -> None:
        self.sid, self._clock, self._cluster_name = sid, clock, cluster_name
        self.lost_events = 0
        """Events refused because they could not be written."""
        self.lost_bytes = 0
        """Bytes of terminal output refused because they could not be written."""
        self._journal, self._assembler, self._files = journal, assembler, files
        elapsed = (self._clock.now() - assembler.state.started) / timedelta(seconds=1)
        self._zero = self._clock.monotonic() - max(0.0, elapsed)
        self._cuts: deque[FlushBatch] = deque()
        self._base: Checkpoint | None = None
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._alarm = FlushTimer()
        self._closed = False
        self._gone = False
        self._reserve = RESERVE_BYTES

    def reserve(self, size: int) -> None:
        """Reserve ``size`` bytes for ``reserved`` events. Raises RecordingError when there is none."""
        with self._lock:
            self._reserve = max(size, self._reserve)
            self._append(b"", {})

    @property
    def gone(self) -> bool:
        """Is nothing more taken, because it is closed or its files were removed by somebody else?"""
        return self._gone or self._closed

    @property
    def sizes(self) -> Mapping[str, int]:
        """Durable bytes of each file."""
        return self._files.sizes

    @property
    def next_ei(self) -> int:
        """The number that the next event gets if no output comes before it."""
        with self._lock:
            return self._assembler.next_ei

    def event(self, event: Event | Mapping[str, Any]) -> EventFields:
        """Record an event; returns it with ``ei``, ``uid``, ``time`` and ``cluster_name`` filled in.

        ``session.data`` keeps its fixed ``ei``. Raises RecordingError.
        """
        return self.events([event])[0]

    def events(
        self, events: Iterable[Event | Mapping[str, Any]], *, reserved: bool = False
    ) -> list[EventFields]:
        """Record several events with one write, all or none; ``reserved`` ones in the reserved space.

        Raises RecordingError.
        """
        now = self._clock.now()
        batch = [stamped(event, now, self._cluster_name) for event in events]
        with self._lock:
            lines = self._numbered(batch)
            record = b"".join(encode_event(kind, line, numbered=n) for kind, line, n in lines)
            try:
                self._append(record, None if reserved else _sizes((kind, line) for kind, line, _ in lines))
            except RecordingError:
                self.lost_events += len(batch)
                raise
            for kind, line, numbered in lines:
                self._assembler.event(kind, line, numbered=numbered)
            self._alarm.grown(self._assembler.size)
        return batch

    def _numbered(self, batch: list[EventFields]) -> list[tuple[str, bytes, bool]]:
        ei = self._assembler.next_ei
        lines = []
        for fields in batch:
            numbered = fields["ei"] != SESSION_DATA_INDEX
            if numbered:
                fields["ei"] = ei
                ei += 1
            lines.append((kind_of_event(fields["event"]), to_line(fields), numbered))
        return lines

    def lines(self, numbered: Callable[[int], Block]) -> Block:
        """Record events that are lines already, all or none; ``numbered`` gets the ``ei`` of the first.

        Raises RecordingError.
        """
        with self._lock:
            block = numbered(self._assembler.next_ei)
            parts = [(kind, lines, count) for kind, (lines, count) in block.parts.items()]
            try:
                added = _sizes((kind, lines) for kind, lines, _ in parts)
                self._append(b"".join(encode_lines(*part) for part in parts), added)
            except RecordingError:
                self.lost_events += block.total
                raise
            for part in parts:
                self._assembler.lines(*part)
            self._alarm.grown(self._assembler.size)
            backlog = self._assembler.size
        self._relieve(backlog)
        return block

    def output(self, data: bytes) -> None:
        """Record terminal output. Raises RecordingError."""
        pieces = [data[start : start + _RECORD_BYTES] for start in range(0, len(data), _RECORD_BYTES)]
        with self._lock:
            ms = int((self._clock.monotonic() - self._zero) * 1000)
            try:
                prints = PRINT_LINE * (2 + len(data) // PRINT_BYTES)
                added = {"chunks": len(data), "events": prints}
                self._append(b"".join(encode_output(ms, piece) for piece in pieces), added)
            except RecordingError:
                self.lost_bytes += len(data)
                raise
            for piece in pieces:
                self._assembler.output(ms, piece)
            self._alarm.grown(self._assembler.size)
            backlog = self._assembler.size
        self._relieve(backlog)

    def _relieve(self, backlog: int) -> None:
        """Flush when much is waiting; what was accepted is safe in the journal, whether or not that works."""
        if backlog > BACKLOG_BYTES:
            with contextlib.suppress(RecordingError):
                self.flush()

    def _append(self, record: bytes, added: Mapping[str, int] | None = None) -> None:
        """Put ``record`` into the journal, and allocate space in the files for what it adds to each kind.

        Without ``added`` it uses the reserve. The lock must be held.
        """
        if self._closed or self._gone:
            state = "was removed" if self._gone else "is closed"
            raise RecordingError(f"the recording of session {self.sid} {state}")
        try:
            if added is None:
                self._journal.append(record)
            else:
                self._files.ensure(self._waiting(added))
                self._journal.append(record, reserve=self._reserve)
        except OSError as error:
            raise _failure(self.sid, error) from error

    def _waiting(self, added: Mapping[str, int]) -> Counter[str]:
        """Bytes of content that the files of each kind must have space for."""
        waiting = self._assembler.waiting() + Counter(added) + Counter(events=self._reserve)
        for cut in list(self._cuts):
            waiting.update({kind: len(content) for kind, content in cut.contents.items()})
        return waiting

    def flush(self) -> None:
        """Move everything from the journal into the recording's files, durably. Raises RecordingError.

        After a failure everything is still in the journal, and the next flush tries again.
        """
        with self._flushing:
            with self._lock:
                self._mark()
            try:
                self._move()
            except FileNotFoundError as error:
                self._gone = True
                raise _failure(self.sid, error, RecordingGone) from error
            except OSError as error:
                raise _failure(self.sid, error) from error

    def _mark(self) -> None:
        self._alarm.reset()
        if self._assembler.size:
            self._append(encode(Tag.MARK))
            self._cuts.append(self._assembler.cut(self._journal.size))

    def _move(self) -> None:
        if self._cuts:
            # Before the members, so that replay after a power failure gives the same bytes again.
            self._journal.sync()
        while self._cuts:
            self._files.append(self._cuts[0].contents)
            self._base = msgspec.structs.replace(self._cuts.popleft().base, sizes=self._files.sizes)
        if self._base:
            # Saves work after a crash; when it cannot be noted, more of the journal is replayed.
            with self._lock, contextlib.suppress(OSError):
                self._journal.rebase(self._base, self._reserve)
                self._base = None

    def abandon(self) -> None:
        """Release a recording that cannot be completed."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._journal.close()
                self._alarm.ring()

    async def keep_flushed(self, flushed: Flushed) -> None:
        """Flush at 64 KiB or 250 ms of age, off the event loop, and tell ``flushed``; ends with ``close``."""
        self._alarm.attach(asyncio.get_running_loop())
        while not self._closed:
            await self._alarm.wait(FLUSH_SECONDS)
            if self._closed:
                break
            try:
                await WRITES.run(self.flush)
                flushed(self.sid, self.sizes)
            except RecordingGone as error:
                _log.error("%s", error)
                return
            except RecordingError as error:
                _log.error("%s", error)
                await asyncio.sleep(RETRY_SECONDS)
                self._alarm.ring()
        flushed(self.sid, self.sizes)

    def close(self) -> None:
        """Flush and mark the recording finished, so that it may be completed. Raises RecordingError."""
        if self._closed:
            return
        self.flush()
        with self._lock:
            try:
                self._files.trim()
                self._journal.remove()
            except OSError as error:
                raise _failure(self.sid, error) from error
            self._closed = True
            self._journal.close()
            self._alarm.ring()


def _sizes(parts: Iterable[tuple[str, bytes]]) -> Counter[str]:
    """Bytes by kind of file."""
    sizes: Counter[str] = Counter()
    for kind, content in parts:
        sizes[kind] += len(content)
    return sizes


def _failure(sid: str, error: OSError, kind: type[RecordingError] = RecordingError) -> RecordingError:
    return kind(
        f"the recording of session {sid} cannot be written: {error.strerror}",
        hint="Free some space in the data directory of this node, or check the file system.",
    )


@dataclass(frozen=True)
class Interrupted:
    """A recording whose writer died, open again at its end."""

    sid: str
    writer: SessionWriter
    start: dict[str, Any]
    """The ``session.start`` event; empty when there was none."""
    ended: bool
    """``session.end`` is there already."""
    enhanced: bool
    """There are events of enhanced recording."""
    last_ei: int
    """Number of the last event, -1 when there is none."""
    last_time: datetime
    """When the last event or output was recorded."""

    def session_end(self) -> SessionEnd:
        """The missing ``session.end``, made from ``start`` and the time of the last event."""
        start = self.start
        kept: dict[str, Any] = {name: start[name] for name in _KEPT if name in start}
        return SessionEnd(
            **kept,
            sid=self.sid,
            addr_local=start.get("addr.local", ""),
            addr_remote=start.get("addr.remote", ""),
            enhanced_recording=self.enhanced,
            interactive="size" in start,
            participants=[start["user"]] if "user" in start else [],
            session_start=start.get("time", ""),
            session_stop=format_time(self.last_time),
            reason="the node service ended before the session",
        )


_KEPT = (
    "cluster_name", "user", "login", "user_roles", "user_traits", "namespace", "server_id", "server_hostname",
    "server_addr", "server_labels", "server_version", "proto", "initial_command", "session_recording",
)  # fmt: skip


def recover(
    directory: Path,
    clock: Clock = SYSTEM,
    *,
    cluster_name: str = "",
    server_id: str = "",
    emit: Callable[[Event], object],
) -> list[Interrupted]:
    """Reopen every unfinished recording in ``directory``; call before new sessions start.

    The caller adds what is missing (``session_end``) and closes each ``writer``. A recording that cannot
    be repaired is moved to ``corrupted/`` beside ``sessions/``, and ``emit`` gets a ``session.loss``. One for
    which the disk has no space now is left for the next time.
    """
    found = []
    for path in sorted(directory.glob("*.journal")):
        sid = path.stem
        try:
            found.append(_reopen(directory, check_sid(sid), clock, cluster_name))
        except OSError as error:
            _log.error("recording %s cannot be recovered now: %s", sid, error)
        except ProctorError as error:
            _log.error("recording %s cannot be recovered: %s", sid, error)
            set_aside(directory, sid)
            reason = f"not recoverable: {error}"
            with contextlib.suppress(ProctorError):  # the log of this service has it
                emit(SessionLoss(sid=sid, server_id=server_id, lost={"recording": 1}, reason=reason))
    return found


def _reopen(directory: Path, sid: str, clock: Clock, cluster_name: str) -> Interrupted:
    journal, base, records = WriteAheadLog.open(journal_path(directory, sid))
    try:
        files = Files(directory, sid, base.sizes)
        files.repair()
        assembler = Assembler(base)
        for record in records:
            if cut := assembler.apply(record):
                files.append(cut.contents)
                base = msgspec.structs.replace(cut.base, sizes=files.sizes)
        journal.rebase(base)
    except (ProctorError, OSError):
        journal.close()
        raise
    state = assembler.state
    return Interrupted(
        sid=sid,
        writer=SessionWriter.reopened(
            journal, assembler, files, sid=sid, clock=clock, cluster_name=cluster_name
        ),
        start=state.start,
        ended=state.ended,
        enhanced=state.enhanced,
        last_ei=assembler.next_ei - 1,
        last_time=state.last or state.started,
    )
