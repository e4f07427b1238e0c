# SPDX-License-Identifier: Apache-2.0
"""Numbers the events of one session into its recording and the spool."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from proctor.audit.spool import Reservation, Spool
from proctor.captureproto import event_lines
from proctor.core.errors import ProctorError, Unavailable
from proctor.model.event import NAMESPACE, Event, copied
from proctor.model.events import ConnectionPart, SessionData, SessionLoss, SessionPart
from proctor.model.identity import UserIdentity
from proctor.model.stamp import MAX_LINE
from proctor.node import timeouts
from proctor.node.record.sessionspool import SessionSpool
from proctor.recording.format import kind_of_event
from proctor.recording.wal import Block
from proctor.recording.writer import WRITES, RecordingError, SessionWriter

if TYPE_CHECKING:
    from proctor.model.event_types import EventFields

Part = TypeVar("Part", bound=SessionPart)
T = TypeVar("T")
RECORDING, SPOOL = "recording", "spool"
"""Where events can be lost here: neither the recording nor the log may lack one that counts as stored."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class NodeFacts:
    """Fields of this node in every event."""

    server_id: str
    hostname: str
    address: str
    labels: Mapping[str, str]
    version: str
    cluster: str


@dataclass(frozen=True, kw_only=True)
class Context:
    """Who, where, and in which session: what is the same in all events of one."""

    node: NodeFacts
    user: UserIdentity | None
    login: str
    local: str
    remote: str
    sid: str = ""

    def fill(self, event: Part) -> Part:
        """``event`` with these fields set."""
        if self.user is not None:
            event.user = self.user.username
            event.user_roles = list(self.user.roles)
            event.user_traits = {key: list(values) for key, values in self.user.traits.items()}
        event.login, event.sid, event.namespace = self.login, self.sid, NAMESPACE
        event.server_id, event.server_hostname = self.node.server_id, self.node.hostname
        event.server_addr, event.server_version = self.node.address, self.node.version
        event.server_labels = dict(self.node.labels)
        if isinstance(event, ConnectionPart):
            event.addr_local, event.addr_remote, event.proto = self.local, self.remote, "ssh"
        return event

    def captured(self) -> dict[str, str]:
        """Return the fields about user and host for events of the kernel."""
        username = self.user.username if self.user else ""
        return {
            "cluster_name": self.node.cluster,
            "login": self.login,
            "namespace": NAMESPACE,
            "server_hostname": self.node.hostname,
            "server_id": self.node.server_id,
            "sid": self.sid,
            "user": username,
        }


class Run(Protocol):
    """Calls a function in a thread, as ``WorkQueue.run`` does."""

    async def __call__(self, work: Callable[[], T]) -> T:
        """The result of ``work``."""


