# SPDX-License-Identifier: Apache-2.0
"""State that all connections of a node share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from proctor.audit.spool import Spool
from proctor.core.clock import Clock
from proctor.core.limits.attempts import AttemptLog
from proctor.core.tasks import TaskSet, WorkQueue
from proctor.model.access import SessionOptions
from proctor.model.event import Event
from proctor.model.identity import UserIdentity
from proctor.model.resources import EnhancedKind
from proctor.node import timeouts
from proctor.node.cache import AccessCache
from proctor.node.privsep import PrivilegedConnection, SpawnerClient
from proctor.node.record.capture import CaptureSubscription
from proctor.node.record.recorder import Context, NodeFacts
from proctor.recording.upload import Replicator
from proctor.spawnerproto.decision import HostPolicy
from proctor.spawnerproto.messages import Endpoint
from proctor.sshkit.admission import UnauthenticatedConnections


class Connection(Protocol):
    """An SSH connection."""

    @property
    def username(self) -> str:
        """Name of the user."""

    def leave(self, reason: str) -> None:
        """End its sessions and close it, telling the client why."""

    def drop(self) -> None:
        """Close it at once."""

    def access_changed(self) -> None:
        """Follow what roles and locks say now: it ends, or its sessions are restricted."""


@dataclass(kw_only=True)
class NodeContext:
    """The node: its collaborators, and what it is doing. ``feed`` is None when nothing is captured."""

    facts: Callable[[], NodeFacts]
    clock: Clock
    spool: Spool
    cache: AccessCache
    writes: WorkQueue
    """The writer of the spool, of recordings and of the notes of deliveries, outside the event loop."""
    replicator: Replicator
    feed: CaptureSubscription | None
    policy: HostPolicy
    reported_labels: Callable[[], Mapping[str, str]]
    """Values of the labels that commands print."""
    spawner: SpawnerClient
    upload_dir: Path
    certificate: str = ""
    """Of the host key, an OpenSSH line."""
    proxy: str = ""
    idle_timeout: int = 0
    disconnect_expired: bool = False
    draining: bool = False
    attempts: AttemptLog
    """Refused logins that become events."""
    waiting: UnauthenticatedConnections[Connection] = field(
        default_factory=lambda: UnauthenticatedConnections(shared=True)
    )
    """Connections whose client has not logged in yet; most of them come through a proxy."""
    live: set[Connection] = field(default_factory=set)
    """Connections whose client has logged in."""
    sessions: TaskSet = field(default_factory=lambda: TaskSet("node.sessions"))
    background: TaskSet = field(default_factory=lambda: TaskSet("node.background"))

    def audit(self, event: Event) -> None:
        """Put ``event`` into the audit log, in the background; a failure is logged."""
        self.writes.put(partial(self.spool.append, event))

    def retire(self) -> None:
        """Another node process of this host takes new connections."""
        if self.feed is not None:
            self.feed.retire()

    async def idle(self) -> None:
        """Return when there is neither a connection nor a session."""
        while self.waiting or self.live or not await self.sessions.drain(0):  # noqa: ASYNC110 - many things
            await asyncio.sleep(timeouts.IDLE_POLL)

    def access_changed(self) -> None:
        """Have all that is open follow what roles and locks say now."""
        for connection in list(self.live):
            connection.access_changed()


@dataclass(frozen=True, kw_only=True)
class AuthenticatedClient:
    """The user at the other end of one connection, and what their roles allow."""

    user: UserIdentity
    privileged: PrivilegedConnection
    name: str
    options: SessionOptions
    client: Endpoint
    server: Endpoint
    client_version: str

    def context(self, facts: NodeFacts, sid: str = "") -> Context:
        """For the events of this connection, or of its session ``sid``."""
        return Context(
            node=facts,
            user=self.user,
            login=self.name,
            local=str(self.server),
            remote=str(self.client),
            sid=sid,
        )

    def kinds(self, host: NodeContext) -> list[EnhancedKind]:
        """Return the kinds of events that the kernel reports of this login's sessions."""
        return list(self.options.enhanced_recording) if host.feed is not None else []

    def captured(self, host: NodeContext) -> bool:
        """Does capture follow the sessions of this login, to report or to restrict them?"""
        return bool(self.kinds(host)) or (host.feed is not None and self.options.network is not None)
