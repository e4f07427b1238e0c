# SPDX-License-Identifier: Apache-2.0
"""Middleware of every request: same origin, a bounded body, security headers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders

from proctor.proxy.web.error_responses import answer

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

MAX_BODY = 64 * 1024
BODY_SECONDS = 15.0
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


class SecurityMiddleware:
    """The outermost layer around ``app``."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            return

        async def hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if refusal := _foreign(scope["method"], Headers(raw=scope["headers"])):
            await answer(403, refusal)(scope, receive, hardened)
            return
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(receive)
        except TimeoutError:
            await answer(408, "the request took too long to arrive")(scope, receive, hardened)
        except _TooLargeError:
            await answer(413, f"a request has at most {MAX_BODY} bytes")(scope, receive, hardened)
        else:
            await self._app(scope, _replay(body, receive), hardened)


class _TooLargeError(Exception):
    """A body of more than MAX_BODY bytes."""


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > MAX_BODY:
            raise _TooLargeError
        if not message.get("more_body", False):
            return body


def _replay(body: bytes, receive: Receive) -> Receive:
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return first.pop() if first else await receive()

    return replayed


def _foreign(method: str, headers: Headers) -> str:
    """Why a request that changes something is not taken from this sender; empty when it may be.

    Browsers say where a request comes from and let no foreign page send JSON; ``tsh`` sends no Origin.
    """
    if method in SAFE_METHODS:
        return ""
    origin = headers.get("origin")
    site = headers.get("sec-fetch-site", "same-origin")
    if site not in {"same-origin", "none"} or (
        origin is not None and origin != f"https://{headers.get('host')}"
    ):
        return "requests from other sites are not accepted"
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if method != "DELETE" and media_type != "application/json":
        return "the body must be application/json"
    return ""