class Recorder:
    """The record of one session. ``writer`` is None when only the audit log is kept. Writes to the disk.

    When it cannot be written: a strict session is ended through ``failed``, which gets the reason once;
    others go on, and ``finish`` adds a ``session.loss``. After ``finish`` events go to the audit log only.
    """

    def __init__(
        self,
        context: Context,
        writer: SessionWriter | None,
        spool: Spool,
        *,
        strict: bool,
        failed: Callable[[str], None],
    ) -> None:
        self.context = context
        self._slots = event_lines.slots(context.captured())
        self.writer = writer
        self._next_ei = 0
        self.spool = SessionSpool(spool)
        self._strict = strict
        self._failed = failed
        self._reason = ""
        self._lost: Counter[str] = Counter()
        """Events and bytes of output that are missing in the recording or the spool, not reported yet."""
        self._reservation: Reservation | None = None
        self._waiting: deque[EventFields] = deque()
        self._half_kept = False
        """The first event that waits is in the recording already, and not in the spool."""

    @property
    def next_ei(self) -> int:
        """The number that the next event gets."""
        return self.writer.next_ei if self.writer is not None else self._next_ei

    @property
    def strict(self) -> bool:
        """Does the session end when it cannot be recorded?"""
        return self._strict

    def reserve(self, size: int) -> None:
        """Keep ``size`` bytes free in the recording and in the spool for ``last`` events.

        Where there is no such space, a strict session is ended.
        """
        try:
            if self.writer is not None:
                self.writer.reserve(size)
            self._reservation = self.spool.reserve(size)
        except ProctorError as error:
            _log.error("session %s: %s", self.context.sid, error.message)
            self.fail(error.message)

    def emit(self, event: Part, *, last: bool = False) -> None:
        """Record and spool one event of this session; ``last`` ones must fit, and wait until they do."""
        filled = self.context.fill(event)
        if last:
            self.write_last(filled)
        else:
            self.record([filled])

    def write_last(self, event: Event) -> None:
        """Record and spool a complete event in the reserved space, now or before ``finish`` ends."""
        self._waiting.append(event.to_dict())
        self._write_waiting()

    def _write_waiting(self) -> bool:
        """Write last events in order; False when some have to wait."""
        while self._waiting:
            fields = self._waiting[0]
            try:
                if not self._half_kept:
                    fields = self._numbered_last(fields)
                self.spool.extend([fields], reserved=True)
            except (RecordingError, Unavailable) as error:
                _log.error("session %s: %s", self.context.sid, error.message)
                return False
            self._half_kept = False
            self._waiting.popleft()
        return True

    def _numbered_last(self, fields: EventFields) -> EventFields:
        """Put a last event into the recording, once."""
        if self.writer is None:
            (numbered,) = self._counted_on([fields])
        else:
            try:
                (numbered,) = self.writer.events([fields], reserved=True)
            except RecordingError:
                if not self.writer.gone:
                    raise
                (numbered,) = self._counted_on([fields])
            else:
                self._next_ei = self.writer.next_ei
        self._waiting[0], self._half_kept = numbered, True
        return numbered

    def record(self, events: Sequence[Event | Mapping[str, Any]]) -> str:
        """Record and spool complete events, together; where they were lost, empty for nowhere."""
        recorded, numbered = self._numbered(events)
        return self._stored(recorded, self._keep(numbered), len(events))

    def _stored(self, recorded: bool, kept: bool, count: int) -> str:
        """Count what is missing in the recording, in the spool, or in both, once."""
        if recorded and kept:
            return ""
        self._lost["events"] += count
        return SPOOL if recorded else RECORDING

    def record_lines(self, captured: bytes) -> str:
        """As ``record``, for events that are lines of capture."""
        recorded, block = self._recorded(captured)
        return self._stored(recorded, self._keep_lines(block), block.total)

    def complete(self, captured: bytes, ei: int, position: int) -> None:
        """Finish a ``record_lines`` that a crash interrupted when ``ei`` and ``position`` were next."""
        recorded, block = True, self._block(captured, ei)
        if self.next_ei <= ei:
            recorded, block = self._recorded(captured)
        kept = self.spool.position > position or self._keep_lines(block)
        self._stored(recorded, kept, block.total)

    def _block(self, captured: bytes, ei: int) -> Block:
        filled = event_lines.fill(captured, self._slots, ei)
        parts = {kind_of_event(name): part for name, part in filled.parts.items()}
        block = Block(filled.lines, parts, filled.total)
        return block.shortened() if filled.longest > MAX_LINE else block

    def _recorded(self, captured: bytes) -> tuple[bool, Block]:
        """Put lines into the recording: whether that worked, and what became of them or would have."""
        recorded = True
        if self.writer is not None:
            try:
                block = self.writer.lines(lambda ei: self._block(captured, ei))
            except RecordingError as error:
                recorded = False
                self.lose(error.message)
            else:
                self._next_ei = self.writer.next_ei
                return True, block
        block = self._block(captured, self._next_ei)
        self._next_ei += block.total
        return recorded, block

    def _keep_lines(self, block: Block) -> bool:
        try:
            self.spool.extend_lines(block.lines, block.total)
        except Unavailable as error:
            self.lose(error.message)
            return False
        return True

    def _keep(self, events: Sequence[Mapping[str, Any]]) -> bool:
        try:
            self.spool.extend(events)
        except Unavailable as error:
            self.lose(error.message)
            return False
        return True

    def _numbered(self, events: Sequence[Event | Mapping[str, Any]]) -> tuple[bool, list[EventFields]]:
        """Are ``events`` in the recording, if there is one; and they with their ``ei``."""
        recorded = True
        if self.writer is not None:
            try:
                numbered = self.writer.events(events)
            except RecordingError as error:
                recorded = False
                self.lose(error.message)
            else:
                self._next_ei = self.writer.next_ei
                return True, numbered
        plain = [event.to_dict() if isinstance(event, Event) else copied(event) for event in events]
        return recorded, self._counted_on(plain)

    def _counted_on(self, plain: list[EventFields]) -> list[EventFields]:
        for fields in plain:
            if fields["event"] != SessionData.EVENT:
                fields["ei"] = self._next_ei
                self._next_ei += 1
        return plain

    def output(self, data: bytes) -> None:
        """Record terminal output."""
        if self.writer is None:
            return
        try:
            self.writer.output(data)
        except RecordingError as error:
            self._lost["bytes"] += len(data)
            self.lose(error.message)

    def lose(self, reason: str) -> None:
        """Something could not be recorded, for the first time or again."""
        if not self._reason:
            self._reason = reason
            _log.error("session %s: %s", self.context.sid, reason)
            self.fail(reason)

    def fail(self, reason: str) -> None:
        """The session is not recorded as it should be: end it, if its role is strict about that."""
        if self._strict:
            self._strict = False
            self._failed(reason)

    def report_losses(self) -> None:
        """Say in the record what could not be recorded since the last report."""
        lost, self._lost = self._lost, Counter()
        reason, self._reason = self._reason, ""
        if reason:
            self.emit(SessionLoss(lost=dict(lost), reason=reason), last=True)

    async def finish(self, run: Run) -> None:
        """Report what was lost, and close the recording; until it works, again.

        ``run`` calls a function where all other calls of this recorder are made.
        """
        await run(self.report_losses)
        await _repeated(run, self._write_waiting)
        if (writer := await run(self._detached)) is not None:
            await _repeated(WRITES.run, lambda: _closed(writer))  # takes long: others need not wait for it

    def _detached(self) -> SessionWriter | None:
        """The recording, which takes no more events."""
        if self._reservation is not None:
            self._reservation.release()
        writer, self.writer = self.writer, None
        if writer is not None:
            self._next_ei = writer.next_ei
        return writer


def _closed(writer: SessionWriter) -> bool:
    """Close a recording; False when that has to be tried again."""
    try:
        writer.close()
    except RecordingError as error:
        _log.error("%s", error)
        if not writer.gone:
            return False
        writer.abandon()
    return True


async def _repeated(run: Run, attempt: Callable[[], bool]) -> None:
    """Call ``attempt`` through ``run`` until it succeeds."""
    for pause in itertools.repeat(timeouts.RECORD_RETRY):
        if await run(attempt):
            return
        await asyncio.sleep(pause)
