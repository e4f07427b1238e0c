# SPDX-License-Identifier: Apache-2.0
"""Sessions that are recorded, and what of theirs the node has not acknowledged."""

from __future__ import annotations

import asyncio
import enum
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import msgspec

from proctor.capture.control.freezer import Throttle
from proctor.capture.kernel.abi import RecordKind
from proctor.capture.kernel.formatter import LineOwner
from proctor.capture.state.journal import StateJournal, StoredMessage
from proctor.captureproto.capture_messages import Closed, Drained, KernelEvents, LossAccounting, encode
from proctor.core import wire
from proctor.core.errors import AlreadyExists, LimitExceeded, NotFound
from proctor.core.text import counted
from proctor.model.serde import from_json, to_json


class Phase(enum.Enum):
    """Phase of a session: not begun; its child lives; processes may have outlived it; nothing is left."""

    NEW = "new"
    OPEN = "open"
    DETACHED = "detached"
    CLOSED = "closed"


class SessionIdentity(msgspec.Struct, frozen=True):
    """Constant fields of a session; ``number`` identifies it in the kernel."""

    sid: str
    number: int
    cgroup: str
    cgroup_id: int
    strict: bool = False


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A session as it is kept for a process that takes over; by kind where counts are, by delegation in
    ``events`` and ``names``. ``holds``, ``held_ms``: how often and how long it was held.
    """

    identity: SessionIdentity
    phase: Phase
    seq: int
    events: dict[int, int]
    names: dict[int, str]
    delivered: dict[int, int]
    dropped: dict[int, int]
    undecodable: dict[int, int]
    unattributed: dict[int, int] = {}
    holds: int = 0
    held_ms: int = 0


class CapturedSession:
    """One session: its number in the kernel, and its messages to the node."""

    def __init__(
        self,
        identity: SessionIdentity,
        journal: StateJournal,
        *,
        memory_limit: int,
        changed: set[CapturedSession] | None = None,
    ) -> None:
        """``changed``: where the session puts itself whenever it is to be saved."""
        self.identity = identity
        self.sid = identity.sid
        self.number = identity.number
        self.cgroup = Path(identity.cgroup)
        self.cgroup_id = identity.cgroup_id
        self._phase = Phase.NEW
        self.events_fd = -1
        """The cgroup's ``cgroup.events``, while it is watched."""
        self.changed = asyncio.Event()
        """Set when the kernel reports that the cgroup was entered first or left last."""
        self.drained: asyncio.Task[Drained] | None = None
        """The drain barrier, once it was asked for."""
        self.brake: Throttle | None = None
        """Throttle of the session, if it is strict."""
        self.delivered: Counter[RecordKind] = Counter()
        self.dropped: Counter[RecordKind] = Counter()
        self.unattributed: Counter[RecordKind] = Counter()
        """Records whose events did not fit our memory."""
        self.undecodable: Counter[RecordKind] = Counter()
        self._journal = journal
        self._memory_limit = memory_limit
        self._kept: deque[StoredMessage] = deque()
        self._bytes = 0
        self._seq = 0
        self._sent = 0
        self._events: Counter[int] = Counter()
        self._names: dict[int, str] = {}
        self._holds = self._held_ms = 0
        self._to_save = set() if changed is None else changed
        self._touch()

    def _touch(self) -> None:
        self._to_save.add(self)

    @property
    def phase(self) -> Phase:
        """Phase of the session."""
        return self._phase

    @phase.setter
    def phase(self, phase: Phase) -> None:
        self._phase = phase
        self._touch()

    @classmethod
    def restored(
        cls,
        saved: Saved,
        journal: StateJournal,
        *,
        memory_limit: int,
        changed: set[CapturedSession] | None = None,
    ) -> CapturedSession:
        """The session that another process has saved, with its messages."""
        session = cls(saved.identity, journal, memory_limit=memory_limit, changed=changed)
        session.phase, session._seq = saved.phase, saved.seq
        session._events, session._names = Counter(saved.events), dict(saved.names)
        session._holds, session._held_ms = saved.holds, saved.held_ms
        for counter, counts in (
            (session.delivered, saved.delivered),
            (session.dropped, saved.dropped),
            (session.undecodable, saved.undecodable),
            (session.unattributed, saved.unattributed),
        ):
            counter.update({RecordKind(kind): count for kind, count in counts.items()})
        session._kept.extend(journal.messages(session.number))
        session._bytes = sum(len(message.frame) for message in session._kept)
        return session

    def save(self) -> None:
        """Put the session into the journal as it is."""
        holds, held_ms = self.held
        saved = Saved(
            identity=self.identity,
            phase=self.phase,
            seq=self._seq,
            events=self._events,
            names=self._names,
            delivered={int(kind): count for kind, count in self.delivered.items()},
            dropped={int(kind): count for kind, count in self.dropped.items()},
            undecodable={int(kind): count for kind, count in self.undecodable.items()},
            unattributed={int(kind): count for kind, count in self.unattributed.items()},
            holds=holds,
            held_ms=held_ms,
        )
        self._journal.save_session(self.number, to_json(saved))

    @property
    def held(self) -> tuple[int, int]:
        """Count freezes of the session and their milliseconds, by all processes of capture."""
        brake = self.brake
        return (
            self._holds + (brake.holds if brake else 0),
            self._held_ms + (brake.milliseconds if brake else 0),
        )

    def release_brake(self) -> None:
        """The session is held no more; how often and how long it was stays known."""
        if self.brake is not None:
            self.brake.close()
            (self._holds, self._held_ms), self.brake = self.held, None

    def owner(self, delegation: int = 0, delegated: bytes = b"") -> LineOwner:
        """How lines of its events name them: the same when sent again, another name for every other event.

        Events of each ``delegation`` are numbered by themselves.
        """
        name = self._name(delegation).encode()
        return LineOwner(name, self._events[delegation], self.phase is not Phase.OPEN, delegated)

    def _name(self, delegation: int) -> str:
        return self._names.setdefault(delegation, str(uuid4())[:-12])

    def event_uid(self) -> str:
        """A unique id for an event."""
        self._events[0] += 1
        self._touch()
        return f"{self._name(0)}{self._events[0] - 1:012x}"

    def put_events(
        self, lines: bytes, kinds: Counter[RecordKind], lost: Mapping[str, int], delegation: int = 0
    ) -> None:
        """Queue lines of events; when memory is used up, drop them and count them."""
        self._touch()
        self._events[delegation] += kinds.total()
        counts = {kind.name.lower(): count for kind, count in kinds.items()}
        message = KernelEvents(sid=self.sid, seq=self._seq + 1, counts=counts, lost=dict(lost), lines=lines)
        frame = self._frame(message)
        if self._bytes + len(frame) > self._memory_limit or not self._journal.has_space(len(frame)):
            self.dropped.update(kinds)
            return
        self.delivered.update(kinds)
        self._keep(frame)

    def put_drained(self, lost: Mapping[str, int], account: LossAccounting | None = None) -> Drained:
        """Queue the message that ends the events of the session's child."""
        message = Drained(sid=self.sid, seq=self._seq + 1, lost=dict(lost), account=account)
        self._keep(self._frame(message))
        return message

    def put_closed(
        self, lost: Mapping[str, int], account: LossAccounting | None = None, *, reason: str = ""
    ) -> Closed:
        """Queue the last message."""
        message = Closed(sid=self.sid, seq=self._seq + 1, lost=dict(lost), account=account, reason=reason)
        self._keep(self._frame(message))
        return message

    def _frame(self, message: KernelEvents | Drained | Closed) -> bytes:
        return wire.frame(encode(message))

    def _keep(self, frame: bytes) -> None:
        self._seq += 1
        message = StoredMessage(self._seq, frame)
        self._journal.add_message(self.number, message)
        self._kept.append(message)
        self._bytes += len(frame)
        self._touch()

    @property
    def seq(self) -> int:
        """Number of the last message."""
        return self._seq

    def unsent(self) -> StoredMessage | None:
        """The oldest message that was not given to the present subscriber; it counts as given now."""
        for kept in self._kept:
            if kept.seq > self._sent:
                self._sent = kept.seq
                return kept
        return None

    def resend(self) -> None:
        """A new subscriber: everything that is not acknowledged is unsent again."""
        self._sent = 0

    def acknowledge(self, seq: int) -> None:
        """Forget all messages up to ``seq`` that the present subscriber was given."""
        stored = min(seq, self._sent)
        self._journal.acknowledge(self.number, stored)
        while self._kept and self._kept[0].seq <= stored:
            self._bytes -= len(self._kept.popleft().frame)

    @property
    def backlog(self) -> int:
        """Bytes of messages that are not acknowledged."""
        return self._bytes

    @property
    def waiting(self) -> int:
        """Messages that are not acknowledged."""
        return len(self._kept)

    @property
    def settled(self) -> bool:
        """Is the session over and all of it acknowledged?"""
        return self.phase is Phase.CLOSED and not self._kept


