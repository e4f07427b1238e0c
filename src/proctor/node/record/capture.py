"""Events of the kernel, from capture's stream into the records of the sessions they belong to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proctor.captureproto.absence import RETURN_SECONDS
from proctor.captureproto.capture_messages import (
    Closed,
    Delivery,
    Drained,
    Forgotten,
    KernelEvents,
    LossAccounting,
    Subscribed,
)
from proctor.captureproto.client import CaptureClient
from proctor.core.errors import ProctorError, Unavailable
from proctor.model.events import SessionLoss
from proctor.node.record.contexts import Contexts
from proctor.node.record.deliveries import Deliveries, Intent
from proctor.node.record.ledger import Ledger
from proctor.node.record.recorder import Recorder

_log = logging.getLogger(__name__)
_STOPPED = "capture has stopped, and no longer records this session"
_LOST = "events of the kernel were lost"
_SILENT = "capture does not answer"
_HANGUP_SECONDS = 1.0
_LEAVE_SECONDS = 10.0
WATCH_SECONDS = 2.0
SILENCE_SECONDS = 5.0
"""How often capture is asked whether it is awake, and how long it may take to answer."""


@dataclass
class _Channel:
    """What is known of one session that capture records."""

    ledger: Ledger
    recorder: Recorder | None = None
    held: list[KernelEvents | Drained | Closed] = field(default_factory=list)
    drained: asyncio.Event = field(default_factory=asyncio.Event)
    lost: dict[str, int] = field(default_factory=dict)
    account: LossAccounting | None = None
    seq: int = 0
    """Of the last batch in the ledger."""
    broken: bool = False
    """Capture has ended before the session."""

    def conclude(self, account: LossAccounting | None) -> None:
        """Write the account of the session up to its end."""
        self.account = account
        if self.recorder is not None:
            self.recorder.emit(self.ledger.event(account), last=True)
        self.drained.set()


class CaptureFeed:
    """Takes capture's messages, stores and acknowledges them.

    ``strangers`` makes a recorder for a session that nobody has announced: one of a previous run.
    """

    def __init__(
        self,
        client: CaptureClient,
        deliveries: Deliveries,
        strangers: Callable[[str], Recorder],
        contexts: Contexts,
    ) -> None:
        self._contexts = contexts
        self._client = client
        self._deliveries = deliveries
        self._strangers = strangers
        self._channels: dict[str, _Channel] = {}
        self._instance = ""
        self.subscribed = asyncio.Event()
        """Capture has answered since the start."""

    def expect(self, sid: str) -> None:
        """Messages of ``sid`` may come from now on; they are held until ``attach``."""
        self._channels[sid] = self._channel(sid)

    def _channel(self, sid: str) -> _Channel:
        return _Channel(Ledger(resumed=self._deliveries.stored(sid) > 0))

    def attach(self, sid: str, recorder: Recorder) -> None:
        """Store the messages of ``sid`` with ``recorder``, those held first."""
        channel = self._channels.setdefault(sid, self._channel(sid))
        channel.recorder = recorder
        self._contexts.save(recorder.context)
        held, channel.held = channel.held, []
        for message in held:
            self._handle(message)

    def forget(self, sid: str) -> None:
        """There is no session ``sid`` after all."""
        self._channels.pop(sid, None)

    async def drained(self, sid: str, seconds: float) -> bool:
        """Wait for every event up to the end of ``sid``'s process; False when none came for ``seconds``.

        After either, the session's account has been written.
        """
        channel = self._channels.get(sid)
        if channel is None:
            return True
        if self._client.away > RETURN_SECONDS:
            seconds = _HANGUP_SECONDS
        before = -1
        while not channel.drained.is_set() and channel.seq > before:
            before = channel.seq
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(channel.drained.wait(), seconds)
        complete = channel.drained.is_set()
        if channel.broken:
            await self._client.hung_up(_HANGUP_SECONDS)
            self.forget(sid)
        if channel.broken or not complete:
            channel.conclude(None)
        return complete

    def broke_off(self, sid: str) -> None:
        """Capture has ended, and records ``sid`` no longer."""
        channel = self._channels.get(sid)
        if channel is not None and channel.recorder is not None and not channel.broken:
            channel.broken = True
            channel.drained.set()
            channel.recorder.emit(SessionLoss(reason=_STOPPED))
            channel.recorder.fail(_STOPPED)

    async def run(self) -> None:
        """Handle messages until cancelled."""
        async for message in self._client.subscribe(lambda: list(self._channels)):
            try:
                self._handle(message)
            except (ProctorError, OSError) as error:
                _log.error("a message of capture cannot be stored: %s", error)

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
        await self._client.leave(_LEAVE_SECONDS)

    def close(self) -> None:
        """Release the file of what was delivered."""
        self._deliveries.close()

    async def watch(self) -> None:
        """End strict sessions when capture is there and does not answer, until cancelled."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if self._client.away > RETURN_SECONDS:
                self._give_up()
            if self._channels and not await self._client.awake(SILENCE_SECONDS):
                _log.error(_SILENT)
                for channel in self._channels.values():
                    if channel.recorder is not None and not channel.drained.is_set():
                        channel.recorder.fail(_SILENT)

    def _give_up(self) -> None:
        """Capture does not come back: strict sessions are over, whatever the monitors of theirs do."""
        for sid, channel in list(self._channels.items()):
            if channel.recorder is not None and channel.recorder.strict:
                self.broke_off(sid)

    def _handle(self, message: Delivery) -> None:
        if isinstance(message, Subscribed):
            self._greeted(message)
            return
        if isinstance(message, Forgotten):
            self._deliveries.forget(message.sid)
            self._contexts.forget(message.sid)
            return
        channel = self._channels.get(message.sid)
        if channel is None:
            channel = self._channels[message.sid] = self._channel(message.sid)
            channel.recorder = self._strangers(message.sid)
        if channel.recorder is None:
            channel.held.append(message)
            return
        if isinstance(message, KernelEvents):
            lost_at = self._store(channel.recorder, message)
            if message.seq > channel.seq:
                channel.ledger.note(message.counts, lost_at)
                channel.seq = message.seq
        self._report_losses(channel, message.lost)
        self._client.acknowledge(message)
        if isinstance(message, Drained) and not channel.drained.is_set():
            channel.conclude(message.account)
        if isinstance(message, Closed):
            self._close(message, channel, channel.recorder)

    def _close(self, message: Closed, channel: _Channel, recorder: Recorder) -> None:
        """Nothing of a session follows: tell why, or of what was done since its account was written.

        It may be sent again until capture has forgotten the session, and what was stored is known until then.
        """
        if message.seq > self._deliveries.stored(message.sid):
            if message.reason:
                recorder.emit(SessionLoss(reason=message.reason))
                recorder.fail(message.reason)
            elif message.account is not None and message.account != channel.account:
                recorder.emit(channel.ledger.event(message.account))
            self._deliveries.note(Intent(message.sid, message.seq, recorder.next_ei, recorder.spool.position))
        channel.drained.set()
        self._channels.pop(message.sid, None)

    def _greeted(self, message: Subscribed) -> None:
        known = set(message.sessions)
        restarted = bool(self._instance) and message.instance != self._instance
        self._instance = message.instance
        self._deliveries.keep_only(known | self._channels.keys())
        self._contexts.keep_only(known | self._channels.keys())
        for sid, channel in list(self._channels.items()):
            if channel.recorder is None or sid in known or channel.broken:
                continue
            outlived = channel.drained.is_set()
            if restarted or self._deliveries.stored(sid):
                self.broke_off(sid)
            channel.drained.set()
            if outlived:
                self.forget(sid)
        self.subscribed.set()

    def _store(self, recorder: Recorder, message: KernelEvents) -> str:
        """Where the events were lost, empty for nowhere."""
        sid, seq = message.sid, message.seq
        interrupted = self._deliveries.interrupted
        if interrupted is not None and (interrupted.sid, interrupted.seq) == (sid, seq):
            recorder.complete(message.lines, interrupted.ei, interrupted.position)
        elif seq > self._deliveries.stored(sid):
            self._deliveries.note(Intent(sid, seq, recorder.next_ei, recorder.spool.position))
            return recorder.record_lines(message.lines)
        return ""

    def _report_losses(self, channel: _Channel, lost: Mapping[str, int]) -> None:
        more: dict[str, Any] = {
            kind: count - channel.lost.get(kind, 0)
            for kind, count in lost.items()
            if count > channel.lost.get(kind, 0)
        }
        if more and channel.recorder is not None:
            channel.lost = dict(lost)
            channel.recorder.emit(SessionLoss(lost=more, reason="the kernel's buffer was full"))
            channel.recorder.fail(_LOST)
