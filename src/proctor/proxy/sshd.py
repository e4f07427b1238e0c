"""The SSH proxy: lets holders of user certificates reach nodes, and does nothing else.

``ssh -J`` and ``tsh ssh`` open one direct-tcpip channel to a node and speak SSH with it through that; the
proxy carries bytes that it cannot read.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass

import asyncssh
from asyncssh.stream import SSHTCPStreamSession

from proctor.audit.spool import Spool
from proctor.core.errors import AccessDenied, ProctorError
from proctor.core.tasks import TaskSet
from proctor.model.events import AuthAttempt
from proctor.proxy.directory import NODE_PORT, Directory
from proctor.rpc.client import split_address
from proctor.rpc.identity import Credentials
from proctor.sshkit.certs import VerifiedUser
from proctor.sshkit.forward import Stream, relay
from proctor.sshkit.server import CertificateServer, server_options

DIAL_SECONDS = 10.0
_NO_SHELL = "The proxy has no shell. Reach a node through it: tsh ssh login@node, or ssh -J.\r\n"
_log = logging.getLogger(__name__)

Session = SSHTCPStreamSession[bytes]


@dataclass(frozen=True)
class SshProxySettings:
    """Who this proxy is, for events and host keys."""

    host_uuid: str
    node_name: str
    credentials: Credentials


class _Connection(CertificateServer):
    """One client connection to the proxy."""

    def __init__(self, proxy: SshProxy) -> None:
        super().__init__(proxy.user_authorities)
        self._proxy = proxy

    async def authorize(self, login: str, user: VerifiedUser) -> None:
        """Any certificate of this cluster will do: the node decides about the login."""
        own = self._proxy.cluster_name
        if user.identity.cluster not in {"", own}:
            raise AccessDenied(f"the certificate is for the cluster {user.identity.cluster}, this is {own}")

    def refused(self, login: str, reason: str, user: VerifiedUser | None) -> None:
        """Audit the refusal."""
        self._proxy.audit_refusal(self.connection, login, reason, user)

    def session_requested(self) -> asyncssh.SSHServerProcess[bytes]:
        """Explain to people who expected a shell."""
        return asyncssh.SSHServerProcess(_refuse_session, None, sftp_version=3, allow_scp=False)

    async def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> Session:
        """Open a channel to a node; the client sees one wording for unknown and forbidden."""
        if self.user is None:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "not authenticated")
        return await self._proxy.dial(self.connection, self.user, dest_host, dest_port)


def _refuse_session(process: asyncssh.SSHServerProcess[bytes]) -> None:
    process.stderr.write(_NO_SHELL.encode())
    process.exit(1)


class SshProxy:
    """Listens, authenticates, dials nodes."""

    def __init__(self, settings: SshProxySettings, directory: Directory, spool: Spool) -> None:
        self._settings = settings
        self._directory = directory
        self._spool = spool
        self._server: asyncssh.SSHAcceptor | None = None
        self._relays = TaskSet("ssh-proxy")
        self._open = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def cluster_name(self) -> str:
        """Name of the cluster whose certificates are accepted."""
        return self._settings.credentials.authorities.cluster_name

    def user_authorities(self) -> list[str]:
        """Public keys of the user CA."""
        return self._settings.credentials.authorities.user_ssh_ca

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port. Raises OSError when the address cannot be had."""
        credentials = self._settings.credentials
        self._server = await asyncssh.listen(
            host,
            port,
            server_factory=lambda: _Connection(self),
            options=server_options(credentials.ssh_key, credentials.ssh_certificate),
        )
        return self._server.get_port()

    async def dial(
        self, connection: asyncssh.SSHServerConnection, user: VerifiedUser, host: str, port: int
    ) -> Session:
        """Connect to the node that ``host`` names; the channel's session then carries the bytes."""
        try:
            node = await self._directory.resolve(user.identity, host, port)
            address = split_address(node.spec.addr, NODE_PORT)
            async with asyncio.timeout(DIAL_SECONDS):
                stream = Stream(*await asyncio.open_connection(*address))
        except ProctorError as error:
            self.audit_refusal(connection, "", error.message, user)
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, error.diagnostics()) from None
        except (OSError, TimeoutError) as error:
            reason = f"node {host} cannot be reached: {str(error) or 'no answer'}"
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, reason) from None

        async def carry(reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]) -> None:
            self._begin()
            try:
                await relay(Stream(reader, writer), stream)
            finally:
                self._end()

        return SSHTCPStreamSession(carry)

    def _begin(self) -> None:
        self._open += 1
        self._idle.clear()

    def _end(self) -> None:
        self._open -= 1
        if self._open == 0:
            self._idle.set()

    def audit_refusal(
        self, connection: asyncssh.SSHServerConnection, login: str, reason: str, user: VerifiedUser | None
    ) -> None:
        """Put an ``auth`` event into the spool."""
        self._spool.append(
            AuthAttempt(
                user=user.identity.username if user else "",
                login=login,
                error=reason,
                addr_local=_address(connection, "sockname"),
                addr_remote=_address(connection, "peername"),
                server_id=self._settings.host_uuid,
                server_hostname=self._settings.node_name,
                namespace="default",
                proto="ssh",
            )
        )

    async def drain(self, seconds: float) -> None:
        """Accept no more, and wait for connections under way."""
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        await self._relays.close()


def _address(connection: asyncssh.SSHServerConnection, name: str) -> str:
    address = connection.get_extra_info(name)
    return f"{address[0]}:{address[1]}" if address else ""
