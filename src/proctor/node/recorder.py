"""Where the events of one session go: numbered into its recording, then into the spool."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from proctor.audit.spool import Spool
from proctor.core.errors import Unavailable
from proctor.model.events import (
    NAMESPACE,
    ConnectedPart,
    Event,
    SessionLoss,
    SessionPart,
)
from proctor.recording.writer import RecordingError, SessionWriter
from proctor.sshkit.certs import VerifiedUser

Part = TypeVar("Part", bound=SessionPart)
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
    user: VerifiedUser | None
    login: str
    local: str
    remote: str
    sid: str = ""

    def fill(self, event: Part) -> Part:
        """``event`` with these fields set."""
        if self.user is not None:
            event.user = self.user.identity.username
            event.user_roles = list(self.user.identity.roles)
            event.user_traits = {key: list(values) for key, values in self.user.identity.traits.items()}
        event.login, event.sid, event.namespace = self.login, self.sid, NAMESPACE
        event.server_id, event.server_hostname = self.node.server_id, self.node.hostname
        event.server_addr, event.server_version = self.node.address, self.node.version
        event.server_labels = dict(self.node.labels)
        if isinstance(event, ConnectedPart):
            event.addr_local, event.addr_remote, event.proto = self.local, self.remote, "ssh"
        return event

    def captured(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """An event of the kernel with who and where added."""
        username = self.user.identity.username if self.user else ""
        return dict(fields) | {
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
    others go on, and ``finish`` adds a ``session.loss``.
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
        self.writer = writer
        self.next_ei = 0
        self._spool = spool
        self._strict = strict
        self._failed = failed
        self._reason = ""
        self._lost_events = 0
        self._lost_bytes = 0

    def emit(self, event: Part) -> None:
        """Record and spool one event of this session."""
        self.record([self.context.fill(event)])

    def record(self, events: Iterable[Event | Mapping[str, Any]]) -> None:
        """Record and spool complete events, together."""
        batch = self._numbered(list(events))
        try:
            self._spool.extend(batch)
        except Unavailable as error:
            self._lose(error.message, events=len(batch))

    def _numbered(self, events: list[Event | Mapping[str, Any]]) -> list[Event | Mapping[str, Any]]:
        if self.writer is None:
            return events
        try:
            numbered = self.writer.events(events)
        except RecordingError as error:
            self._lose(error.message, events=len(events))
            return events
        self.next_ei = max([self.next_ei, *(fields["ei"] + 1 for fields in numbered if _counts(fields))])
        return list(numbered)

    def output(self, data: bytes) -> None:
        """Record terminal output."""
        if self.writer is None:
            return
        try:
            self.writer.output(data)
        except RecordingError as error:
            self._lose(error.message, size=len(data))

    def _lose(self, reason: str, *, events: int = 0, size: int = 0) -> None:
        self._lost_events += events
        self._lost_bytes += size
        if not self._reason:
            self._reason = reason
            _log.error("session %s: %s", self.context.sid, reason)
            if self._strict:
                self._failed(reason)

    def finish(self) -> None:
        """Report what was lost, and close the recording."""
        if self._reason:
            lost = {"events": self._lost_events, "bytes": self._lost_bytes}
            reason, self._reason = self._reason, ""
            self.emit(SessionLoss(lost={kind: count for kind, count in lost.items() if count}, reason=reason))
        if self.writer is not None:
            try:
                self.writer.close()
            except RecordingError as error:
                _log.error("%s", error)


def _counts(fields: Mapping[str, Any]) -> bool:
    return bool(fields["event"] != "session.data")
