"""Where the events of one session go: numbered into its recording, then into the spool."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from proctor.audit.spool import Spool
from proctor.bpf.kernel import lines
from proctor.core.errors import Unavailable
from proctor.model.events import (
    NAMESPACE,
    ConnectedPart,
    Event,
    SessionData,
    SessionPart,
)
from proctor.model.identity import UserIdentity
from proctor.model.kernel_events import SessionLoss
from proctor.model.stamp import MAX_LINE
from proctor.recording.format import kind_of_event
from proctor.recording.journal import Block
from proctor.recording.writer import RecordingError, SessionWriter

Part = TypeVar("Part", bound=SessionPart)
RETRY_SECONDS = 5.0
RECORDING, SPOOL = "recording", "spool"
"""Where events can be lost here: neither the recording nor the log may lack one that counts as stored."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class NodeFacts:
    """What every event says of this node."""

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
        if isinstance(event, ConnectedPart):
            event.addr_local, event.addr_remote, event.proto = self.local, self.remote, "ssh"
        return event

    def captured(self) -> dict[str, Any]:
        """Who and where, for events of the kernel."""
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


class Recorder:
    """The record of one session. ``writer`` is None when only the audit log is kept.

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
        self._slots = lines.slots(context.captured())
        self.writer = writer
        self._next_ei = 0
        self.spool = spool
        self._strict = strict
        self._failed = failed
        self._reason = ""
        self._lost_events = 0
        self._lost_bytes = 0

    @property
    def next_ei(self) -> int:
        """The number that the next event gets."""
        return self.writer.next_ei if self.writer is not None else self._next_ei

    def emit(self, event: Part) -> None:
        """Record and spool one event of this session."""
        self.record([self.context.fill(event)])

    def record(self, events: Sequence[Event | Mapping[str, Any]]) -> str:
        """Record and spool complete events, together; where they were lost, empty for nowhere."""
        before = self._lost_events
        numbered = self._numbered(events)
        if self._lost_events > before:
            self._keep(numbered)
            return RECORDING
        return "" if self._keep(numbered) else SPOOL

    def record_lines(self, captured: bytes) -> str:
        """As ``record``, for events that are lines of capture."""
        before = self._lost_events
        block = self._recorded(captured)
        if self._lost_events > before:
            self._keep_lines(block)
            return RECORDING
        return "" if self._keep_lines(block) else SPOOL

    def complete(self, captured: bytes, ei: int, position: int) -> None:
        """Finish a ``record_lines`` that a crash interrupted when ``ei`` and ``position`` were next."""
        block = self._block(captured, ei) if self.next_ei > ei else self._recorded(captured)
        if self.spool.position <= position:
            self._keep_lines(block)

    def _block(self, captured: bytes, ei: int) -> Block:
        filled = lines.fill(captured, self._slots, ei)
        parts = {kind_of_event(name): part for name, part in filled.parts.items()}
        block = Block(filled.lines, parts, filled.total)
        return block.shortened() if filled.longest > MAX_LINE else block

    def _recorded(self, captured: bytes) -> Block:
        """Put lines into the recording; what became of them there, or would have."""
        if self.writer is not None:
            try:
                block = self.writer.lines(lambda ei: self._block(captured, ei))
            except RecordingError as error:
                self.lose(error.message, events=captured.count(b"\n"))
            else:
                self._next_ei = self.writer.next_ei
                return block
        block = self._block(captured, self._next_ei)
        self._next_ei += block.total
        return block

    def _keep_lines(self, block: Block) -> bool:
        try:
            self.spool.extend_lines(block.lines, block.total)
        except Unavailable as error:
            self.lose(error.message, events=block.total)
            return False
        return True

    def _keep(self, events: Sequence[Event | Mapping[str, Any]]) -> bool:
        try:
            self.spool.extend(events)
        except Unavailable as error:
            self.lose(error.message, events=len(events))
            return False
        return True

    def _numbered(self, events: Sequence[Event | Mapping[str, Any]]) -> list[dict[str, Any]]:
        """``events`` as dicts, with their ``ei`` in the recording or, without one, counted on."""
        if self.writer is not None:
            try:
                numbered = self.writer.events(events)
            except RecordingError as error:
                self.lose(error.message, events=len(events))
            else:
                self._next_ei = self.writer.next_ei
                return numbered
        plain = [event.to_dict() if isinstance(event, Event) else dict(event) for event in events]
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
            self.lose(error.message, size=len(data))

    def lose(self, reason: str, *, events: int = 0, size: int = 0) -> None:
        """Something could not be recorded."""
        self._lost_events += events
        self._lost_bytes += size
        if not self._reason:
            self._reason = reason
            _log.error("session %s: %s", self.context.sid, reason)
            self.fail(reason)

    def fail(self, reason: str) -> None:
        """The session is not recorded as it should be: end it, if its role is strict about that."""
        if self._strict:
            self._strict = False
            self._failed(reason)

    async def finish(self) -> None:
        """Report what was lost, and close the recording, off the event loop; until it works, again."""
        if self._reason:
            lost = {"events": self._lost_events, "bytes": self._lost_bytes}
            found = {kind: count for kind, count in lost.items() if count}
            self.emit(SessionLoss(lost=found, reason=self._reason))
        writer, self.writer = self.writer, None
        while writer is not None:
            self._next_ei = writer.next_ei
            try:
                await asyncio.to_thread(writer.close)
            except RecordingError as error:
                _log.error("%s", error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return
