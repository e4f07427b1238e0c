# SPDX-License-Identifier: Apache-2.0
"""The capture process: answers monitors and the node on ``capture.sock`` (``docs/capture.md``)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

import msgspec

from proctor.capture.channel import PeerChannel
from proctor.capture.engine import Capture, CaptureSettings
from proctor.capture.kernel import abi, capability_report
from proctor.capture.kernel.kernel_features import switched_off
from proctor.capture.kernel.object_selection import LoadedPrograms, load
from proctor.capture.registry import CapturedSession, Phase, Registry
from proctor.capture.routes import Routes
from proctor.capture.state.journal import StateJournal
from proctor.capture.state.place import StateDirectory
from proctor.capture.state.takeover import Takeover
from proctor.captureproto import cgroup
from proctor.captureproto.absence import RETURN_SECONDS
from proctor.captureproto.capture_messages import (
    Acknowledge,
    Claim,
    CloseSession,
    Forgotten,
    RegisterSession,
    RestrictSession,
    ResumeSession,
    Subscribe,
    Subscribed,
)
from proctor.core import unixsock, wire
from proctor.core.accept import accept
from proctor.core.clock import SYSTEM, Clock
from proctor.core.errors import AccessDenied, BadRequest, NotFound, ProctorError, Unavailable
from proctor.core.tasks import TaskSet
from proctor.core.text import is_uuid
from proctor.model.serde import convert, to_builtins

T = TypeVar("T")
_log = logging.getLogger(__name__)
_ROOT_ONLY = frozenset({"open", "resume", "restrict", "close"})
CLAIM_SECONDS = 10.0
"""How long sessions of an earlier capture wait for their owner to subscribe again."""

MAX_NODE_CONNECTIONS = 64
"""Connections of the node, which may be compromised: monitors must still be able to connect."""

_LONGEST_OF_NODE = 1 << 20
_OF_PROCTOR = frozenset({"open", "resume", "subscribe"})


async def serve(listening: socket.socket, settings: CaptureSettings, *, node_uid: int) -> None:
    """Run the capture service on ``listening`` until cancelled; raises Unavailable when it cannot begin."""
    service = CaptureService(listening, settings, node_uid=node_uid)
    await service.start()
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        await service.stop()


@dataclass
class Subscriber:
    """A node that gets events; ``news`` is set when there may be more to send.

    ``forgotten``: sessions whose end is still to be announced.
    """

    owner: str
    channel: PeerChannel
    forgotten: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)


class CaptureService:
    """One per host; runs as root, never parses the network."""

    def __init__(
        self, listening: socket.socket, settings: CaptureSettings, *, node_uid: int, clock: Clock = SYSTEM
    ) -> None:
        """``node_uid``: who may subscribe; only root may open and close sessions."""
        self._listening = listening
        self._settings = settings
        self._users = frozenset({0, node_uid})
        self._clock = clock
        self._instance = str(uuid4())
        self._tasks = TaskSet("capture service")
        self._acknowledged = asyncio.Event()
        self._subscribers: dict[str, Subscriber] = {}
        self.routes = Routes()
        self._capture: Capture | None = None
        self._stopped = False
        self._monitored: set[str] = set()
        self._of_node = 0
        self._variant = ""
        self._limits: list[str] = []

    @property
    def capture(self) -> Capture:
        """The engine; exists once ``start`` has returned."""
        if self._capture is None:
            raise Unavailable("the capture service has not started")
        return self._capture

    async def start(self) -> dict[str, Any]:
        """Load the programs and begin to answer. Raises Unavailable with what the kernel refuses, and why."""
        settings = self._settings
        try:
            cgroup.mount_cgroup2(settings.cgroup_mount)
        except OSError as error:
            raise Unavailable(f"no cgroup2 at {settings.cgroup_mount}: {error.strerror}") from None
        place = StateDirectory(settings.run)
        place.prepare()
        registry = Registry(
            max_sessions=abi.MAX_SESSIONS,
            memory_limit=settings.memory_limit,
            journal=StateJournal(place.files / "journal"),
        )
        try:
            inherited = Takeover(settings.run, registry, self._load, settings.cgroup_mount).run()
        except BaseException:
            registry.journal.close()
            if not any(True for _ in registry):
                place.discard()
            raise
        programs = inherited.loaded.programs
        self._variant = inherited.loaded.variant.name
        self._limits = capability_report.limits(inherited.loaded)
        await asyncio.to_thread(programs.prepare)
        programs.configure(settings.rules)
        self._capture = Capture(inherited, registry, settings, clock=self._clock, on_news=self._publish_news)
        self._capture.start()
        self.routes = Routes(session.sid for session in self._capture.registry)
        self._tasks.spawn(self._wait_for_claims(), name="claims")
        self._tasks.spawn(accept(self._listening, self._accepted), name="accept", vital=True)
        self._tasks.spawn(self._close_unmonitored(), name="sessions without a monitor")
        return {}

    async def probe(self) -> Mapping[str, str]:
        """Nothing: the node asks whether it is heard, and that this is called shows that the loop runs."""
        return {}

    def adopt(self, handover: Mapping[str, Any]) -> None:
        """Nothing comes this way from the process before."""

    async def retire(self) -> Mapping[str, Any]:
        """Let go of the kernel for a successor."""
        await self.stop()
        return {}

    async def finished(self) -> None:
        """Nothing is left to be done after ``retire``."""

    async def _close_unmonitored(self) -> None:
        """Close sessions of a process before whose monitors have not come back."""
        await asyncio.sleep(RETURN_SECONDS)
        for session in self.capture.registry.live():
            if session.phase is Phase.OPEN and session.sid not in self._monitored:
                await self.capture.close(session)

    def monitored(self, sid: str, *, by_one: bool) -> None:
        """A monitor answers for this session, or does not any more."""
        (self._monitored.add if by_one else self._monitored.discard)(sid)

    async def drain(self, seconds: float) -> None:
        """Wait at most ``seconds`` until the node has acknowledged everything, unless sessions go on."""
        if self.capture.registry.live():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while any(session.waiting for session in self.capture.registry):
                    self._acknowledged.clear()
                    await self._acknowledged.wait()

    async def stop(self) -> None:
        """Hang up; what goes on is left to the next process. Once."""
        if self._stopped:
            return
        self._stopped = True
        await self._tasks.close()
        await self.capture.stop()
        self._listening.close()

    def _load(self) -> LoadedPrograms:
        without = switched_off(os.environ)
        try:
            loaded = load(self._settings.rings, without)
        except OSError as error:
            missing = capability_report.probe(self._settings.rings, without=without).missing
            raise Unavailable("\n".join(missing) or f"the kernel refuses our programs: {error}") from None
        for limit in capability_report.limits(loaded):
            _log.warning("%s", limit)
        return loaded

    def _accepted(self, connection: socket.socket, _: object) -> None:
        self.admit(connection, unixsock.peer(connection))

    def admit(self, connection: socket.socket, peer: unixsock.Peer) -> None:
        """Serve a connection of ``peer``, unless the node has too many."""
        if peer.uid == 0:
            self._tasks.spawn(PeerConnection(self, connection, peer).run(), name="peer")
        elif self._of_node < MAX_NODE_CONNECTIONS:
            self._of_node += 1
            conversation = PeerConnection(self, connection, peer, longest=_LONGEST_OF_NODE)
            self._tasks.spawn(conversation.run(), name="peer").add_done_callback(self._node_left)
        else:
            _log.error("the node has %d connections open; one more was refused", self._of_node)
            connection.close()

    def _node_left(self, _: object) -> None:
        self._of_node -= 1

    def check_access(self, uid: int, operation: str) -> None:
        """Raise AccessDenied when a peer with ``uid`` may not ask for ``operation``."""
        if uid not in ({0} if operation in _ROOT_ONLY else self._users):
            raise AccessDenied(f"user {uid} may not {operation}")

    def acknowledge(self, channel: PeerChannel, message: Acknowledge) -> None:
        """A node has stored messages. What anybody but the session's subscriber says deletes nothing."""
        subscriber = self._subscribers.get(self.routes.owner(message.sid) or "")
        if subscriber is None or subscriber.channel is not channel:
            _log.warning("an acknowledgement was ignored that does not come from the session's subscriber")
            return
        if self.capture.acknowledge(message.sid, message.seq):
            self.routes.forget(message.sid)
            subscriber.forgotten.append(message.sid)
            subscriber.news.set()
        self._acknowledged.set()

    def subscribe(self, channel: PeerChannel, request: Subscribe) -> None:
        """Give ``channel`` the events of its owner's sessions; another that had them is cut off."""
        if any(subscriber.channel is channel for subscriber in self._subscribers.values()):
            raise BadRequest("this connection has subscribed already")
        for sid in request.sessions:
            _check_uuid(sid)
        if (former := self._subscribers.get(request.owner)) is not None:
            former.channel.shutdown()
            former.news.set()  # its publisher is to see that it has been replaced
        known = [session.sid for session in self.capture.registry]
        self.routes.subscribe(request.owner, main=request.main, sids=request.sessions, known=known)
        subscriber = self._subscribers[request.owner] = Subscriber(request.owner, channel)
        self._tasks.spawn(self._publish(subscriber), name="publisher")

    def unsubscribe(self, channel: PeerChannel) -> None:
        """``channel`` is gone."""
        for owner, subscriber in list(self._subscribers.items()):
            if subscriber.channel is channel:
                del self._subscribers[owner]
                subscriber.news.set()

    def leave(self, channel: PeerChannel) -> None:
        """The owner behind ``channel`` ends: what is left of its sessions is the main subscriber's."""
        for owner, subscriber in list(self._subscribers.items()):
            if subscriber.channel is channel:
                self._hand_over(self.routes.leave(owner))
        channel.shutdown()

    def _hand_over(self, sids: Iterable[str]) -> None:
        """Sessions have another subscriber than before: send it what was not acknowledged."""
        for session in self.capture.registry:
            if session.sid in set(sids):
                session.resend()
        self._publish_news()

    def _publish_news(self) -> None:
        for subscriber in self._subscribers.values():
            subscriber.news.set()

    async def _wait_for_claims(self) -> None:
        await asyncio.sleep(CLAIM_SECONDS)
        self._hand_over(self.routes.give_up_waiting())

    async def _publish(self, subscriber: Subscriber) -> None:
        registry = self.capture.registry
        for session in self._sessions_of(subscriber):
            session.resend()
        hello = Subscribed(instance=self._instance, sessions=[session.sid for session in registry])
        try:
            await subscriber.channel.send(_frame(hello))
            while self._subscribers.get(subscriber.owner) is subscriber:
                subscriber.news.clear()
                registry.commit()  # what is sent is known to whoever takes over
                while subscriber.forgotten:
                    await subscriber.channel.send(_frame(Forgotten(sid=subscriber.forgotten.pop(0))))
                for session in self._sessions_of(subscriber):
                    await self._send_unsent(session, subscriber)
                if self._subscribers.get(subscriber.owner) is subscriber:
                    await subscriber.news.wait()
        except OSError as error:
            _log.info("a subscriber is gone: %s", error)

    def _sessions_of(self, subscriber: Subscriber) -> list[CapturedSession]:
        return [s for s in self.capture.registry if self.routes.owner(s.sid) == subscriber.owner]

    async def _send_unsent(self, session: CapturedSession, subscriber: Subscriber) -> None:
        while (
            self._subscribers.get(subscriber.owner) is subscriber
            and self.routes.owner(session.sid) == subscriber.owner
            and (kept := session.unsent()) is not None
        ):
            await subscriber.channel.send(kept.frame)

    def status(self) -> wire.Message:
        """Capability report and counters."""
        kernel = {"variant": self._variant, "limits": self._limits}
        return {"ok": True, "instance": self._instance, **kernel, **self.capture.status()}


