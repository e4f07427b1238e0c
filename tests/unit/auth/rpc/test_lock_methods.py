# SPDX-License-Identifier: Apache-2.0
"""Methods about locks: who may put and lift them, what is logged, and which bundle a host gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from proctor.auth.ca import CertificateAuthorities
from proctor.auth.cluster import Cluster
from proctor.auth.document_store import Documents
from proctor.auth.revocation.issued import IssuedCertificate
from proctor.auth.revocation.restrictions import Restrictions
from proctor.auth.rpc.lock_methods import Locks
from proctor.auth.settings import AuthSettings
from proctor.core.clock import FakeClock, format_time
from proctor.core.errors import AccessDenied, AlreadyExists, BadRequest, NotFound, Unauthenticated
from proctor.model.bundle import AccessBundle
from proctor.model.event import Event
from proctor.model.events import LockCreated, LockDeleted
from proctor.model.identity import Anonymous, HostIdentity, Identity, SystemRole, UserIdentity
from proctor.model.rbac.locks import Certificate
from proctor.model.resources import Lock, LockSpec, LockTarget, Metadata
from proctor.model.serde import from_json
from proctor.rpc import grpc_server
from proctor.rpc.grpc_server import Caller
from testing.backend import MemoryBackend

HOST = "1048a649-8f3f-4431-9529-0c53339b65a5"
ADMIN = HostIdentity(host_id=HOST, role=SystemRole.ADMIN, cluster="purple")
NODE = HostIdentity(host_id=HOST, role=SystemRole.NODE, cluster="purple")
ALICE = UserIdentity(username="alice", roles=("access",), logins=("root",))


class Fixture:
    """The parts of a cluster that these methods use, in memory."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.backend = MemoryBackend(self.clock)
        self.documents = Documents(self.backend)
        self.restrictions = Restrictions(self.backend, self.documents, self.clock)
        self.events: list[Event] = []

    async def open(self) -> None:
        self.authorities = await CertificateAuthorities.open(self.backend, "purple", self.clock)
        settings = AuthSettings(
            cluster_name="purple",
            host_uuid=HOST,
            listen_address="",
            own_identity=Path(),
            admin_identity=Path(),
            locking_mode="strict",
        )
        parts: dict[str, Any] = dict.fromkeys(Cluster.__dataclass_fields__)
        parts |= {
            "settings": settings,
            "documents": self.documents,
            "authorities": self.authorities,
            "restrictions": self.restrictions,
            "log": self,
            "clock": self.clock,
        }
        self.locks = Locks(Cluster(**parts))

    def append_own(self, event: Event) -> None:
        self.events.append(event)

    def caller(self, identity: Identity, serial: int = 1) -> None:
        """Calls that follow are made by ``identity``."""
        certificate = Certificate(serial, self.clock.now())
        grpc_server._current.set(Caller(identity, "192.0.2.7:50000", certificate))

    async def issue(self, serial: int) -> None:
        """To the node."""
        certificate = IssuedCertificate(serial=serial, host=NODE)
        await self.restrictions.issued.add(certificate, self.clock.now() + timedelta(days=1))

    async def bundle(self) -> AccessBundle:
        return from_json((await self.locks.bundle()).json, AccessBundle)


@pytest.fixture
async def fixture() -> Fixture:
    fixture = Fixture()
    await fixture.open()
    return fixture


def a_lock(name: str = "one", *, expires: str = "", **target: str) -> Lock:
    spec = LockSpec(target=LockTarget(**(target or {"user": "bob"})), message="audit", expires=expires)
    return Lock(metadata=Metadata(name=name), spec=spec)


async def test_lock_says_who_has_made_it_and_is_logged(fixture: Fixture) -> None:
    fixture.caller(ADMIN)
    made = await fixture.locks.put(a_lock(), overwrite=False)
    assert (made.spec.created_by, made.spec.created_at) == (f"{HOST}.purple", "2023-07-04T16:42:20Z")
    assert fixture.restrictions.locks_in_force() == [made]
    (event,) = fixture.events
    assert isinstance(event, LockCreated)
    assert (event.name, event.target, event.message) == ("one", {"user": "bob"}, "audit")
    assert event.addr_remote == "192.0.2.7:50000"


async def test_lock_is_replaced_only_when_that_is_wanted(fixture: Fixture) -> None:
    fixture.caller(ADMIN)
    await fixture.locks.put(a_lock(), overwrite=False)
    with pytest.raises(AlreadyExists):
        await fixture.locks.put(a_lock(user="carol"), overwrite=False)
    assert [lock.spec.target.user for lock in fixture.restrictions.locks] == ["bob"]
    await fixture.locks.put(a_lock(user="carol"), overwrite=True)
    assert [lock.spec.target.user for lock in fixture.restrictions.locks] == ["carol"]
    assert len(fixture.events) == 2


