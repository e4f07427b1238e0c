# SPDX-License-Identifier: Apache-2.0
"""Join tokens: made, listed, revoked, and checked when a host wants to join."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from proctor.auth import hashing
from proctor.auth.document_store import Documents, expiry
from proctor.auth.settings import StaticToken
from proctor.auth.validation import check_token
from proctor.core.clock import Clock, format_time
from proctor.core.errors import AccessDenied, BadRequest, NotFound
from proctor.core.text import escaped
from proctor.model import serde
from proctor.model.identity import SystemRole
from proctor.model.resources import Metadata, Token, TokenSpec
from proctor.storage.base import Backend

DEFAULT_TTL, MAX_TTL = 1800, 48 * 3600
MIN_LENGTH = 8
LONGEST_ROLE = 32
JOINABLE = frozenset({SystemRole.NODE.value, SystemRole.PROXY.value})
REMEMBERED = timedelta(days=30)
"""How long a token that is gone is remembered, so that its refusal can say why."""


class _Tombstone(msgspec.Struct, frozen=True):
    revoked: bool


class Tokens:
    """The tokens of a cluster, static ones from the configuration included."""

    def __init__(
        self, backend: Backend, documents: Documents, static: Sequence[StaticToken], clock: Clock
    ) -> None:
        self._backend = backend
        self._documents = documents
        self._static = static
        self._clock = clock

    async def create(self, roles: Sequence[str], ttl: int, value: str) -> Token:
        """A new token; raises BadRequest for unknown roles, a long ttl, a short value; AlreadyExists."""
        value = value or hashing.new_token()
        _check(roles, value)
        if not 0 <= ttl <= MAX_TTL:
            raise BadRequest(f"a token may live at most {MAX_TTL // 3600}h")
        expires = self._clock.now() + timedelta(seconds=ttl or DEFAULT_TTL)
        metadata = Metadata(name=value, expires=format_time(expires))
        token = Token(metadata=metadata, spec=TokenSpec(roles=list(dict.fromkeys(roles))))
        await self._store(token)
        return token

    async def adopt(self, token: Token) -> None:
        """Keep a token given as a document, under the rules of ``create``.

        One of a join method that is not offered is kept as well, but nothing can join with it.
        """
        check_token(token)
        if usable_roles(token):
            _check_length(token.metadata.name)
        ends = expiry(token)
        if ends is not None and ends <= self._clock.now():
            raise BadRequest("metadata.expires is in the past")
        await self._store(token)

    async def _store(self, token: Token) -> None:
        await self._documents.tokens.create(token)
        await self._remember(token.metadata.name, revoked=False, until=expiry(token))

    async def _remember(self, value: str, *, revoked: bool, until: datetime | None = None) -> None:
        expires = (until or self._clock.now()) + REMEMBERED
        await self._backend.put(_grave_key(value), serde.to_json(_Tombstone(revoked)), expires=expires)

    async def revoke(self, value: str) -> None:
        """Make a token worthless; raises NotFound, BadRequest for a static one."""
        if self._find_static(value) is not None:
            raise BadRequest(
                "this token comes from the configuration file",
                hint="Remove it from auth_service.tokens and restart.",
            )
        await self._documents.tokens.delete(value)
        await self._remember(value, revoked=True)

    async def list(self) -> list[Token]:
        """Tokens that work now; static ones have no expiry."""
        static = [_document(token) for token in self._static if token.listed]
        return static + await self._documents.tokens.list()

    async def check(self, value: str, role: str) -> TokenSpec:
        """May the holder of ``value`` join as ``role``? What the token grants; AccessDenied says why not."""
        grant = await self._grant_of(value)
        if role not in grant.roles or role not in JOINABLE:
            raise AccessDenied(
                f"the token does not allow the role {escaped(role[:LONGEST_ROLE])}",
                hint=f"It allows: {', '.join(sorted(grant.roles))}. Make another: tctl nodes add --roles=…",
            )
        return grant

    def is_local(self, value: str) -> bool:
        """Is this the token that only services of the auth service's own host know?"""
        static = self._find_static(value)
        return static is not None and not static.listed

    async def _grant_of(self, value: str) -> TokenSpec:
        if (static := self._find_static(value)) is not None:
            return _document(static).spec
        try:
            token = await self._documents.tokens.find(value)
        except BadRequest:
            token = None
        if token is not None and hmac.compare_digest(token.metadata.name.encode(), value.encode()):
            # The name of a token is its secret with the method "token" only: others have guessable names.
            if token.spec.method != "token":
                raise AccessDenied(f"the join method {token.spec.method} of the token is not offered")
            return msgspec.structs.replace(token.spec, roles=sorted(usable_roles(token)))
        raise await self._why_not(value)

    def _find_static(self, value: str) -> StaticToken | None:
        fitting = [t for t in self._static if hmac.compare_digest(t.value.encode(), value.encode())]
        return fitting[0] if fitting else None

    async def _why_not(self, value: str) -> AccessDenied:
        hint = "Make a new one on the Auth Service host: tctl nodes add"
        item = await self._backend.get(_grave_key(value))
        if item is None:
            return AccessDenied("the token is not known", hint=hint)
        revoked = serde.from_json(item.value, _Tombstone).revoked
        return AccessDenied("the token was revoked" if revoked else "the token has expired", hint=hint)

    async def describe(self, value: str) -> Token:
        """The document of a token; raises NotFound."""
        static = self._find_static(value)
        if static is not None and static.listed:
            return _document(static)
        token = await self._documents.tokens.find(value)
        if token is None:
            raise NotFound(f"token {hashing.masked(value)} does not exist")
        return token


def _document(token: StaticToken) -> Token:
    return Token(metadata=Metadata(name=token.value), spec=TokenSpec(roles=sorted(token.roles)))


def _check(roles: Sequence[str], value: str) -> None:
    unknown = sorted(set(roles) - JOINABLE)
    if unknown or not roles:
        what = f"unknown role {unknown[0]!r}" if unknown else "no role given"
        raise BadRequest(f"{what} for a token", hint=f"Roles that join: {', '.join(sorted(JOINABLE))}.")
    _check_length(value)


def usable_roles(token: Token) -> frozenset[str]:
    """The roles that hosts can join with by the name of ``token``."""
    if token.spec.method != "token":
        return frozenset()
    return frozenset(role.lower() for role in token.spec.roles) & JOINABLE


def _check_length(value: str) -> None:
    if len(value) < MIN_LENGTH:
        raise BadRequest(f"a token has at least {MIN_LENGTH} characters")


def _grave_key(value: str) -> str:
    return f"graves/{hashing.digest(value)}"
