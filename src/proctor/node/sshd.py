# SPDX-License-Identifier: Apache-2.0
"""The node's SSH server: who may log in, and what one connection may open."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import asyncssh
import msgspec
from asyncssh.stream import SSHTCPStreamSession

from proctor.core.errors import AccessDenied
from proctor.core.text import counted
from proctor.model.access import SessionOptions, session_options
from proctor.model.events import AuthAttempt, ClientDisconnect, SessionRejected
from proctor.model.rbac.locks import Subject
from proctor.node import timeouts
from proctor.node.forwarding import forward
from proctor.node.host import AuthenticatedClient, NodeContext
from proctor.node.privsep import PrivilegedConnection
from proctor.node.session.raw_requests import channel_for
from proctor.node.session.ssh_channel import SessionChannel
from proctor.spawnerproto.decision import decide
from proctor.spawnerproto.messages import Endpoint
from proctor.sshkit.certs import JOIN_PRINCIPAL, VerifiedUser, certificate_of
from proctor.sshkit.forward import Relays
from proctor.sshkit.ssh_server import CertificateServer

_log = logging.getLogger(__name__)


class NodeConnection(CertificateServer):
    """One connection to this node."""

    def __init__(self, host: NodeContext) -> None:
        super().__init__(lambda: host.cache.user_ssh_ca, host.clock)
        self._host = host
        self._privileged: PrivilegedConnection | None = None
        self._who: AuthenticatedClient | None = None
        self._sessions: list[SessionChannel] = []
        self._relays: Relays[Endpoint] = Relays()
        self._active_at = host.clock.monotonic()
        self._client = self._server = Endpoint(addr="", port=0)
        self._watch: asyncio.Task[None] | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """See the base class; here those who only hold connections are kept from shutting others out."""
        super().connection_made(conn)
        self._privileged = PrivilegedConnection(self._host.spawner, conn)
        # Of a closed connection they can no longer be asked for.
        self._client, self._server = self._endpoint("peername"), self._endpoint("sockname")
        self._host.waiting.add(self, self._client.addr)

    async def authorize(self, login: str, user: VerifiedUser) -> None:
        """See the base class; here the roles and this node's labels decide as well."""
        await super().authorize(login, user)
        if login == JOIN_PRINCIPAL:
            raise AccessDenied(f"{login} is not a login")
        if self._host.draining:
            raise AccessDenied("this node is about to stop")
        limit = (await self._options(login, user)).max_connections
        if limit and sum(live.username == user.identity.username for live in self._host.live) >= limit:
            raise AccessDenied(f"your roles allow {counted(limit, 'connection')} at a time")

    async def _options(self, login: str, user: VerifiedUser) -> SessionOptions:
        """Return the options in force for ``user``, by the spawner's rules; raises AccessDenied."""
        host, now = self._host, self._host.clock.now()
        bundle = await host.cache.bundle(user.identity.roles)
        options = decide(bundle, host.policy, user, login, host.facts().labels, now=now)
        if reason := self._refusal(login, user):
            raise AccessDenied(reason)
        return options

    def _refusal(self, login: str, user: VerifiedUser) -> str:
        """Why ``user`` is locked here, or may be; empty when they are not."""
        host = self._host
        subject = Subject.of(
            user.identity,
            login=login,
            server_id=host.facts().server_id,
            node_name=host.policy.node_name,
        )
        return host.cache.refusal(subject, certificate_of(user))

    async def authenticated(self, login: str, request: bytes, signature: bytes) -> None:
        """See the base class; here the spawner verifies everything for itself, and decides."""
        if self._privileged is None:
            raise AccessDenied("the connection was not made yet")
        self._privileged.authenticate(request, signature, self._host.reported_labels())

    @property
    def username(self) -> str:
        """Name of the user of this connection; empty until the login."""
        return self.user.identity.username if self.user else ""

    def refused(self, login: str, reason: str, user: VerifiedUser | None) -> None:
        """Audit a refusal."""
        event = AuthAttempt(
            error=reason,
            message=reason,
            user=user.identity.username if user else "",
            login=login,
            server_id=self._host.facts().server_id,
            addr_local=str(self._server),
            addr_remote=str(self._client),
            proto="ssh",
        )
        if not self._host.attempts.admits(event, event.addr_remote):
            return
        self._host.audit(event)

    def _endpoint(self, name: str) -> Endpoint:
        address = self.connection.get_extra_info(name) or ("", 0)
        return Endpoint(addr=str(address[0]), port=int(address[1]))

    async def auth_completed(self) -> None:
        """Settle what the roles allow for as long as this connection lasts."""
        if self.user is None or self._privileged is None:
            raise asyncssh.PermissionDenied("not authenticated")
        identity = self.user.identity
        try:
            options = await self._options(self.login, self.user)
        except AccessDenied as error:
            raise asyncssh.PermissionDenied(error.message) from None
        self._who = AuthenticatedClient(
            user=identity,
            privileged=self._privileged,
            name=self.login,
            options=options,
            client=self._client,
            server=self._server,
            client_version=str(self.connection.get_extra_info("client_version", "")),
        )
        self._active()
        self._host.waiting.remove(self)
        self._host.live.add(self)
        self._watch = self._host.background.spawn(
            self._supervise(self._who), name=f"watch {self._who.client}"
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone; its sessions hear of it through their channels."""
        super().connection_lost(exc)
        self._relays.connection_lost()
        if self._privileged is not None:
            self._privileged.close()
        self._host.waiting.remove(self)
        self._host.live.discard(self)
        if self._watch is not None:
            self._watch.cancel()

    def session_requested(self) -> bool | tuple[asyncssh.SSHServerChannel[bytes], SessionChannel]:
        """The client opens a session channel."""
        if self._who is None or self._host.draining:
            return False
        self._active()
        self._sessions = [session for session in self._sessions if not session.ended]
        limit = self._who.options.max_sessions
        if limit and len(self._sessions) >= limit:
            self._reject(self._who, limit)
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED,
                f"your roles allow {counted(limit, 'session')} per connection",
            )
        session = SessionChannel(self._host, self._who, self._active)
        self._sessions.append(session)
        return channel_for(self.connection), session

    def _reject(self, who: AuthenticatedClient, limit: int) -> None:
        event = SessionRejected(reason="max_sessions limit reached", max=limit)
        self._host.audit(who.context(self._host.facts()).fill(event))

    async def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> SSHTCPStreamSession[bytes]:
        """The client opens a connection through us (``ssh -L``, ``-W``, ``-J``)."""
        if self._who is None or self._host.draining:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "not now")
        self._active()
        target = Endpoint(addr=dest_host, port=dest_port)
        return await forward(self._host, self._who, target, self._active, self._relays)

    def _active(self) -> None:
        self._active_at = self._host.clock.monotonic()

    async def _supervise(self, who: AuthenticatedClient) -> None:
        """Cut the connection when it was idle for too long, or its certificate has expired."""
        limits = [limit for limit in (who.options.client_idle_timeout, self._host.idle_timeout) if limit]
        expires = who.options.disconnect_expired_cert or self._host.disconnect_expired
        if not limits and not expires:
            return
        while True:
            await asyncio.sleep(timeouts.IDLE_CHECK)
            idle = self._host.clock.monotonic() - self._active_at
            if limits and idle > min(limits):
                self._cut(who, f"the client was idle for {counted(min(limits), 'second')}")
                return
            if expires and self.user is not None and self._host.clock.now() >= self.user.valid_before:
                self._cut(who, "the client's certificate has expired")
                return

    def _cut(self, who: AuthenticatedClient, reason: str) -> None:
        self._audit_cut(who, reason)
        self.leave(reason)

    def _audit_cut(self, who: AuthenticatedClient, reason: str) -> None:
        event = ClientDisconnect(reason=reason)
        self._host.audit(who.context(self._host.facts()).fill(event))

    def access_changed(self) -> None:
        """Locks end the connection. Of roles, only where sessions may connect to is followed."""
        if self._who is None or self.user is None:
            return
        if reason := self._refusal(self.login, self.user):
            self._lock_out(self._who, reason)
            return
        self._follow_roles(self._who)

    def _lock_out(self, who: AuthenticatedClient, reason: str) -> None:
        """End everything at once."""
        self._who = None
        _log.warning("%s is disconnected: %s", who.user.username, reason)
        self._audit_cut(who, reason)
        for session in self._sessions:
            session.terminate(f"Disconnected: {reason}.", kill=True)
        self._relays.cut()
        self.connection.disconnect(asyncssh.DISC_BY_APPLICATION, reason)

    def _follow_roles(self, who: AuthenticatedClient) -> None:
        if (roles := self._host.cache.known(who.user.roles)) is None:
            return
        network = session_options(roles).network
        if network == who.options.network:
            return
        self._who = replace(who, options=msgspec.structs.replace(who.options, network=network))
        for session in self._sessions:
            session.restrict(network)

    def leave(self, reason: str) -> None:
        """End all sessions and close, telling the client why."""
        for session in self._sessions:
            session.terminate(f"Disconnected: {reason}.")
        self.connection.disconnect(asyncssh.DISC_BY_APPLICATION, reason)

    def drop(self) -> None:
        """Close at once."""
        self.connection.abort()
