# SPDX-License-Identifier: Apache-2.0
"""RPC: locks as documents, the stream of access bundles, and the key revocation list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from proctor.auth.bundles import AccessBundles
from proctor.auth.cluster import Cluster
from proctor.auth.document_store import expiry
from proctor.auth.revocation.callers import HOST_REVOKED, JOIN_AGAIN
from proctor.auth.revocation.revocation_list import revocation_list
from proctor.auth.validation import check_lock
from proctor.core.clock import format_time
from proctor.core.errors import AccessDenied, AlreadyExists, BadRequest, Unauthenticated
from proctor.core.tasks import TaskSet
from proctor.model.events import LockCreated, LockDeleted
from proctor.model.identity import HostIdentity
from proctor.model.resources import Lock
from proctor.model.serde import to_builtins
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.grpc_server import Caller, caller
from proctor.rpc.watch import BEAT_SECONDS

RENEWED_SECONDS = 60.0
"""After which a host gets a bundle although nothing has changed: its time of issue says how old locks are."""

_NEVER = "0001-01-01T00:00:00Z"


class Locks:
    """The methods of AuthService about locks."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._bundles = AccessBundles(
            cluster.authorities,
            cluster.documents,
            cluster.restrictions,
            cluster.clock,
            cluster.settings.locking_mode,
        )

    async def put(self, lock: Lock, *, overwrite: bool) -> Lock:
        """Put a lock in force; it says who has made it, and when."""
        check_lock(lock)
        cluster, name = self._cluster, lock.metadata.name
        existing = await cluster.documents.locks.find(name)
        by = await cluster.authorise("lock", "update" if existing else "create")
        if existing and not overwrite:
            raise AlreadyExists(f"lock {name} exists already", hint="Replace it with: tctl create -f")
        ends = expiry(lock)
        if ends is not None and ends <= cluster.clock.now():
            raise BadRequest("the lock would have expired already", hint="Give a time in the future.")
        spec = msgspec.structs.replace(
            lock.spec, created_at=format_time(cluster.clock.now()), created_by=by.identity.name
        )
        made = msgspec.structs.replace(lock, spec=spec)
        await cluster.restrictions.put(made)
        await cluster.emit(_event(LockCreated, made, by))
        return made

    async def delete(self, name: str) -> None:
        """Lift a lock."""
        by = await self._cluster.authorise("lock", "delete")
        lock = await self._cluster.documents.locks.get(name)
        await self._cluster.restrictions.delete(name)
        await self._cluster.emit(_event(LockDeleted, lock, by))

    async def bundle(self) -> pb.AccessBundle:
        """The access bundle of the calling host. Raises Unauthenticated when it has lost its membership."""
        identity = caller().identity
        if not isinstance(identity, HostIdentity):
            raise AccessDenied("an access bundle is for a host")
        restrictions = self._cluster.restrictions
        if not restrictions.is_host_revoked(identity, caller().certificate):
            return await self._bundles.issue(identity.host_id)
        if await restrictions.is_removed(identity.host_id):
            return self._bundles.issue_to_removed(identity.host_id)
        raise Unauthenticated(HOST_REVOKED, hint=JOIN_AGAIN)

    async def watch(self, requests: AsyncIterator[Any]) -> AsyncIterator[pb.AccessBundle]:
        """The access bundle of the calling host, again and again, until the stream of requests ends."""
        tasks = TaskSet("watch")
        ended = tasks.spawn(_drain(requests), name="requests")
        restrictions, time = self._cluster.restrictions, asyncio.get_running_loop().time
        try:
            while not ended.done():
                version, renewed = restrictions.version, time() + RENEWED_SECONDS
                yield await self.bundle()
                changed = tasks.spawn(restrictions.wait(version), name="changed")
                while not (ended.done() or changed.done()) and time() < renewed:
                    await asyncio.wait(
                        {changed, ended}, timeout=BEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED
                    )
                    if not (ended.done() or changed.done()):
                        yield pb.AccessBundle()
                changed.cancel()
        finally:
            await tasks.close()

    async def revocations(self) -> pb.RevocationList:
        """All revoked and locked certificates, for OpenSSH."""
        cluster = self._cluster
        krl = await revocation_list(cluster.authorities, cluster.restrictions, cluster.clock)
        return pb.RevocationList(krl=krl)


async def _drain(requests: AsyncIterator[Any]) -> None:
    async for _ in requests:
        pass


def _event(kind: type[LockCreated | LockDeleted], lock: Lock, by: Caller) -> LockCreated | LockDeleted:
    event = kind(
        user=by.identity.name,
        name=lock.metadata.name,
        expires=lock.spec.expires or lock.metadata.expires or _NEVER,
        updated_by=by.identity.name,
        addr_remote=by.address,
        target=to_builtins(lock.spec.target),
    )
    if isinstance(event, LockCreated):
        event.message = lock.spec.message
    return event
