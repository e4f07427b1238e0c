# SPDX-License-Identifier: Apache-2.0
"""People logged in on the web page: their certificates stay here, the browser holds a random cookie."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from proctor.core.clock import Clock
from proctor.core.errors import AccessDenied, Unauthenticated
from proctor.model.identity import UserIdentity
from proctor.model.rbac.locks import Certificate
from proctor.rpc.auth_client import Client
from proctor.rpc.identity_files import Credentials
from proctor.sshkit.certs import certificate_of, read_user_certificate

MAX_SESSIONS = 1000
MAX_PER_USER = 20
_TOKEN_BYTES = 32


@dataclass
class WebSession:
    """One login. ``client`` calls the auth service with the person's own certificate."""

    key: bytes
    identity: UserIdentity
    csrf_token: str = field(repr=False)
    certificate: Certificate
    expires: datetime
    credentials: Credentials = field(repr=False)
    client: Client
    last_seen: float

    def check_csrf(self, token: str) -> None:
        """Raises AccessDenied unless ``token`` is the one that this session's page was given."""
        if not hmac.compare_digest(token.encode(), self.csrf_token.encode()):
            raise AccessDenied(
                "the request does not come from the page of this session",
                hint="Reload the page and try again.",
            )


class Sessions:
    """All web sessions, bounded in number: the one longest unused is dropped for a new one.

    ``connect`` makes a client with a person's credentials. ``idle_seconds`` without activity end a session
    (0: only its certificate's end does).
    """

    def __init__(
        self, connect: Callable[[Credentials], Client], clock: Clock, *, idle_seconds: int = 0
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._sessions: OrderedDict[bytes, WebSession] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    async def open(self, credentials: Credentials, expires: datetime) -> tuple[str, WebSession]:
        """A session for the holder of ``credentials``, and the cookie's value."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        user = read_user_certificate(credentials.ssh_certificate.decode())
        await self._drop_oldest(user.identity.username)
        session = WebSession(
            key=_digest(token),
            identity=user.identity,
            certificate=certificate_of(user),
            csrf_token=secrets.token_urlsafe(_TOKEN_BYTES),
            expires=expires,
            credentials=credentials,
            client=self._connect(credentials),
            last_seen=self._clock.monotonic(),
        )
        self._sessions[session.key] = session
        return token, session

    def saved(self) -> list[dict[str, Any]]:
        """All sessions for a process that goes on with them; holds private keys, never log it."""
        now = self._clock.monotonic()
        return [
            {
                "key": session.key.hex(),
                "csrf_token": session.csrf_token,
                "expires": session.expires.isoformat(),
                "idle": now - session.last_seen,
                "credentials": session.credentials.to_texts(),
            }
            for session in self._sessions.values()
        ]

    def restore(self, saved: Sequence[Mapping[str, Any]]) -> None:
        """Go on with the sessions of another process. Raises Corrupted."""
        for entry in saved:
            credentials = Credentials.from_texts(entry["credentials"])
            user = read_user_certificate(credentials.ssh_certificate.decode())
            session = WebSession(
                key=bytes.fromhex(entry["key"]),
                identity=user.identity,
                certificate=certificate_of(user),
                csrf_token=entry["csrf_token"],
                expires=datetime.fromisoformat(entry["expires"]),
                credentials=credentials,
                client=self._connect(credentials),
                last_seen=self._clock.monotonic() - entry["idle"],
            )
            self._sessions[session.key] = session

    async def _drop_oldest(self, username: str) -> None:
        own = [session for session in self._sessions.values() if session.identity.username == username]
        if len(own) >= MAX_PER_USER:
            await self.end(own[0])
        if len(self._sessions) >= MAX_SESSIONS:
            await self.end(next(iter(self._sessions.values())))

    def find(self, token: str, *, active: bool = True) -> WebSession:
        """The session of a cookie; ``active``: a person did something. Raises Unauthenticated."""
        session = self._sessions.get(_digest(token))
        if session is None:
            raise Unauthenticated("you are not logged in", hint="Log in first.")
        if self._over(session):
            raise Unauthenticated("your session has ended", hint="Log in again.")
        if active:
            session.last_seen = self._clock.monotonic()
            self._sessions.move_to_end(session.key)
        return session

    def _over(self, session: WebSession) -> bool:
        idle = self._clock.monotonic() - session.last_seen
        return self._clock.now() >= session.expires or 0 < self._idle_seconds <= idle

    async def end(self, session: WebSession) -> None:
        """Forget a session and its keys."""
        if self._sessions.pop(session.key, None) is not None:
            await session.client.close()

    async def sweep(self) -> None:
        """Forget the sessions that are over."""
        for session in [session for session in self._sessions.values() if self._over(session)]:
            await self.end(session)

    async def end_refused(self, refusal: Callable[[UserIdentity, Certificate], str]) -> None:
        """Forget the sessions of people whom ``refusal`` gives a reason for."""
        for session in list(self._sessions.values()):
            if refusal(session.identity, session.certificate):
                await self.end(session)

    async def close(self) -> None:
        """Forget all."""
        for session in list(self._sessions.values()):
            await self.end(session)


def _digest(token: str) -> bytes:
    """Return the stored form of a cookie: neither memory nor the time of a look-up gives the cookie away."""
    return hashlib.sha256(token.encode()).digest()
