# SPDX-License-Identifier: Apache-2.0
"""The check of one batch of a host's events: quick when all may be stored, else event by event."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from proctor.auth.ingest import attestations, permitted_events
from proctor.auth.ingest.attestations import Trusted
from proctor.auth.ingest.sessions import REMEMBERED, SessionRecord
from proctor.core.clock import parse_time
from proctor.core.errors import BadRequest
from proctor.core.text import escaped, is_printable, is_uuid
from proctor.model.event_schema import complaint
from proctor.model.events import AuditGap, SessionAttestation, SessionEnd, SessionLoss, SessionStart
from proctor.model.identity import HostIdentity
from proctor.model.serde import to_json
from proctor.model.stamp import MAX_LINE, EventContext, Summary, stamped, summary, to_line

_GAPS = uuid.UUID("5d1f6a0e-53a2-5c0b-8f57-0b8a5f1e6c43")
_IDENTIFIERS = ("login", "namespace", "server_hostname", "user")


@dataclass(frozen=True, kw_only=True)
class Emitter:
    """The host that a spool belongs to. ``hostnames``: those that are known to be its own.

    ``joined``: when it joined the cluster, if that is known: no event of it can be older. ``trusted``: who
    certifies users and hosts.
    """

    identity: HostIdentity
    source: str
    hostnames: frozenset[str] = frozenset()
    joined: datetime | None = None
    trusted: Trusted = field(default_factory=Trusted)
    now: datetime

    @property
    def stated(self) -> frozenset[str]:
        """Names of the events that its role may state."""
        return permitted_events.STATED_BY.get(self.identity.role, frozenset())


@dataclass(frozen=True)
class Admitted:
    """The result of checking a batch: lines to store, their summary if known, sessions to keep before."""

    lines: bytes
    summary: Summary | None
    changed: dict[str, SessionRecord] = field(default_factory=dict)


class _RefusedError(Exception):
    """An event is refused; the text completes 'event 5 …'."""


class _Sid(msgspec.Struct):
    sid: Any = ""


_sids = msgspec.json.Decoder(_Sid)


class NumberedEvents:
    """Events of one host, numbered from ``first``."""

    def __init__(self, lines: bytes, first: int, emitter: Emitter, uid_key: bytes) -> None:
        self._lines = lines
        self._first = first
        self._emitter = emitter
        self._summary = summary(lines, uid_key, typed=True)

    def sids(self) -> set[str]:
        """All sessions that are named."""
        if self._summary is not None:
            return {context.sid for context in self._summary.contexts if context.sid}
        found = map(_sid, self._events())
        return {sid for sid in found if is_uuid(sid)}

    def _events(self) -> list[bytes]:
        return self._lines.removesuffix(b"\n").split(b"\n") if self._lines else []

    def admitted(self, known: Mapping[str, SessionRecord]) -> Admitted:
        """Return the lines to store; ``known``: those of ``sids`` that the auth service knows."""
        if self._summary is not None and self._fits(self._summary, known):
            return Admitted(self._lines, self._summary)
        check = EventCheck(self._emitter, known)
        lines = [self._one(check, number, raw) for number, raw in enumerate(self._events(), self._first)]
        return Admitted(b"".join(lines), None, check.changed)

    def _fits(self, found: Summary, known: Mapping[str, SessionRecord]) -> bool:
        """May all be stored as they are, without a change of any session?"""
        emitter = self._emitter
        if found.clusters != {emitter.identity.cluster} or found.events & permitted_events.ONCE:
            return False
        check = EventCheck(emitter, known)
        try:
            check.time(found.first, found.last)
            for context in found.contexts:
                check.context(context)
        except _RefusedError:
            return False
        return not check.changed and AuditGap.EVENT not in found.events

    def _one(self, check: EventCheck, number: int, raw: bytes) -> bytes:
        try:
            return check.event(raw)
        except (_RefusedError, BadRequest) as error:
            return self._gap(number, str(error))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return self._gap(number, f"is malformed: {error}")

    def _gap(self, number: int, why: str) -> bytes:
        source, host = self._emitter.source, self._emitter.identity
        # A name, not chance, so that a batch delivered again brings no second event.
        uid = str(uuid.uuid5(_GAPS, f"{source}:{number}"))
        reason = escaped(f"event {number} of {host.role.value} {host.node_name or host.host_id} {why}")
        gap = AuditGap(uid=uid, source=source, lost=1, reason=reason)
        return to_json(gap.to_dict()) + b"\n"


def _sid(raw: bytes) -> str:
    try:
        sid = _sids.decode(raw).sid
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return sid if isinstance(sid, str) else ""


class EventCheck:
    """Checks events of one host in their order; ``changed``: the sessions that they start or end."""

    def __init__(self, emitter: Emitter, known: Mapping[str, SessionRecord]) -> None:
        self._emitter = emitter
        self._known = known
        self.changed: dict[str, SessionRecord] = {}

    def event(self, raw: bytes) -> bytes:
        """The event as a line to store. Raises what is wrong with it."""
        if len(raw) > 2 * MAX_LINE:
            raise _RefusedError("is too large")
        decoded = msgspec.json.decode(raw)
        if not isinstance(decoded, dict):
            raise _RefusedError("is malformed: it is not an object")
        self._stated(decoded.get("event"))
        fields = stamped(decoded, self._emitter.now, self._emitter.identity.cluster)
        if wrong := complaint(fields):
            raise _RefusedError(wrong)
        if fields["cluster_name"] != self._emitter.identity.cluster:
            raise _RefusedError(f"claims to come from cluster {fields['cluster_name'][:64]!r}")
        moment = parse_time(fields["time"])
        self.time(moment, moment)
        if fields["event"] == AuditGap.EVENT:
            self._own_gap(fields)
        else:
            self._session_event(fields)
        return to_line(fields)

    def _stated(self, name: Any) -> None:
        if not isinstance(name, str) or name not in self._emitter.stated:
            role = self._emitter.identity.role.value
            raise _RefusedError(f"is of a kind that a {role} does not emit: {str(name)[:64]!r}")

    def _own_gap(self, fields: Mapping[str, Any]) -> None:
        if fields["source"] != self._emitter.source:
            raise _RefusedError(f"reports a gap of another spool: {fields['source'][:64]!r}")

    def _session_event(self, fields: Mapping[str, Any]) -> None:
        when = {"first": fields["time"], "last": fields["time"]}
        context = EventContext(
            **{name: when.get(name) or str(fields.get(name, "")) for name in EventContext._fields}
        )
        if context.event == SessionAttestation.EVENT:
            self._origin(context)
            self._attested(context, fields)
        elif fields["code"] in permitted_events.REFUSALS and not context.sid:
            self._origin(context)
            self._hostname(context.server_hostname, "")
        else:
            self._within_session(context, fields)

    def _within_session(self, context: EventContext, fields: Mapping[str, Any]) -> None:
        self.context(context)
        record = self._record(context.sid)
        if record is None:
            return
        if context.event == SessionStart.EVENT:
            self._start(context, record, fields)
        elif context.event == SessionEnd.EVENT:
            self._end(context, record, fields)

    def time(self, first: datetime, last: datetime) -> None:
        """May events have happened between these moments? Late delivery is no reason to refuse them."""
        emitter = self._emitter
        if last > emitter.now + permitted_events.CLOCK_TOLERANCE:
            ahead = last - emitter.now
            raise _RefusedError(f"has a time that is {ahead} ahead; check the clock of the host")
        if emitter.joined is not None and first < emitter.joined - permitted_events.CLOCK_TOLERANCE:
            raise _RefusedError("has a time before the host joined the cluster; check its clock")

    def context(self, context: EventContext) -> None:
        """Check that the event is of the host itself, and agrees with its session."""
        self._stated(context.event)
        if context.event == AuditGap.EVENT:
            return
        self._origin(context)
        if context.event in permitted_events.CONNECTION_EVENTS:
            self._outside_session(context.sid, context.server_hostname)
        else:
            self._in_session(context)

    def _origin(self, context: EventContext) -> None:
        self._host(context.server_id)
        for name in _IDENTIFIERS:
            if not is_printable(value := getattr(context, name)):
                raise _RefusedError(f"has a {name} that is not printable: {value[:64]!r}")

    def _host(self, server_id: str) -> None:
        if server_id != self._emitter.identity.host_id:
            raise _RefusedError(f"claims to come from server {server_id[:64]!r}")

    def _outside_session(self, sid: str, hostname: str) -> None:
        if sid:
            raise _RefusedError(f"is about a connection and names session {sid[:64]}")
        self._hostname(hostname, "")

    def _hostname(self, name: str, started_as: str) -> None:
        if name and name not in {started_as, *self._emitter.hostnames}:
            raise _RefusedError(f"claims to come from a host called {name[:64]!r}")

    def _record(self, sid: str) -> SessionRecord | None:
        return self.changed.get(sid) or self._known.get(sid)

    def _in_session(self, context: EventContext) -> None:
        if not context.sid:
            raise _RefusedError(f"is a {context.event} of no session")
        record = self._record(context.sid)
        if record is not None and record.host_id != self._emitter.identity.host_id:
            raise _RefusedError(f"is of session {context.sid}, which belongs to host {record.host_id}")
        if record is None or not record.started:
            self._unattested(context)
            return
        self._hostname(context.server_hostname, record.server_hostname)
        self._agrees(context, record)
        if record.end_uid and context.event not in permitted_events.LATE_EVENTS | permitted_events.ONCE:
            raise _RefusedError(f"follows the end of session {context.sid}")

    def _unattested(self, context: EventContext) -> None:
        # That something is missing may be said of a session of which nothing arrived, in no one's name.
        if context.event != SessionLoss.EVENT or context.user or context.login:
            raise _RefusedError(f"is of session {context.sid}, which has no attestation")
        self._hostname(context.server_hostname, "")

    def _attested(self, context: EventContext, fields: Mapping[str, Any]) -> None:
        """The session begins, if its user has signed the login and its host the start."""
        sid, host_id = context.sid, self._emitter.identity.host_id
        if not sid:
            raise _RefusedError("is an attestation of no session")
        known = self._record(sid)
        if known is not None and known.host_id != host_id:
            raise _RefusedError(f"is of session {sid}, which belongs to host {known.host_id}")
        if known is not None and known.started:
            if known.attestation_uid != fields["uid"]:
                raise _RefusedError(f"is a second attestation of session {sid}")
            return
        if self._emitter.now - parse_time(context.first) > REMEMBERED:
            raise _RefusedError("is an attestation of a session that may have been forgotten since")
        self._hostname(context.server_hostname, "")
        self.changed[sid] = attestations.verify(fields, host_id, self._emitter.trusted)

    def _agrees(self, context: EventContext, record: SessionRecord) -> None:
        for name, value, expected in (
            ("user", context.user, record.user),
            ("login", context.login, record.login),
        ):
            # A session recovered without its recording has no user: that is no false one.
            if value and expected and value != expected:
                raise _RefusedError(
                    f"names the {name} {value[:64]!r}, session {context.sid} was started by {expected!r}"
                )
        if (
            record.started
            and parse_time(context.first) < parse_time(record.started) - permitted_events.CLOCK_TOLERANCE
        ):
            raise _RefusedError(f"has a time before the start of session {context.sid}")

    def _start(self, context: EventContext, record: SessionRecord, fields: Mapping[str, Any]) -> None:
        if record.start_uid and record.start_uid != fields["uid"]:
            raise _RefusedError(f"is a second start of session {context.sid}")
        client = str(fields.get("addr.remote", ""))
        if record.client and client != record.client:
            raise _RefusedError(
                f"names the client {client[:64]!r}, session {context.sid} was started from {record.client}"
            )
        self._change(context.sid, record, start_uid=fields["uid"])

    def _end(self, context: EventContext, record: SessionRecord, fields: Mapping[str, Any]) -> None:
        if record.end_uid and record.end_uid != fields["uid"]:
            raise _RefusedError(f"is a second end of session {context.sid}")
        participants = set(fields["participants"])
        if record.user and not participants <= {record.user}:
            other = min(participants - {record.user})
            raise _RefusedError(f"names {other[:64]!r} as a participant of session {context.sid}")
        self._change(context.sid, record, end_uid=fields["uid"])

    def _change(self, sid: str, record: SessionRecord, **fields: str) -> None:
        changed = msgspec.structs.replace(record, **fields)
        if changed != record:
            self.changed[sid] = changed
