# SPDX-License-Identifier: Apache-2.0
"""One TLS port for two protocols: a look at the ClientHello, then pass-through or our own HTTPS.

The bytes of the hello are only peeked at, so whoever gets the connection finds it untouched.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from proctor.core.accept import accept, readable
from proctor.core.limits.rates import network_of
from proctor.core.net import split_address
from proctor.core.tasks import TaskSet
from proctor.proxy.clienthello import MAX_HELLO, Incomplete, NotTls, server_name
from proctor.sshkit.forward import Stream, relay

HELLO_SECONDS = 10.0
"""Time in which a client must have sent its whole ClientHello."""

GREETING_PER_NETWORK = 256
"""Connections of one network that may be without a complete ClientHello at a time."""

SHARE, LEAST_SHARE = 4, 8
"""One network may have a quarter of all connections: many hosts may be behind one address."""

_DIAL_SECONDS, _CLOSE_SECONDS = 5.0, 5.0
_DIAL_ATTEMPTS, _DIAL_PAUSE = 20, 0.1
_log = logging.getLogger(__name__)

Handler = Callable[[socket.socket], Awaitable[None]]
"""Takes over an accepted, non-blocking socket; returns or raises when it is closed."""


class Mux:
    """Accepts on ``listener``: connections whose server name ``passes`` go to ``through``, others to ``own``.

    At most ``limit`` connections are open at once, of one IPv4 address or IPv6 network a quarter of that;
    further ones are closed right away.
    """

    def __init__(
        self,
        listener: socket.socket,
        *,
        passes: Callable[[str], bool],
        through: Handler,
        own: Handler,
        limit: int,
        hello_seconds: float = HELLO_SECONDS,
    ) -> None:
        self._listener = listener
        self._passes = passes
        self._through = through
        self._own = own
        self._limit = limit
        self._hello_seconds = hello_seconds
        self._acceptor = TaskSet("mux")
        self._connections = TaskSet("mux")
        self._open = 0
        self._greeting: Counter[str] = Counter()
        self._networks: Counter[str] = Counter()

    def start(self) -> None:
        """Accept from now on."""
        self._acceptor.spawn(accept(self._listener, self._accepted), name="accept", vital=True)

    def _accepted(self, connection: socket.socket, address: Any) -> None:
        network = network_of(str(address[0]))
        if self._is_full(network):
            connection.close()
            return
        self._open += 1
        self._networks[network] += 1
        self._greeting[network] += 1
        task = self._connections.spawn(self._handle(connection, network), name="connection")
        # A task that is cancelled before it has begun never gets to its ``finally``.
        task.add_done_callback(lambda _: connection.close())

    def _is_full(self, network: str) -> bool:
        most = max(LEAST_SHARE, self._limit // SHARE)
        held = self._networks[network] >= most or self._greeting[network] >= GREETING_PER_NETWORK
        return held or self._open >= self._limit

    async def _handle(self, connection: socket.socket, network: str) -> None:
        try:
            handler = await self._choose(connection, network)
            await handler(connection)
        except (NotTls, OSError, EOFError) as error:
            _log.debug("connection from %s dropped: %s", network, error)
        finally:
            connection.close()
            self._open -= 1
            _count_down(self._networks, network)

    async def _choose(self, connection: socket.socket, network: str) -> Handler:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            async with asyncio.timeout(self._hello_seconds):
                name = await _peek(connection)
        finally:
            _count_down(self._greeting, network)
        return self._through if self._passes(name) else self._own

    async def drain(self, seconds: float | None) -> bool:
        """Accept no more and wait for the end of all connections; False when ``seconds`` passed first."""
        await self.refuse()
        return await self._connections.drain(seconds)

    async def refuse(self) -> None:
        """Accept no more."""
        await self._acceptor.close()
        self._listener.close()

    async def close(self) -> None:
        """Accept no more and cut every connection."""
        await self.refuse()
        await self._connections.close()


def _count_down(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


async def _peek(connection: socket.socket) -> str:
    """The name that the client asks for in TLS, without taking a byte from ``connection``.

    Raises NotTls, or EOFError when the client closes before its hello is complete. Cancel it on a deadline.
    """
    wanted = 1
    while wanted <= MAX_HELLO:
        await _readable(connection, wanted)
        data = connection.recv(MAX_HELLO, socket.MSG_PEEK)
        if len(data) < wanted:
            raise EOFError("closed within the ClientHello")
        try:
            name = server_name(data)
        except Incomplete as incomplete:
            wanted = incomplete.needed
            continue
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        return name
    raise NotTls("the ClientHello is too large")


async def _readable(connection: socket.socket, count: int) -> None:
    """Wait for ``count`` bytes or the end of the stream; the kernel does the counting."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)
    await readable(connection)


async def _dial(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the auth service, which refuses for a moment while it is replaced. Raises OSError."""
    for _ in range(_DIAL_ATTEMPTS - 1):
        try:
            return await asyncio.open_connection(host, port)
        except ConnectionRefusedError:
            await asyncio.sleep(_DIAL_PAUSE)
    return await asyncio.open_connection(host, port)


def pass_through(address: str) -> Handler:
    """A handler that relays connections, byte by byte, to ``address`` (``host:port``). Raises BadRequest."""
    host, port = split_address(address, 3025)

    async def forward(connection: socket.socket) -> None:
        try:
            async with asyncio.timeout(_DIAL_SECONDS):
                far_reader, far_writer = await _dial(host, port)
        except OSError as error:
            _log.warning("the Auth Service at %s cannot be reached: %s", address, str(error) or "no answer")
            return
        try:
            reader, writer = await asyncio.open_connection(sock=connection)
            try:
                await relay(Stream(reader, writer), Stream(far_reader, far_writer))
                await asyncio.wait_for(writer.wait_closed(), _CLOSE_SECONDS)
            finally:
                writer.transport.abort()
        finally:
            far_writer.transport.abort()

    return forward
