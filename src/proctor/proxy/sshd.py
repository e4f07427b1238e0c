# SPDX-License-Identifier: Apache-2.0
"""The SSH proxy: lets holders of user certificates reach nodes, and does nothing else.

``ssh -J`` and ``tsh ssh`` open one direct-tcpip channel to a node and speak SSH with it through that; the
proxy carries bytes that it cannot read.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import asyncssh
from asyncssh.stream import SSHTCPStreamSession

from proctor.audit.spool import Spool
from proctor.config.schema import Config
from proctor.core.clock import SYSTEM, Clock
from proctor.core.errors import AccessDenied, ProctorError
from proctor.core.limits.attempts import AttemptLog
from proctor.model.event import NAMESPACE
from proctor.model.events import AuthAttempt
from proctor.proxy.directory import NodeDirectory, NodeNotAccessible, NodeTarget
from proctor.proxy.lock_watch import ProxyLocks
from proctor.rpc.identity_files import Credentials
from proctor.sshkit.admission import UnauthenticatedConnections
from proctor.sshkit.certs import VerifiedUser, certificate_of
from proctor.sshkit.forward import Relays, Stream
from proctor.sshkit.listener import SshListener
from proctor.sshkit.ssh_server import CertificateServer, local_host_keys, server_options

DIAL_SECONDS = 10.0
STOP_SECONDS = 2.0
NODES_FIRST_SECONDS = 0.3
"""How long nodes have to end sessions by themselves, with all processes and a word to the person: where their
connection breaks off first, they can hang up only."""

_IDLE_SECONDS = 0.25
"""Between two looks whether the last connection has ended."""

_NO_SHELL = "The proxy has no shell. Reach a node through it: tsh ssh login@node, or ssh -J.\r\n"
_log = logging.getLogger(__name__)

Session = SSHTCPStreamSession[bytes]


@dataclass(frozen=True)
class SshProxySettings:
    """Who this proxy is, for events and host keys, and how it is configured."""

    host_uuid: str
    node_name: str
    credentials: Credentials
    config: Config


class _Connection(CertificateServer):
    """One client connection to the proxy."""

    def __init__(self, proxy: SshProxy, clock: Clock) -> None:
        super().__init__(proxy.user_authorities, clock)
        self.local = self.remote = ""
        self.relays: Relays[NodeTarget] = Relays()
        self._proxy = proxy

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Keep it among the live ones, unless there are too many."""
        super().connection_made(conn)
        self.local, self.remote = _address(conn, "sockname"), _address(conn, "peername")
        self._proxy.admit(conn)
        self._proxy.expect_login(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        super().connection_lost(exc)
        self.relays.connection_lost()
        self._proxy.forget(self)

    def auth_completed(self) -> None:
        """It is no longer closed in favour of new ones."""
        self._proxy.logged_in(self)

    def drop(self) -> None:
        """Close at once."""
        self.connection.abort()

    def follow_locks(self) -> None:
        """End the connection, or its relays to a node, when a lock says so."""
        if self.user is None:
            return
        locks, identity, certificate = self._proxy.locks, self.user.identity, certificate_of(self.user)
        if reason := locks.refusal(identity, certificate, self.login):
            _log.warning("%s is disconnected: %s", identity.username, reason)
            self.relays.cut()
            self.connection.disconnect(asyncssh.DISC_BY_APPLICATION, reason)
            return
        for node in self.relays.targets:
            if reason := locks.refusal_of_node(identity, certificate, (node.host_id, node.name)):
                _log.warning("%s is disconnected from %s: %s", identity.username, node.name, reason)
                self.relays.cut(node)

    async def authorize(self, login: str, user: VerifiedUser) -> None:
        """Any certificate of this cluster will do: the node decides about the login."""
        own = self._proxy.cluster_name
        if user.identity.cluster not in {"", own}:
            raise AccessDenied(f"the certificate is for the cluster {user.identity.cluster}, this is {own}")
        if reason := self._proxy.locks.refusal(user.identity, certificate_of(user), login):
            raise AccessDenied(reason)

    def refused(self, login: str, reason: str, user: VerifiedUser | None) -> None:
        """Audit the refusal."""
        self._proxy.audit_refusal(self, login, reason, user)

    def session_requested(self) -> asyncssh.SSHServerProcess[bytes]:
        """Explain to people who expected a shell."""
        return asyncssh.SSHServerProcess(_refuse_session, None, sftp_version=3, allow_scp=False)

    async def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> Session:
        """Open a channel to a node; the client sees one wording for unknown and forbidden."""
        if self.user is None or self._clock.now() >= self.user.valid_before:
            raise _refusal("your certificate has expired; log in again")
        return await self._proxy.dial(self, self.user, dest_host, dest_port)


def _refuse_session(process: asyncssh.SSHServerProcess[bytes]) -> None:
    process.stderr.write(_NO_SHELL.encode())
    process.exit(1)


def _refusal(reason: str) -> asyncssh.ChannelOpenError:
    return asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, reason)


