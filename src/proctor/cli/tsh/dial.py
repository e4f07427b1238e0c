# SPDX-License-Identifier: Apache-2.0
"""SSH connections to nodes, through the proxy, to hosts that the cluster vouches for."""

from __future__ import annotations

import getpass
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncssh

from proctor.cli.output import note
from proctor.cli.tsh.connection import Active, known_hosts
from proctor.config.values import read_address
from proctor.core.errors import AccessDenied, BadRequest, ProctorError, Unavailable
from proctor.core.net import connection_failure
from proctor.sshkit import algorithms
from proctor.sshkit.certs import JOIN_PRINCIPAL

_log = logging.getLogger(__name__)
_CONNECT_SECONDS = 30
_KEEPALIVE_SECONDS = 30


@dataclass(frozen=True)
class DialTarget:
    """A node, by whatever identifies it, and the login to use there; ``name``: what people call it."""

    login: str
    host: str
    name: str = ""


def parse_target(text: str, login: str, active: Active) -> DialTarget:
    """``[login@]host``; without a login, ours where it is allowed, else the first allowed one.

    An IPv6 address may stand in brackets. Names of hosts do not depend on case (RFC 4343), but those of
    labels (``key=value``) do.
    """
    given, at, host = text.rpartition("@")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not host or host.startswith("-") or (at and not given):
        raise BadRequest(f"{text!r} is not [login@]host")
    return DialTarget(given or login or _default_login(active), host if "=" in host else host.lower())


def parse_target_port(text: str, active: Active, default: int) -> tuple[DialTarget, int]:
    """``[login@]host[:port]``, IPv6 addresses in brackets when a port follows. Raises BadRequest."""
    given, at, rest = text.rpartition("@")
    try:
        address = read_address(rest, default)
    except ValueError as error:
        raise BadRequest(f"{text!r} is not [login@]host[:port]: {error}") from None
    return parse_target(f"{given}{at}[{address.host}]", "", active), address.port


def _default_login(active: Active) -> str:
    own = getpass.getuser()
    if own in active.logins or not active.logins:
        return own
    return active.logins[0]


class _Client(asyncssh.SSHClient):
    """Shows what servers say before they let anybody in: the reason of a refusal."""

    def __init__(self) -> None:
        self.said = ""

    def auth_banner_received(self, msg: str, lang: str) -> None:
        """Keep the text; it is part of the error if the login fails."""
        del lang
        self.said += msg


@asynccontextmanager
async def connected(
    active: Active, target: DialTarget, port: int
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """A connection to ``target``. Raises AccessDenied or Unavailable with what the servers said."""
    proxy = read_address(active.profile.ssh, 0)
    options = _options(active)
    _log.debug("connecting to %s as %s, through the proxy %s", target.host, target.login, proxy)
    async with (
        _open(proxy.host, proxy.port, "the proxy", username=JOIN_PRINCIPAL, **options) as jump,
        _open(
            target.host, port, f"node {target.host}", username=target.login, tunnel=jump, **options
        ) as node,
    ):
        yield node


@asynccontextmanager
async def tunnelled(
    active: Active, target: DialTarget, port: int
) -> AsyncIterator[tuple[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]]]:
    """The bytes of a connection to ``target``, whose SSH another program speaks. Raises as ``connected``."""
    proxy = read_address(active.profile.ssh, 0)
    async with _open(
        proxy.host, proxy.port, "the proxy", username=JOIN_PRINCIPAL, **_options(active)
    ) as jump:
        try:
            stream = await jump.open_connection(target.host, port, encoding=None)
        except (asyncssh.Error, OSError) as error:
            raise _translated(error, f"node {target.host}", target.login, "") from None
        yield stream


def _options(active: Active) -> dict[str, Any]:
    key = asyncssh.import_private_key(active.credentials.ssh_key)
    certificate = asyncssh.import_certificate(active.credentials.ssh_certificate)
    return {
        "client_keys": [(key, certificate)],
        "known_hosts": asyncssh.import_known_hosts(known_hosts(active.credentials)),
        "agent_path": None,
        "config": None,
        "password_auth": False,
        "kbdint_auth": False,
        "gss_auth": False,
        "host_based_auth": False,
        "x509_trusted_certs": None,
        "kex_algs": algorithms.KEX,
        "encryption_algs": algorithms.CIPHERS,
        "mac_algs": algorithms.MACS,
        "compression_algs": None,
        "connect_timeout": _CONNECT_SECONDS,
        "login_timeout": _CONNECT_SECONDS,
        "keepalive_interval": _KEEPALIVE_SECONDS,
    }


@asynccontextmanager
async def _open(
    host: str, port: int, what: str, **options: Any
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    client = _Client()
    try:
        connection = await asyncssh.connect(host, port, client_factory=lambda: client, **options)
    except (asyncssh.Error, OSError) as error:
        raise _translated(error, what, options["username"], client.said) from None
    _log.debug("%s accepted the certificate, server version %r", what, _server_version(connection))
    if client.said:
        note(client.said.strip())
    try:
        yield connection
    finally:
        connection.close()
        await connection.wait_closed()


def _server_version(connection: asyncssh.SSHClientConnection) -> str:
    return str(connection.get_extra_info("server_version", ""))


def _translated(error: Exception, what: str, login: str, said: str) -> ProctorError:
    if isinstance(error, asyncssh.PermissionDenied):
        reason = said.strip() or f"{what} does not accept login {login}"
        return AccessDenied(f"access denied to {login} on {what}: {reason}")
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return AccessDenied(f"{what} could not prove that it belongs to the cluster: {error.reason}")
    if isinstance(error, asyncssh.ChannelOpenError):
        return AccessDenied(error.reason.strip())
    if isinstance(error, asyncssh.DisconnectError):
        return Unavailable(f"{what} ended the connection: {error.reason.strip()}")
    return Unavailable(f"{what} cannot be reached: {connection_failure(error)}")
