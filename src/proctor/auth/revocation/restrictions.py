# SPDX-License-Identifier: Apache-2.0
"""Locks, revocations and removed hosts as they are in force, in memory; changes are pushed to all hosts."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta

from proctor.auth.document_store import Documents
from proctor.auth.revocation.issued import IssuedCertificates
from proctor.core.clock import Clock, parse_time
from proctor.core.errors import AccessDenied
from proctor.model.access import DEFAULT_MAX_SESSION_TTL, session_options
from proctor.model.identity import HostIdentity, SystemRole
from proctor.model.rbac.locks import (
    Certificate,
    Revocation,
    Subject,
    describe,
    find_lock,
    in_force,
    is_revoked,
    revoke,
)
from proctor.model.resources import Lock
from proctor.model.serde import from_json, to_json
from proctor.storage.base import Backend

REMOVED_LATELY = timedelta(days=1)
"""How long proxies cut connections to a host that was removed."""

LONGEST_HOST = timedelta(days=3650)
_USERS, _HOSTS = "revocations/users/", "revocations/hosts/"


class Restrictions:
    """Belongs to one event loop. ``version`` grows with each change, also of roles."""

    def __init__(self, backend: Backend, documents: Documents, clock: Clock) -> None:
        self.version = 0
        self.locks: list[Lock] = []
        self.users: list[Revocation] = []
        self.hosts: list[Revocation] = []
        self.issued = IssuedCertificates(backend)
        self._backend = backend
        self._documents = documents
        self._clock = clock
        self._changed = asyncio.Event()
        self._loading = asyncio.Lock()
        self._revoked_at: dict[str, int] = {}
        self._of_user: dict[str, list[Revocation]] = {}

    async def load(self) -> None:
        """Read everything again, and let all hosts know."""
        async with self._loading:  # what is read later must not be replaced by what was read before
            self.locks = await self._documents.locks.list()
            self.users = [from_json(item.value, Revocation) for item in await self._backend.range(_USERS)]
            self.hosts = [from_json(item.value, Revocation) for item in await self._backend.range(_HOSTS)]
        self._of_user = defaultdict(list)
        for each in self.users:
            self._of_user[each.holder].append(each)
        self.changed()

    def changed(self) -> None:
        """Roles, locks or revocations are others than before."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, version: int) -> None:
        """Return when there is another version than ``version``."""
        while self.version == version:
            await self._changed.wait()

    async def put(self, lock: Lock) -> None:
        """Put a lock in force."""
        await self._documents.locks.put(lock)
        await self.load()

    async def delete(self, name: str) -> None:
        """Lift a lock. Raises NotFound."""
        await self._documents.locks.delete(name)
        await self.load()

    def locks_in_force(self) -> list[Lock]:
        """Those that have not expired."""
        now = self._clock.now()
        return [lock for lock in self.locks if in_force(lock, now)]

    def check_lock(self, subject: Subject) -> None:
        """Raise AccessDenied when ``subject`` is locked."""
        if lock := find_lock(self.locks, subject, self._clock.now()):
            raise AccessDenied(describe(lock))

    async def revoke_user(self, name: str) -> None:
        """Revoke all certificates that a user has been given up to now."""
        self._revoked_at[name] = self.version + 1  # before others are looked for: see Logins.certify
        serials = [each.serial for each in await self.issued.of_user(name)]
        now = self._clock.now()
        roles = await self._documents.roles.list()
        longest = max((session_options([role]).max_session_ttl for role in roles), default=0)
        expires = now + timedelta(seconds=max(longest, DEFAULT_MAX_SESSION_TTL))
        await self._keep(_USERS, revoke(name, serials, now, expires))

    async def revoke_host(self, host_id: str) -> None:
        """Revoke the certificates of the node service of a host: it must join again."""
        issued = await self.issued.of_host(host_id)
        serials = [each.serial for each in issued if each.is_node]
        now = self._clock.now()
        await self._keep(_HOSTS, revoke(host_id, serials, now, now + LONGEST_HOST))

    async def _keep(self, place: str, revocation: Revocation) -> None:
        """Store a revocation beside earlier ones of the same holder."""
        key = f"{place}{revocation.holder}/{int(self._clock.now().timestamp() * 1e6)}"
        await self._backend.put(key, to_json(revocation), expires=parse_time(revocation.expires))
        await self.load()

    def users_in_force(self) -> list[Revocation]:
        """Revocations of users whose certificates might still be valid."""
        now = self._clock.now()
        return [each for each in self.users if now < parse_time(each.expires)]

    def is_user_revoked(self, name: str, certificate: Certificate) -> bool:
        """Is a certificate of the user ``name`` revoked? Asked for each call: it is looked up by the name."""
        return is_revoked(self._of_user.get(name, ()), name, certificate)

    def was_revoked_since(self, name: str, version: int) -> bool:
        """Were the certificates of user ``name`` revoked after ``version``?"""
        return self._revoked_at.get(name, version) > version

    def is_host_revoked(self, identity: HostIdentity, certificate: Certificate) -> bool:
        """Is a certificate of a node revoked? Those of other services of its host are not."""
        return identity.role is SystemRole.NODE and is_revoked(self.hosts, identity.host_id, certificate)

    async def removed_lately(self) -> list[str]:
        """Ids of hosts that were removed lately and have not joined again."""
        since = self._clock.now() - REMOVED_LATELY
        recent = {each.holder for each in self.hosts if parse_time(each.before) >= since}
        return [host_id for host_id in sorted(recent) if await self.is_removed(host_id)]

    async def is_removed(self, host_id: str) -> bool:
        """Was the host removed, and has it not joined again?"""
        revoked = [each for each in self.hosts if each.holder == host_id]
        serials = {serial for each in revoked for serial in each.serials}
        return bool(revoked) and all(
            each.serial in serials for each in await self.issued.of_host(host_id) if each.is_node
        )

    def has_revoked_host(self, host_id: str) -> bool:
        """Was the host ever removed?"""
        return any(each.holder == host_id for each in self.hosts)