class SshProxy:
    """Listens, authenticates, dials nodes."""

    def __init__(
        self,
        settings: SshProxySettings,
        directory: NodeDirectory,
        locks: ProxyLocks,
        spool: Spool,
        clock: Clock = SYSTEM,
    ) -> None:
        self.locks = locks
        self._settings = settings
        self._directory = directory
        self._spool = spool
        self._clock = clock
        self._listener: SshListener | None = None
        self._live: set[asyncssh.SSHServerConnection] = set()
        self._unauthenticated: UnauthenticatedConnections[_Connection] = UnauthenticatedConnections()
        self._logged_in: set[_Connection] = set()
        self._attempts = AttemptLog(spool.append, clock)
        self._relays = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def cluster_name(self) -> str:
        """Name of the cluster whose certificates are accepted."""
        return self._settings.credentials.authorities.cluster_name

    def user_authorities(self) -> list[str]:
        """Public keys of the user CA."""
        return self._settings.credentials.authorities.user_ssh_ca

    @property
    def port(self) -> int:
        """The port it listens on; 0 before the start."""
        return self._listener.port if self._listener is not None else 0

    async def start(self, listener: socket.socket) -> None:
        """Serve on ``listener``."""
        credentials, config = self._settings.credentials, self._settings.config
        options = server_options(
            local_host_keys(credentials.ssh_key, credentials.ssh_certificate),
            ciphers=config.teleport.ciphers,
            kex=config.teleport.kex_algos,
            macs=config.teleport.mac_algos,
            keepalive=(config.auth_service.keep_alive_interval, config.auth_service.keep_alive_count_max),
        )
        self._listener = SshListener(listener, options, lambda: _Connection(self, self._clock))
        self._listener.start()

    def admit(self, connection: asyncssh.SSHServerConnection) -> None:
        """Keep a new connection, or cut it when there are as many as the configuration allows."""
        if len(self._live) >= self._settings.config.teleport.connection_limits.max_connections:
            connection.abort()
        else:
            self._live.add(connection)

    def expect_login(self, client: _Connection) -> None:
        """A new connection must log in before others take its place."""
        self._unauthenticated.add(client, client.remote)

    def logged_in(self, client: _Connection) -> None:
        """A client has logged in."""
        self._unauthenticated.remove(client)
        self._logged_in.add(client)
        client.follow_locks()  # one may have come since it was judged

    def access_changed(self) -> None:
        """Go by what is locked now: at once for what is new, in a moment for what is open."""
        self._directory.forget()
        asyncio.get_running_loop().call_later(NODES_FIRST_SECONDS, self._follow_locks)

    def _follow_locks(self) -> None:
        for client in list(self._logged_in):
            client.follow_locks()

    def forget(self, client: _Connection) -> None:
        """A connection has ended."""
        self._unauthenticated.remove(client)
        self._logged_in.discard(client)
        self._live.discard(client.connection)

    async def dial(self, client: _Connection, user: VerifiedUser, host: str, port: int) -> Session:
        """Connect to the node that ``host`` names; the channel's session then carries the bytes.

        Raises ChannelOpenError with the reason, as the client may know it.
        """
        try:
            target = await self._directory.resolve(user.identity, host, port)
            self._check_node(user, target)
            async with asyncio.timeout(DIAL_SECONDS):
                reader, writer = await asyncio.open_connection(target.host, target.port)
        except NodeNotAccessible as error:
            self.audit_refusal(client, client.login, error.reason, user)
            raise _refusal(error.diagnostics()) from None
        except ProctorError as error:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, error.message) from None
        except OSError as error:
            reason = f"node {host} cannot be reached: {error.strerror or 'no answer'}"
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, reason) from None
        try:
            self._check_node(user, target)
        except NodeNotAccessible as error:
            writer.transport.abort()
            raise _refusal(error.diagnostics()) from None
        if client.connection.is_closed():
            writer.transport.abort()
            raise _refusal("the connection was closed meanwhile")
        node = Stream(reader, writer)

        async def carry(source: asyncssh.SSHReader[bytes], sink: asyncssh.SSHWriter[bytes]) -> None:
            with self._in_use():
                await client.relays.relay(Stream(source, sink), node, target)

        return SSHTCPStreamSession(carry)

    def _check_node(self, user: VerifiedUser, node: NodeTarget) -> None:
        """Raise NodeNotAccessible when the node is locked, for this person at least."""
        certificate = certificate_of(user)
        if reason := self.locks.refusal_of_node(user.identity, certificate, (node.host_id, node.name)):
            raise NodeNotAccessible(reason, reason, hint="")

    @contextlib.contextmanager
    def _in_use(self) -> Iterator[None]:
        self._relays += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._relays -= 1
            if self._relays == 0:
                self._idle.set()

    def audit_refusal(self, client: _Connection, login: str, reason: str, user: VerifiedUser | None) -> None:
        """Put an ``auth`` event into the spool; who is refused stays refused when that fails."""
        event = AuthAttempt(
            user=user.identity.username if user else "",
            login=login,
            error=reason,
            addr_local=client.local,
            addr_remote=client.remote,
            server_id=self._settings.host_uuid,
            server_hostname=self._settings.node_name,
            namespace=NAMESPACE,
            proto="ssh",
        )
        if not self._attempts.admits(event, client.remote):
            return
        try:
            self._spool.append(event)
        except ProctorError as error:
            _log.error("a refusal was not audited: %s", error.message)

    async def refuse(self) -> None:
        """Accept no more."""
        if self._listener is not None:
            await self._listener.close()

    async def finished(self) -> None:
        """Return when the last connection has ended by itself."""
        while self._live:  # noqa: ASYNC110 - the ends of many
            await asyncio.sleep(_IDLE_SECONDS)

    async def drain(self, seconds: float) -> None:
        """Accept no more, and wait until no channel to a node is in use, at most ``seconds``."""
        await self.refuse()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    async def stop(self) -> None:
        """Close everything."""
        self._attempts.flush()
        await self.refuse()
        for connection in list(self._live):
            connection.disconnect(asyncssh.DISC_BY_APPLICATION, "the proxy is stopping")
        waiting = [connection.wait_closed() for connection in self._live]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*waiting), STOP_SECONDS)


def _address(connection: asyncssh.SSHServerConnection, name: str) -> str:
    address = connection.get_extra_info(name)
    return f"{address[0]}:{address[1]}" if address else ""
