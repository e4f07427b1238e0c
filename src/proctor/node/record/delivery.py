# SPDX-License-Identifier: Apache-2.0
"""Kernel events of one session: from capture's messages into its record, in order, then acknowledged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from proctor.captureproto.capture_messages import Closed, Delivery, Drained, KernelEvents, LossAccounting
from proctor.core.errors import ProctorError
from proctor.core.tasks import WorkQueue
from proctor.model.events import SessionLoss
from proctor.node.record.deliveries import DeliveryLog, PendingDelivery
from proctor.node.record.ledger import Ledger
from proctor.node.record.recorder import Recorder

Message = KernelEvents | Drained | Closed
STOPPED = "capture has stopped, and no longer records this session"
_LOST = "events of the kernel were lost"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class DeliveryStorage:
    """Where messages are stored, and how capture learns of it.

    Everything that touches ``deliveries`` or a recorder is put into ``queue``; the event loop does the rest.
    """

    queue: WorkQueue
    deliveries: DeliveryLog
    acknowledge: Callable[[Delivery], None]


class SessionDelivery:
    """One session that capture records. ``closed`` is called when nothing of it follows."""

    def __init__(self, sid: str, storage: DeliveryStorage, closed: Callable[[], None]) -> None:
        self.sid = sid
        self.recorder: Recorder | None = None
        self.drained = asyncio.Event()
        self.seq = 0
        """Of the last batch in the ledger."""
        self.broken = False
        """Capture has ended before the session."""
        self._storage = storage
        self._closed = closed
        self._ledger = Ledger(resumed=storage.deliveries.stored(sid) > 0)
        self._held: list[Message] = []
        self._lost: dict[str, int] = {}
        self._account: LossAccounting | None = None

    def attach(self, recorder: Recorder) -> None:
        """Store messages with ``recorder``, those held first."""
        self.recorder = recorder
        held, self._held = self._held, []
        for message in held:
            self.handle(message)

    def handle(self, message: Message) -> None:
        """Store and acknowledge ``message``, or hold it until there is a recorder."""
        recorder = self.recorder
        if recorder is None:
            self._held.append(message)
            return
        losses = self._new_losses(message.lost)
        self._storage.queue.put(
            lambda: self._store(recorder, message, losses), lambda done: self._stored(recorder, message, done)
        )

    def _new_losses(self, lost: Mapping[str, int]) -> dict[str, int]:
        more = {
            kind: count - self._lost.get(kind, 0)
            for kind, count in lost.items()
            if count > self._lost.get(kind, 0)
        }
        if more:
            self._lost = dict(lost)
        return more

    def _store(self, recorder: Recorder, message: Message, losses: dict[str, int]) -> str:
        """Write to the disk. Returns where the events were lost, empty for nowhere."""
        lost_at = ""
        if isinstance(message, KernelEvents):
            lost_at = self._store_events(recorder, message)
        if losses:
            recorder.emit(SessionLoss(lost=dict(losses), reason="the kernel's buffer was full"))
            recorder.fail(_LOST)
        return lost_at

    def _store_events(self, recorder: Recorder, message: KernelEvents) -> str:
        sid, seq, deliveries = message.sid, message.seq, self._storage.deliveries
        interrupted = deliveries.interrupted
        if interrupted is not None and (interrupted.sid, interrupted.seq) == (sid, seq):
            recorder.complete(message.lines, interrupted.ei, interrupted.position)
        elif seq > deliveries.stored(sid):
            deliveries.note(PendingDelivery(sid, seq, recorder.next_ei, recorder.spool.position))
            return recorder.record_lines(message.lines)
        return ""

    def _stored(self, recorder: Recorder, message: Message, done: Future[str]) -> None:
        """Acknowledge in the event loop what is on the disk."""
        try:
            lost_at = done.result()
            if isinstance(message, KernelEvents) and message.seq > self.seq:
                self._ledger.note(message.counts, lost_at)
                self.seq = message.seq
            self._storage.acknowledge(message)
        except (ProctorError, OSError) as error:
            _log.error("a message of capture cannot be stored: %s", error)
            return
        if isinstance(message, Drained) and not self.drained.is_set():
            self.conclude(message.account)
        elif isinstance(message, Closed):
            self._close(recorder, message)

    def conclude(self, account: LossAccounting | None) -> None:
        """Write the account of the session up to its end."""
        self._account = account
        if (recorder := self.recorder) is not None:
            event = self._ledger.event(account)
            self._storage.queue.put(lambda: recorder.emit(event, last=True))
        self.drained.set()

    def _close(self, recorder: Recorder, message: Closed) -> None:
        """Nothing of a session follows: say why, or what was done since its account was written.

        It may be sent again until capture has forgotten the session, and what was stored is known until then.
        """
        more = message.account if message.account != self._account else None
        event = self._ledger.event(more) if more is not None else None

        def write() -> None:
            deliveries = self._storage.deliveries
            if message.seq <= deliveries.stored(message.sid):
                return
            if message.reason:
                recorder.emit(SessionLoss(reason=message.reason))
                recorder.fail(message.reason)
            elif event is not None:
                recorder.emit(event)
            deliveries.note(
                PendingDelivery(message.sid, message.seq, recorder.next_ei, recorder.spool.position)
            )

        self._storage.queue.put(write)
        self.drained.set()
        self._closed()

    def break_off(self) -> None:
        """Capture has ended, and does not record the session any more."""
        if (recorder := self.recorder) is None or self.broken:
            return
        self.broken = True
        self.drained.set()
        self._storage.queue.put(lambda: recorder.emit(SessionLoss(reason=STOPPED)))
        self.fail(STOPPED)

    def fail(self, reason: str) -> None:
        """End the session if it is strict."""
        if self.recorder is not None:
            self._storage.queue.put(partial(self.recorder.fail, reason))
