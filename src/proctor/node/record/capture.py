# SPDX-License-Identifier: Apache-2.0
"""Events of the kernel, from capture's stream into the records of the sessions they belong to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from proctor.captureproto.absence import RETURN_SECONDS
from proctor.captureproto.capture_messages import Delivery, Forgotten, Subscribed
from proctor.captureproto.client import CaptureClient
from proctor.core.errors import Unavailable
from proctor.core.tasks import WorkQueue
from proctor.node import timeouts
from proctor.node.record.contexts import Contexts
from proctor.node.record.deliveries import DeliveryLog
from proctor.node.record.delivery import DeliveryStorage, SessionDelivery
from proctor.node.record.recorder import Recorder

_log = logging.getLogger(__name__)
_SILENT = "capture does not answer"


class CaptureSubscription:
    """Takes capture's messages, stores and acknowledges them.

    ``unclaimed`` makes a recorder for a session that was not announced: one of a previous run. It and all
    that writes to the disk is done by ``queue``.
    """

    def __init__(
        self,
        client: CaptureClient,
        deliveries: DeliveryLog,
        unclaimed: Callable[[str], Recorder],
        contexts: Contexts,
        queue: WorkQueue,
    ) -> None:
        self._contexts = contexts
        self._client = client
        self._deliveries = deliveries
        self._unclaimed = unclaimed
        self._queue = queue
        self._storage = DeliveryStorage(queue=queue, deliveries=deliveries, acknowledge=client.acknowledge)
        self._sessions: dict[str, SessionDelivery] = {}
        self._instance = ""
        self.subscribed = asyncio.Event()
        """Capture has answered since the start."""

    def expect(self, sid: str) -> SessionDelivery:
        """Messages of ``sid`` may come from now on; they are held until ``attach``."""
        self._sessions[sid] = SessionDelivery(sid, self._storage, lambda: self.forget(sid))
        return self._sessions[sid]

    def attach(self, sid: str, recorder: Recorder) -> None:
        """Store the messages of ``sid`` with ``recorder``, those held first."""
        self._queue.put(lambda: self._contexts.save(recorder.context))
        (self._sessions.get(sid) or self.expect(sid)).attach(recorder)

    def forget(self, sid: str) -> None:
        """There is no session ``sid`` after all."""
        self._sessions.pop(sid, None)

    async def drained(self, sid: str, seconds: float) -> bool:
        """Wait for every event up to the end of ``sid``'s process; False when none came for ``seconds``.

        After either, the session's account has been written.
        """
        session = self._sessions.get(sid)
        if session is None:
            return True
        if self._client.away > RETURN_SECONDS:
            seconds = timeouts.CAPTURE_GONE
        before = -1
        while not session.drained.is_set() and session.seq > before:
            before = session.seq
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(session.drained.wait(), seconds)
        complete = session.drained.is_set()
        if session.broken:
            await self._client.hung_up(timeouts.CAPTURE_GONE)
            self.forget(sid)
        if session.broken or not complete:
            session.conclude(None)
        return complete

    def broke_off(self, sid: str) -> None:
        """Capture has ended, and records ``sid`` no longer."""
        if (session := self._sessions.get(sid)) is not None:
            session.break_off()

    async def run(self) -> None:
        """Handle messages until cancelled, no faster than they can be stored."""
        async for message in self._client.subscribe(lambda: list(self._sessions)):
            await self._handle(message)
            await self._queue.space()

    async def probe(self) -> None:
        """Return when capture answers and delivers here. Raises Unavailable."""
        await self._client.status()
        if not self._client.subscribed:
            raise Unavailable("it delivers no events to this node")

    def retire(self) -> None:
        """Another node process gets what belongs to no session of this one."""
        self._client.main = False

    async def claim(self, sid: str) -> None:
        """Have the events of a session that is about to start come here. Raises Unavailable."""
        if not self._client.main:
            await self._client.claim(sid)

    async def leave(self) -> None:
        """Leave the rest of all sessions, processes that outlived them, to the main subscriber."""
        await self._client.leave(timeouts.CAPTURE_LEAVE)

    def close(self) -> None:
        """Release the file of what was delivered."""
        self._queue.put(self._deliveries.close)

    async def watch(self) -> None:
        """End strict sessions when capture is there and does not answer, until cancelled."""
        while True:
            await asyncio.sleep(timeouts.CAPTURE_CHECK)
            if self._client.away > RETURN_SECONDS:
                self._give_up()
            if self._sessions and not await self._client.awake(timeouts.CAPTURE_ANSWER):
                _log.error(_SILENT)
                for session in self._sessions.values():
                    if not session.drained.is_set():
                        session.fail(_SILENT)

    def _give_up(self) -> None:
        """Capture does not come back: strict sessions are over, whatever their monitors do."""
        for session in list(self._sessions.values()):
            if session.recorder is not None and session.recorder.strict:
                session.break_off()

    async def _handle(self, message: Delivery) -> None:
        if isinstance(message, Subscribed):
            self._queue.put(lambda: None, lambda _: self._greeted(message))  # behind those before it
        elif isinstance(message, Forgotten):
            self._queue.put(lambda: self._deliveries.forget(message.sid))
            self._queue.put(lambda: self._contexts.forget(message.sid))
        else:
            (self._sessions.get(message.sid) or await self._found(message.sid)).handle(message)

    async def _found(self, sid: str) -> SessionDelivery:
        """A session that was not announced."""
        recorder = await self._queue.run(self._unclaimed, sid)
        session = self._sessions.get(sid) or self.expect(sid)
        if session.recorder is None:
            session.attach(recorder)
        return session

    def _greeted(self, message: Subscribed) -> None:
        known = set(message.sessions)
        restarted = bool(self._instance) and message.instance != self._instance
        self._instance = message.instance
        self._queue.put(lambda: self._keep_only(known))
        for sid, session in list(self._sessions.items()):
            if session.recorder is None or sid in known or session.broken:
                continue
            outlived = session.drained.is_set()
            if restarted or self._deliveries.stored(sid):
                session.break_off()
            session.drained.set()
            if outlived:
                self.forget(sid)
        self.subscribed.set()

    def _keep_only(self, known: set[str]) -> None:
        sids = known | self._sessions.keys()
        self._deliveries.keep_only(sids)
        self._contexts.keep_only(sids)