class Registry:
    """All sessions, by id and by number. A number is never given twice.

    What changes is durable when ``commit`` has returned, in the journal: without one, in memory only.
    """

    def __init__(self, *, max_sessions: int, memory_limit: int, journal: StateJournal | None = None) -> None:
        self.journal = journal or StateJournal(Path(":memory:"))
        self._by_sid: dict[str, CapturedSession] = {}
        self._by_number: dict[int, CapturedSession] = {}
        self._max_sessions = max_sessions
        self._memory_limit = memory_limit
        self._last_number = 0
        self._changed: set[CapturedSession] = set()

    def restore(self, last_number: int) -> None:
        """Take over the sessions in the journal. ``last_number``: the last that was given."""
        self._last_number = last_number
        for saved in list(self.journal.sessions()):
            found = from_json(saved, Saved)
            session = CapturedSession.restored(
                found, self.journal, memory_limit=self._memory_limit, changed=self._changed
            )
            self._add(session)

    def add(self, sid: str, cgroup: Path, cgroup_id: int, *, strict: bool = False) -> CapturedSession:
        """A new session; raises AlreadyExists or LimitExceeded."""
        if sid in self._by_sid:
            raise AlreadyExists(f"session {sid} is registered already")
        if len(self.live()) >= self._max_sessions:
            raise LimitExceeded(f"the limit of {counted(self._max_sessions, 'recorded session')} is reached")
        self._last_number += 1
        identity = SessionIdentity(sid, self._last_number, str(cgroup), cgroup_id, strict)
        session = CapturedSession(
            identity, self.journal, memory_limit=self._memory_limit, changed=self._changed
        )
        self._add(session)
        return session

    def _add(self, session: CapturedSession) -> None:
        self._by_sid[session.sid] = session
        self._by_number[session.number] = session

    @property
    def last_number(self) -> int:
        """The last number that was given."""
        return self._last_number

    def commit(self) -> None:
        """Make everything that has changed durable, together."""
        for session in self._changed:
            if session.number in self._by_number:
                session.save()
        self._changed.clear()
        self.journal.commit()

    def get(self, sid: str) -> CapturedSession:
        """The session with this id; raises NotFound."""
        try:
            return self._by_sid[sid]
        except KeyError:
            raise NotFound(f"session {sid} is not registered") from None

    def numbered(self, number: int) -> CapturedSession | None:
        """The session with this number in the kernel."""
        return self._by_number.get(number)

    def remove(self, session: CapturedSession) -> None:
        """Forget a session."""
        self._by_sid.pop(session.sid, None)
        self._by_number.pop(session.number, None)
        self.journal.remove_session(session.number)

    def acknowledge(self, sid: str, seq: int) -> bool:
        """The node has stored ``sid`` up to ``seq``; a settled session is forgotten, which is returned."""
        session = self._by_sid.get(sid)
        if session is None:
            return False
        session.acknowledge(seq)
        if session.settled:
            self.remove(session)
        return session.settled

    def live(self) -> list[CapturedSession]:
        """Sessions of which processes may be left, in the order of their opening."""
        return [session for session in self if session.phase is not Phase.CLOSED]

    def __iter__(self) -> Iterator[CapturedSession]:
        return iter(list(self._by_number.values()))