@pytest.mark.parametrize("identity", [ALICE, NODE])
async def test_who_may_not_lock_changes_and_logs_nothing(fixture: Fixture, identity: Identity) -> None:
    fixture.caller(ADMIN)
    await fixture.locks.put(a_lock(), overwrite=False)
    fixture.caller(identity)
    with pytest.raises(AccessDenied):
        await fixture.locks.put(a_lock("two"), overwrite=False)
    with pytest.raises(AccessDenied):
        await fixture.locks.put(a_lock(user="carol"), overwrite=True)
    with pytest.raises(AccessDenied):
        await fixture.locks.delete("one")
    assert [lock.spec.target.user for lock in fixture.restrictions.locks] == ["bob"]
    assert len(fixture.events) == 1


@pytest.mark.parametrize("seconds", [0, -1])
async def test_lock_that_has_expired_is_refused(fixture: Fixture, seconds: float) -> None:
    fixture.caller(ADMIN)
    expires = format_time(fixture.clock.now() + timedelta(seconds=seconds))
    with pytest.raises(BadRequest, match="expired"):
        await fixture.locks.put(a_lock(expires=expires), overwrite=False)
    assert not fixture.events


async def test_lock_without_a_target_is_refused(fixture: Fixture) -> None:
    fixture.caller(ADMIN)
    with pytest.raises(BadRequest):
        await fixture.locks.put(
            Lock(metadata=Metadata(name="one"), spec=LockSpec(target=LockTarget())), overwrite=False
        )


async def test_lifted_lock_is_logged_once(fixture: Fixture) -> None:
    fixture.caller(ADMIN)
    await fixture.locks.put(a_lock(), overwrite=False)
    await fixture.locks.delete("one")
    assert [type(event) for event in fixture.events] == [LockCreated, LockDeleted]
    assert fixture.restrictions.locks == []
    with pytest.raises(NotFound):
        await fixture.locks.delete("one")
    assert len(fixture.events) == 2


async def test_bundle_has_the_locks_and_the_mode(fixture: Fixture) -> None:
    fixture.caller(ADMIN)
    await fixture.locks.put(a_lock(), overwrite=False)
    fixture.caller(NODE)
    bundle = await fixture.bundle()
    assert (bundle.host_id, bundle.cluster, bundle.locking_mode) == (HOST, "purple", "strict")
    assert [lock.metadata.name for lock in bundle.locks] == ["one"]


@pytest.mark.parametrize("identity", [ALICE, Anonymous()])
async def test_bundle_is_for_hosts(fixture: Fixture, identity: Identity) -> None:
    fixture.caller(identity)
    with pytest.raises(AccessDenied):
        await fixture.locks.bundle()


async def test_removed_host_learns_no_more_than_that(fixture: Fixture) -> None:
    fixture.caller(ADMIN)
    await fixture.locks.put(a_lock(), overwrite=False)
    await fixture.issue(1)
    await fixture.restrictions.revoke_host(HOST)
    fixture.caller(NODE)
    bundle = await fixture.bundle()
    assert (bundle.removed_hosts, bundle.locks, bundle.roles) == ([HOST], [], [])


async def test_old_certificate_of_a_host_that_has_joined_again_gets_nothing(fixture: Fixture) -> None:
    await fixture.issue(1)
    await fixture.restrictions.revoke_host(HOST)
    await fixture.issue(2)
    fixture.caller(NODE, serial=1)
    with pytest.raises(Unauthenticated):
        await fixture.locks.bundle()
    fixture.caller(NODE, serial=2)
    assert (await fixture.bundle()).removed_hosts == []


async def test_watch_pushes_changes_until_the_requests_end(fixture: Fixture) -> None:
    end = asyncio.Event()

    async def requests() -> AsyncIterator[Any]:
        await end.wait()
        return
        yield

    fixture.caller(NODE)
    found: list[AccessBundle] = []
    async with asyncio.timeout(20):
        async for message in fixture.locks.watch(requests()):
            if not message.json:
                continue  # a sign of life
            found.append(from_json(message.json, AccessBundle))
            if len(found) == 3:
                end.set()
            else:
                await fixture.restrictions.put(a_lock(f"number {len(found)}"))
    assert [len(bundle.locks) for bundle in found] == [0, 1, 2]


async def test_revocation_list_is_one(fixture: Fixture) -> None:
    assert (await fixture.locks.revocations()).krl.startswith(b"SSHKRL\n\0")
