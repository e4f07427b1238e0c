# SPDX-License-Identifier: Apache-2.0
"""HTTPS on connections that were accepted elsewhere: uvicorn's protocol without uvicorn's server."""

from __future__ import annotations

import asyncio
import socket
import ssl

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from proctor.proxy.web.middleware import App

HANDSHAKE_SECONDS = 10.0
REQUEST_SECONDS = 30.0
"""Time in which a connection must have sent the head of its next request."""

_SHUTDOWN_SECONDS = 2.0
_MAX_HEAD = 32 * 1024


class _Connection(H11Protocol):
    """One connection; ``closed`` resolves with its end. Clients that dawdle over a request are cut."""

    def __init__(self, config: uvicorn.Config, state: ServerState, request_seconds: float) -> None:
        super().__init__(config=config, server_state=state, app_state={})
        self._request_seconds = request_seconds
        self.closed: asyncio.Future[None] = self.loop.create_future()
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect the first request."""
        super().connection_made(transport)
        self._expect_request()

    def on_response_complete(self) -> None:
        """Expect the next request."""
        super().on_response_complete()
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits for the end."""
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)
        if not self.closed.done():
            self.closed.set_result(None)

    def _expect_request(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(self._request_seconds, self._cut, self.cycle)

    def _cut(self, last: RequestResponseCycle | None) -> None:
        if self.cycle is last:
            self.transport.abort()


class HttpsServer:
    """Serves ``app`` on sockets handed to it."""

    def __init__(
        self, app: App, context: ssl.SSLContext, *, request_seconds: float = REQUEST_SECONDS
    ) -> None:
        self._context = context
        self._request_seconds = request_seconds
        self._state = ServerState()
        self._config = uvicorn.Config(
            app,
            http=H11Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=int(request_seconds),
            h11_max_incomplete_event_size=_MAX_HEAD,
        )
        self._config.load()

    async def serve(self, connection: socket.socket) -> None:
        """Serve one accepted connection to its end. Raises OSError when the TLS handshake fails."""
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.connect_accepted_socket(
            lambda: _Connection(self._config, self._state, self._request_seconds),
            connection,
            ssl=self._context,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=_SHUTDOWN_SECONDS,
        )
        try:
            await protocol.closed
        finally:
            if not transport.is_closing():
                transport.abort()

    def drain(self) -> None:
        """Close idle connections; others close after the request under way."""
        for connection in list(self._state.connections):
            connection.shutdown()