class PeerConnection:
    """One peer, from connection to end of stream."""

    def __init__(
        self,
        service: CaptureService,
        connection: socket.socket,
        peer: unixsock.Peer,
        *,
        longest: int = wire.MAX_FRAME,
    ) -> None:
        self._service = service
        self._uid, self._pid = peer.uid, peer.pid
        self._guarded = False
        self._channel = PeerChannel(connection, longest)
        self._opened: set[str] = set()

    async def run(self) -> None:
        """Answer until the peer hangs up; sessions that it opened and did not close are closed then."""
        try:
            while (received := await self._channel.receive()) is not None:
                message, descriptors = received
                try:
                    answer = await self._answer(message, descriptors)
                except ProctorError as error:
                    answer = {"ok": False, "error": error.message}
                finally:
                    wire.close_all(descriptors)
                if answer is not None:
                    await self._channel.send(wire.encode(answer))
        except (wire.FrameError, OSError) as error:
            _log.info("peer with uid %d broke off: %s", self._uid, error)
        finally:
            if self._guarded:
                self._service.capture.guards.remove(self._pid)
            self._service.unsubscribe(self._channel)
            self._channel.close()
        for sid in list(self._opened):
            await self._close(sid)

    async def _answer(self, message: wire.Message, descriptors: list[int]) -> wire.Message | None:
        """The answer to one request, None when it has none. Raises ProctorError."""
        operation = str(message.get("op"))
        self._service.check_access(self._uid, operation)
        if operation in _OF_PROCTOR and not self._guarded:
            self._service.capture.guards.add(self._pid)
            self._guarded = True
        match operation:
            case "open":
                return self._open(_parsed(message, RegisterSession), descriptors)
            case "resume":
                return self._resume(_parsed(message, ResumeSession).sid)
            case "restrict":
                return self._restrict(_parsed(message, RestrictSession))
            case "close":
                return await self._close(_parsed(message, CloseSession).sid)
            case "subscribe":
                self._service.subscribe(self._channel, _parsed(message, Subscribe))
                return None
            case "claim":
                claim = _parsed(message, Claim)
                _check_uuid(claim.sid)
                self._service.routes.claim(claim.sid, claim.owner)
                return {"ok": True}
            case "leave":
                self._service.leave(self._channel)
                return None
            case "ack":
                self._service.acknowledge(self._channel, _parsed(message, Acknowledge))
                return None
            case "status":
                return self._service.status()
            case _:
                raise BadRequest(f"no such operation: {operation!r}")

    def _open(self, request: RegisterSession, descriptors: list[int]) -> wire.Message:
        _check_uuid(request.sid)
        if len(descriptors) != 1:
            raise BadRequest("open takes one descriptor, the pidfd of the session's process")
        if not request.kinds and request.network is None:
            raise BadRequest("open names nothing to record")
        session = self._service.capture.open(request, descriptors[0])
        self._opened.add(request.sid)
        self._service.monitored(request.sid, by_one=True)
        return {"ok": True, "number": session.number}

    def _resume(self, sid: str) -> wire.Message:
        self._service.capture.registry.get(sid)
        self._opened.add(sid)
        self._service.monitored(sid, by_one=True)
        return {"ok": True}

    def _restrict(self, request: RestrictSession) -> wire.Message:
        capture = self._service.capture
        capture.restrict(capture.registry.get(request.sid), request.network)
        return {"ok": True}

    async def _close(self, sid: str) -> wire.Message:
        capture = self._service.capture
        self._opened.discard(sid)
        self._service.monitored(sid, by_one=False)
        try:
            session = capture.registry.get(sid)
        except NotFound:  # closed, acknowledged and forgotten, since this was asked for the first time
            return {"ok": True, "seq": 0, "lost": {}}
        drained = await capture.close(session)
        return {"ok": True, "seq": drained.seq, "lost": drained.lost}


def _frame(message: Subscribed | Forgotten) -> bytes:
    return wire.encode(to_builtins(message))


def _parsed(message: wire.Message, kind: type[T]) -> T:
    try:
        return convert(message, kind)
    except msgspec.ValidationError as error:
        raise BadRequest(f"bad request: {error}") from None


def _check_uuid(sid: str) -> None:
    if not is_uuid(sid):
        raise BadRequest(f"not a session id: {sid!r}")
