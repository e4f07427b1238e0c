"""Sessions that are recorded, and what of theirs the node has not acknowledged. No I/O."""

from __future__ import annotations

import asyncio
import enum
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from proctor.bpf.control.freezer import Brake
from proctor.bpf.kernel.abi import Kind
from proctor.bpf.kernel.lines import Owner
from proctor.bpf.messages import Account, Closed, Drained, Events, encode
from proctor.core import wire
from proctor.core.errors import AlreadyExists, LimitExceeded, NotFound


class Phase(enum.Enum):
    """Where a session is: its child lives; processes may have outlived it; nothing of it is left."""

    OPEN = "open"
    DETACHED = "detached"
    CLOSED = "closed"


class Kept(NamedTuple):
    """A message that waits for its acknowledgement."""

    seq: int
    frame: bytes


class Session:
    """One session: its number in the kernel, and its messages to the node."""

    def __init__(self, sid: str, number: int, cgroup: Path, cgroup_id: int, *, memory_limit: int) -> None:
        self.sid = sid
        self.number = number
        self.cgroup = cgroup
        self.cgroup_id = cgroup_id
        self.phase = Phase.OPEN
        self.events_fd = -1
        """The cgroup's ``cgroup.events``, while it is watched."""
        self.changed = asyncio.Event()
        """Set when the kernel reports that the cgroup was entered first or left last."""
        self.drained: asyncio.Task[Drained] | None = None
        """The drain barrier, once it was asked for."""
        self.brake: Brake | None = None
        """What holds the session, if it is strict."""
        self.delivered: Counter[Kind] = Counter()
        self.dropped: Counter[Kind] = Counter()
        """Records whose events did not fit our memory."""
        self.undecodable: Counter[Kind] = Counter()
        self._memory_limit = memory_limit
        self._kept: deque[Kept] = deque()
        self._bytes = 0
        self._seq = 0
        self._sent = 0
        self._events: Counter[int] = Counter()
        self._names: dict[int, str] = {}

    def owner(self, delegation: int = 0, delegated: bytes = b"") -> Owner:
        """How lines of its events name them: the same when sent again, another name for every other event.

        Events of each ``delegation`` are numbered by themselves.
        """
        name = self._name(delegation).encode()
        return Owner(name, self._events[delegation], self.phase is not Phase.OPEN, delegated)

    def _name(self, delegation: int) -> str:
        return self._names.setdefault(delegation, str(uuid4())[:-12])

    def event_uid(self) -> str:
        """A name for an event of ours."""
        self._events[0] += 1
        return f"{self._name(0)}{self._events[0] - 1:012x}"

    def put_events(
        self, lines: bytes, kinds: Counter[Kind], lost: Mapping[str, int], delegation: int = 0
    ) -> None:
        """Queue lines of events; when memory is used up, drop them and count them."""
        self._events[delegation] += kinds.total()
        counts = {kind.name.lower(): count for kind, count in kinds.items()}
        message = Events(sid=self.sid, seq=self._seq + 1, counts=counts, lost=dict(lost), lines=lines)
        frame = self._frame(message)
        if self._bytes + len(frame) > self._memory_limit:
            self.dropped.update(kinds)
            return
        self.delivered.update(kinds)
        self._keep(frame)

    def put_drained(self, lost: Mapping[str, int], account: Account | None = None) -> Drained:
        """Queue the message that ends the events of the session's child."""
        message = Drained(sid=self.sid, seq=self._seq + 1, lost=dict(lost), account=account)
        self._keep(self._frame(message))
        return message

    def put_closed(self, lost: Mapping[str, int], account: Account | None = None) -> Closed:
        """Queue the last message."""
        message = Closed(sid=self.sid, seq=self._seq + 1, lost=dict(lost), account=account)
        self._keep(self._frame(message))
        return message

    def _frame(self, message: Events | Drained | Closed) -> bytes:
        body = encode(message)
        return wire.HEADER.pack(len(body)) + body

    def _keep(self, frame: bytes) -> None:
        self._seq += 1
        self._kept.append(Kept(self._seq, frame))
        self._bytes += len(frame)

    def unsent(self) -> Kept | None:
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
        while self._kept and self._kept[0].seq <= min(seq, self._sent):
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
    """All sessions, by id and by number. A number is never given twice."""

    def __init__(self, *, max_sessions: int, memory_limit: int) -> None:
        self._by_sid: dict[str, Session] = {}
        self._by_number: dict[int, Session] = {}
        self._max_sessions = max_sessions
        self._memory_limit = memory_limit
        self._last_number = 0

    def add(self, sid: str, cgroup: Path, cgroup_id: int) -> Session:
        """A new session; raises AlreadyExists or LimitExceeded."""
        if sid in self._by_sid:
            raise AlreadyExists(f"session {sid} is registered already")
        if len(self.live()) >= self._max_sessions:
            raise LimitExceeded(
                f"{self._max_sessions} sessions are being recorded, and more are not possible"
            )
        self._last_number += 1
        session = Session(sid, self._last_number, cgroup, cgroup_id, memory_limit=self._memory_limit)
        self._by_sid[sid] = session
        self._by_number[session.number] = session
        return session

    def get(self, sid: str) -> Session:
        """The session with this id; raises NotFound."""
        try:
            return self._by_sid[sid]
        except KeyError:
            raise NotFound(f"session {sid} is not registered") from None

    def knows(self, sid: str) -> bool:
        """Is there a session with this id?"""
        return sid in self._by_sid

    def numbered(self, number: int) -> Session | None:
        """The session with this number in the kernel."""
        return self._by_number.get(number)

    def remove(self, session: Session) -> None:
        """Forget a session."""
        self._by_sid.pop(session.sid, None)
        self._by_number.pop(session.number, None)

    def acknowledge(self, sid: str, seq: int) -> None:
        """The node has stored ``sid`` up to ``seq``; a settled session is forgotten."""
        session = self._by_sid.get(sid)
        if session is None:
            return
        session.acknowledge(seq)
        if session.settled:
            self.remove(session)

    def live(self) -> list[Session]:
        """Sessions of which processes may be left, in the order of their opening."""
        return [session for session in self if session.phase is not Phase.CLOSED]

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._by_number.values()))
