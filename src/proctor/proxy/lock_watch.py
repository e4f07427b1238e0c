# SPDX-License-Identifier: Apache-2.0
"""Locks and revocations as the proxy knows them, pushed by the auth service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from proctor.core.clock import SYSTEM, Clock
from proctor.core.errors import ProctorError
from proctor.model.bundle import AccessBundle
from proctor.model.identity import UserIdentity
from proctor.model.rbac.locks import (
    OUTDATED,
    REVOKED,
    Certificate,
    Subject,
    describe,
    find_lock,
    is_revoked,
)
from proctor.model.serde import from_json
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.auth_client import Client
from proctor.rpc.watch import STALE_SECONDS, BundleWatch

LIST_SECONDS = 5.0
"""How long a key revocation list is given out again: locks that have expired stay on it for this time."""


class ProxyLocks:
    """``changed`` is called when something may have been locked or revoked; it says no more than that."""

    def __init__(self, connect: Callable[[], Client], host_id: str, name: str, clock: Clock = SYSTEM) -> None:
        self._connect = connect
        self._host_id = host_id
        self._name = name
        self._clock = clock
        self._bundle: AccessBundle | None = None
        self._watch = BundleWatch(connect, self._take, self._outdated, clock)
        self._list = RevocationList(connect, clock)
        self.changed: Callable[[], None] = lambda: None

    async def run(self) -> None:
        """Follow what the auth service says until cancelled."""
        await self._watch.run()

    async def _take(self, message: pb.AccessBundle) -> None:
        before, self._bundle = self._bundle, from_json(message.json, AccessBundle)
        if before is None or self._bundle.says_more_than(before):
            self._list.forget()
            self.changed()

    def _outdated(self) -> None:
        self.changed()

    def refusal(self, user: UserIdentity, certificate: Certificate, login: str = "") -> str:
        """Why ``user`` may not use this proxy (any more); empty when they may."""
        bundle = self._bundle
        if bundle is None:
            return ""
        if is_revoked(bundle.revocations, user.username, certificate):
            return REVOKED
        subject = Subject.of(user, login=login, server_id=self._host_id, node_name=self._name)
        if lock := find_lock(bundle.locks, subject, self._clock.now()):
            return describe(lock)
        roles = [role for role in bundle.roles if role.metadata.name in user.roles]
        return OUTDATED if self._watch.stale and bundle.is_strict(roles) else ""

    def refusal_of_node(self, user: UserIdentity, certificate: Certificate, node: tuple[str, str]) -> str:
        """Why ``user`` may not be connected to a node (its id and name); empty when they may."""
        if self._bundle is None:
            return ""
        subject = Subject.of(user, server_id=node[0], node_name=node[1])
        return self._bundle.refusal(subject, certificate, self._clock.now())

    async def revocation_list(self) -> bytes:
        """The cluster's key revocation list. Raises Unavailable."""
        return await self._list.current()


class RevocationList:
    """The list as it was fetched last; anybody may ask for it, so that not each asks the auth service."""

    def __init__(self, connect: Callable[[], Client], clock: Clock) -> None:
        self._connect = connect
        self._clock = clock
        self._content = b""
        self._fetched = 0.0
        self._fresh = False
        self._fetching = asyncio.Lock()

    def forget(self) -> None:
        """Something has been locked or revoked."""
        self._fresh = False

    async def current(self) -> bytes:
        """The list; one that is somewhat older when the auth service cannot be asked. Raises Unavailable."""
        async with self._fetching:
            age = self._clock.monotonic() - self._fetched
            if self._fresh and age < LIST_SECONDS:
                return self._content
            self._fresh = True  # what is revoked from now on may not be on it
            try:
                client = self._connect()
                answer = await client.call(client.auth.GetRevocationList, pb.GetRevocationListRequest())
            except ProctorError:
                self._fresh = False
                if not self._content or age > STALE_SECONDS:
                    raise
                return self._content
            self._content, self._fetched = answer.krl, self._clock.monotonic()
            return self._content
