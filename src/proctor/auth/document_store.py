# SPDX-License-Identifier: Apache-2.0
"""Typed collections of documents in the backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar

import msgspec

from proctor.auth import hashing
from proctor.core.clock import parse_time
from proctor.core.errors import AlreadyExists, BadRequest, NotFound
from proctor.core.text import all_visible, is_printable
from proctor.model import serde
from proctor.model.resources import KINDS, Lock, Node, Resource, Role, Token, User
from proctor.storage.base import Backend, Item

D = TypeVar("D", bound=Resource)
MAX_NAME = 255
MAX_DOCUMENT = 256 << 10
_FAR = datetime(9000, 1, 1, tzinfo=UTC)


class Collection(Generic[D]):
    """Documents of one kind, by name; ``keyed`` turns a name into its part of the key."""

    def __init__(
        self, backend: Backend, kind: type[D], place: str, *, keyed: Callable[[str], str] = str
    ) -> None:
        self._backend = backend
        self._kind = kind
        self._prefix = f"{place}/"
        self._keyed = keyed
        self.label = kind.__name__.lower()

    def _key(self, name: str) -> str:
        if not name or len(name) > MAX_NAME or not is_printable(name) or "/" in name:
            raise BadRequest(f"{name[:MAX_NAME]!r} is not a name for a {self.label}")
        return self._prefix + self._keyed(name)

    def _decode(self, item: Item) -> D:
        return serde.from_json(item.value, self._kind)

    async def find(self, name: str) -> D | None:
        """The document, or None."""
        item = await self._backend.get(self._key(name))
        return self._decode(item) if item else None

    async def get(self, name: str) -> D:
        """The document; raises NotFound."""
        document = await self.find(name)
        if document is None:
            raise NotFound(f"{self.label} {name} does not exist")
        return document

    async def list(self) -> list[D]:
        """All documents, by name."""
        found = [self._decode(item) for item in await self._backend.range(self._prefix)]
        return sorted(found, key=lambda document: document.metadata.name)

    async def create(self, document: D) -> None:
        """Store a new document; raises AlreadyExists."""
        name = document.metadata.name
        try:
            await self._backend.create(self._key(name), serde.to_json(document), expires=expiry(document))
        except AlreadyExists:
            raise AlreadyExists(f"{self.label} {name} exists already") from None

    async def put(self, document: D) -> None:
        """Store a document, replacing an older one."""
        key = self._key(document.metadata.name)
        await self._backend.put(key, serde.to_json(document), expires=expiry(document))

    async def delete(self, name: str) -> None:
        """Remove a document; raises NotFound."""
        if not await self._backend.delete(self._key(name)):
            raise NotFound(f"{self.label} {name} does not exist")


def expiry(document: Resource) -> datetime | None:
    """When a document is to vanish by itself; raises BadRequest for what is no time."""
    texts = [document.metadata.expires]
    if isinstance(document, User | Lock):
        texts.append(document.spec.expires)
    try:
        moment = min((parse_time(text) for text in texts if text), default=None)
    except (ValueError, OverflowError):
        moment = _FAR
    if moment is not None and moment >= _FAR:
        raise BadRequest("expires is not a usable time", hint="Expected RFC 3339, like 2030-01-01T00:00:00Z.")
    return moment


class Documents:
    """All collections of a cluster."""

    def __init__(self, backend: Backend) -> None:
        self.roles = Collection(backend, Role, "roles")
        self.users = Collection(backend, User, "users")
        # The name of a token is the secret: how long a look-up takes must not depend on it.
        self.tokens = Collection(backend, Token, "tokens", keyed=hashing.digest)
        self.locks = Collection(backend, Lock, "locks")
        self.nodes = Collection(backend, Node, "nodes")
        self.proxies = Collection(backend, Node, "proxies")

    async def roles_named(self, names: Sequence[str]) -> list[Role]:
        """The roles of these names; those that do not exist (any more) grant nothing."""
        found = [await self.roles.find(name) for name in names]
        return [role for role in found if role is not None]


def parse(data: bytes) -> Resource:
    """A document of any known kind from JSON; raises BadRequest that names the field."""
    if len(data) > MAX_DOCUMENT:
        raise BadRequest(f"a document has at most {MAX_DOCUMENT >> 10} KiB")
    try:
        plain = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"not JSON: {error}") from None
    kind = plain.get("kind") if isinstance(plain, dict) else None
    if not all_visible(plain):
        raise BadRequest("a document has a text with characters that are not printable")
    if not isinstance(kind, str) or kind not in KINDS:
        raise BadRequest(f"unknown kind {str(kind)[:MAX_NAME]!r}", hint=f"Known kinds: {', '.join(KINDS)}.")
    try:
        return serde.convert(plain, KINDS[kind])
    except msgspec.ValidationError as error:
        raise BadRequest(f"{kind}: {error}") from None
