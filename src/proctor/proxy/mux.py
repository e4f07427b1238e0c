"""One port for everything: TLS to the auth service is passed through, all else is the web page's.

The first bytes are looked at, not read, so that either side gets the connection untouched.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable

from proctor.core.tasks import TaskSet
from proctor.proxy.clienthello import MAX_HELLO, Incomplete, NotTls, server_name
from proctor.sshkit.forward import Stream, relay

AUTH_SUFFIX = ".cluster.local"
HELLO_SECONDS = 10.0
BACKLOG = 1024
MAX_CONNECTIONS = 15000
_log = logging.getLogger(__name__)


class Mux:
    """Accepts on one socket; ``serve_web`` takes connections that are not for auth at ``auth_address``."""

    def __init__(
        self,
        auth_address: Callable[[], tuple[str, int]],
        serve_web: Callable[[socket.socket], Awaitable[None]],
        *,
        limit: int = MAX_CONNECTIONS,
    ) -> None:
        self._auth_address = auth_address
        self._serve_web = serve_web
        self._limit = limit
        self._open = 0
        self._tasks = TaskSet("mux")
        self._socket: socket.socket | None = None

    def listen(self, host: str, port: int) -> int:
        """Listen and accept; returns the port. Raises OSError when the address cannot be had."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self._socket.setblocking(False)
        self._tasks.spawn(self._accept(self._socket), name="accept")
        bound: int = self._socket.getsockname()[1]
        return bound

    async def _accept(self, server: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(server)
            except OSError as error:
                _log.warning("cannot accept a connection: %s", error)
                await asyncio.sleep(0.1)
                continue
            if self._open >= self._limit:
                connection.close()
                continue
            self._open += 1
            self._tasks.spawn(self._route(connection), name="route")

    async def _route(self, connection: socket.socket) -> None:
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(HELLO_SECONDS):
                name = await _peek_name(connection)
            if name.endswith(AUTH_SUFFIX):
                await self._pass_through(connection)
            else:
                await self._serve_web(connection)
        except (TimeoutError, NotTls, OSError) as error:
            _log.debug("connection dropped: %s", str(error) or "no ClientHello in time")
            connection.close()
        finally:
            self._open -= 1

    async def _pass_through(self, connection: socket.socket) -> None:
        host, port = self._auth_address()
        try:
            auth = await asyncio.open_connection(host, port)
        except OSError as error:
            _log.warning("the Auth Service at %s:%d cannot be reached: %s", host, port, error)
            connection.close()
            return
        reader, writer = await asyncio.open_connection(sock=connection)
        await relay(Stream(reader, writer), Stream(*auth))

    async def close(self, seconds: float = 0.0) -> None:
        """Accept no more, let connections end within ``seconds``, then cut them."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
        if seconds:
            await self._tasks.drain(seconds)
        await self._tasks.close()


async def _peek_name(connection: socket.socket) -> str:
    """The server name in the ClientHello, which stays in the socket's buffer.

    SO_RCVLOWAT makes the socket readable only when there is more than was seen, so that waiting does
    not spin; it is set back before the connection is handed on.
    """
    needed = 1
    try:
        while True:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, needed)
            await _readable(connection)
            with contextlib.suppress(BlockingIOError):
                data = connection.recv(MAX_HELLO, socket.MSG_PEEK)
                if len(data) < needed:
                    raise NotTls("closed before the ClientHello was complete")
                try:
                    return server_name(data)
                except Incomplete as incomplete:
                    needed = incomplete.needed
            if needed > MAX_HELLO:
                raise NotTls("the ClientHello is too large")
    finally:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(connection, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(connection)
