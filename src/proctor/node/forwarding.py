# SPDX-License-Identifier: Apache-2.0
"""TCP connections through the node: made by a process with the user's identity, audited as ``port``."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Callable

import asyncssh
from asyncssh.stream import SSHTCPStreamSession

from proctor.core.errors import ProctorError
from proctor.model.events import PORT_CLOSED, Port
from proctor.node.host import AuthenticatedClient, NodeContext
from proctor.node.spawn import spawn
from proctor.spawnerproto.messages import Endpoint, Spawn
from proctor.sshkit.forward import Relays, Stream


async def forward(
    host: NodeContext,
    login: AuthenticatedClient,
    target: Endpoint,
    active: Callable[[], None],
    relays: Relays[Endpoint],
) -> SSHTCPStreamSession[bytes]:
    """Connect to ``target`` as the user; the session of the channel, one of ``relays``.

    ``active`` is called whenever bytes pass. Raises ChannelOpenError.
    """
    if not (host.policy.port_forwarding and login.options.port_forwarding):
        _audit(host, login, Port(success=False, error="port forwarding is not allowed", addr=str(target)))
        raise asyncssh.ChannelOpenError(
            asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "port forwarding is not allowed"
        )
    try:
        connection = await _connect(login, target)
    except ProctorError as error:
        _audit(host, login, Port(success=False, error=error.message, addr=str(target)))
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, error.message) from None
    _audit(host, login, Port(addr=str(target)))

    async def carry(reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]) -> None:
        there = Stream(*await asyncio.open_connection(sock=connection))
        try:
            await relays.relay(Stream(reader, writer), there, target, lambda _count: active())
        finally:
            _audit(host, login, Port(code=PORT_CLOSED, addr=str(target)))

    return SSHTCPStreamSession[bytes](carry)


async def _connect(login: AuthenticatedClient, target: Endpoint) -> socket.socket:
    request = Spawn(
        sid=str(uuid.uuid4()),
        kind="forward",
        target=target,
    )
    process = await spawn(login.privileged, request)
    (descriptor,) = process.take()
    process.release()
    connection = socket.socket(fileno=descriptor)
    connection.setblocking(False)
    return connection


def _audit(host: NodeContext, login: AuthenticatedClient, event: Port) -> None:
    host.audit(login.context(host.facts()).fill(event))
