# SPDX-License-Identifier: Apache-2.0
"""Locks and revocations in force: what they cover, how long, and that changes are announced."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from proctor.auth.document_store import Documents
from proctor.auth.revocation.issued import IssuedCertificate
from proctor.auth.revocation.restrictions import REMOVED_LATELY, Restrictions
from proctor.core.clock import FakeClock, format_time
from proctor.core.errors import AccessDenied, NotFound
from proctor.model.access import DEFAULT_MAX_SESSION_TTL
from proctor.model.identity import HostIdentity, SystemRole, UserIdentity
from proctor.model.rbac.locks import Certificate, Subject
from proctor.model.resources import Lock, LockSpec, LockTarget, Metadata, Role, RoleOptions, RoleSpec
from proctor.storage.base import Backend
from testing.backend import MemoryBackend

HOST = "1048a649-8f3f-4431-9529-0c53339b65a5"
ALICE = UserIdentity(username="alice", roles=("access",), logins=("root",))
NODE = HostIdentity(host_id=HOST, role=SystemRole.NODE)


class Fixture:
    """Restrictions over a store in memory, and a clock."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.backend: Backend = MemoryBackend(self.clock)
        self.documents = Documents(self.backend)
        self.restrictions = self.opened()

    def opened(self) -> Restrictions:
        """As after a restart: nothing is loaded."""
        return Restrictions(self.backend, self.documents, self.clock)

    def certificate(self, serial: int, *, age: float = 0) -> Certificate:
        return Certificate(serial, self.clock.now() - timedelta(seconds=age))

    async def issue(self, serial: int, *, role: SystemRole | None = None) -> None:
        """To alice, or to a service of the host."""
        host = HostIdentity(host_id=HOST, role=role) if role else None
        certificate = IssuedCertificate(serial=serial, user=None if role else ALICE, host=host)
        await self.restrictions.issued.add(certificate, self.clock.now() + timedelta(days=400))


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def a_lock(name: str = "one", *, expires: str = "", **target: str) -> Lock:
    return Lock(
        metadata=Metadata(name=name),
        spec=LockSpec(target=LockTarget(**target), message="audit", expires=expires),
    )


async def test_lock_holds_from_put_to_delete(fixture: Fixture) -> None:
    restrictions, subject = fixture.restrictions, Subject.of(ALICE)
    restrictions.check_lock(subject)
    await restrictions.put(a_lock(user="alice"))
    with pytest.raises(AccessDenied, match='User:"alice" is in force: audit'):
        restrictions.check_lock(subject)
    restrictions.check_lock(Subject(user="bob"))
    await restrictions.delete("one")
    restrictions.check_lock(subject)
    with pytest.raises(NotFound):
        await restrictions.delete("one")


async def test_lock_ends_by_itself_without_being_read_again(fixture: Fixture) -> None:
    restrictions = fixture.restrictions
    ends = format_time(fixture.clock.now() + timedelta(seconds=10))
    await restrictions.put(a_lock(user="alice", expires=ends))
    fixture.clock.advance(9.9)
    assert len(restrictions.locks_in_force()) == 1
    fixture.clock.advance(0.1)
    assert restrictions.locks_in_force() == []
    restrictions.check_lock(Subject.of(ALICE))


async def test_restart_finds_locks_and_revocations(fixture: Fixture) -> None:
    await fixture.issue(7)
    await fixture.issue(8, role=SystemRole.NODE)
    await fixture.restrictions.put(a_lock(login="root"))
    await fixture.restrictions.revoke_user("alice")
    await fixture.restrictions.revoke_host(HOST)
    again = fixture.opened()
    assert not again.is_user_revoked("alice", fixture.certificate(7))
    await again.load()
    assert [lock.metadata.name for lock in again.locks_in_force()] == ["one"]
    assert again.is_user_revoked("alice", fixture.certificate(7))
    assert again.is_host_revoked(NODE, fixture.certificate(8))


async def test_revocation_covers_what_the_user_had_and_nothing_later(fixture: Fixture) -> None:
    restrictions = fixture.restrictions
    await fixture.issue(7)
    await restrictions.revoke_user("alice")
    await fixture.issue(9)  # logged in again in the same second
    assert restrictions.is_user_revoked("alice", fixture.certificate(7))
    assert restrictions.is_user_revoked("alice", fixture.certificate(5, age=60)), "older than serial numbers"
    assert not restrictions.is_user_revoked("alice", fixture.certificate(9))
    assert not restrictions.is_user_revoked("bob", fixture.certificate(7, age=60))


async def test_second_revocation_does_not_replace_the_first(fixture: Fixture) -> None:
    restrictions = fixture.restrictions
    await fixture.issue(7)
    await restrictions.revoke_user("alice")
    fixture.clock.advance(1)
    await fixture.issue(9)
    await restrictions.revoke_user("alice")
    assert len(restrictions.users_in_force()) == 2
    assert restrictions.is_user_revoked("alice", fixture.certificate(7))
    assert restrictions.is_user_revoked("alice", fixture.certificate(9))


@pytest.mark.parametrize("longest", [None, "100h"])
async def test_revocation_is_kept_as_long_as_the_longest_certificate(
    fixture: Fixture, longest: str | None
) -> None:
    seconds = DEFAULT_MAX_SESSION_TTL
    if longest:
        role = Role(
            metadata=Metadata(name="long"), spec=RoleSpec(options=RoleOptions(max_session_ttl=longest))
        )
        await fixture.documents.roles.put(role)
        seconds = 100 * 3600
    await fixture.restrictions.revoke_user("alice")
    fixture.clock.advance(seconds - 1)
    assert fixture.restrictions.users_in_force()
    fixture.clock.advance(1)
    assert fixture.restrictions.users_in_force() == []


async def test_user_revoked_while_a_login_was_under_way(fixture: Fixture) -> None:
    restrictions = fixture.restrictions
    begun = restrictions.version
    assert not restrictions.was_revoked_since("alice", begun)
    await restrictions.revoke_user("alice")
    assert restrictions.was_revoked_since("alice", begun)
    assert not restrictions.was_revoked_since("bob", begun)
    assert not restrictions.was_revoked_since("alice", restrictions.version)


async def test_only_the_node_service_of_a_removed_host_is_revoked(fixture: Fixture) -> None:
    restrictions = fixture.restrictions
    await fixture.issue(1, role=SystemRole.NODE)
    await fixture.issue(2, role=SystemRole.PROXY)
    await restrictions.revoke_host(HOST)
    proxy = HostIdentity(host_id=HOST, role=SystemRole.PROXY)
    assert restrictions.is_host_revoked(NODE, fixture.certificate(1))
    assert not restrictions.is_host_revoked(proxy, fixture.certificate(2))
    assert not restrictions.is_host_revoked(proxy, fixture.certificate(2, age=3600))


async def test_host_is_removed_until_it_joins_again(fixture: Fixture) -> None:
    restrictions = fixture.restrictions
    await fixture.issue(1, role=SystemRole.NODE)
    assert not await restrictions.is_removed(HOST)
    assert not restrictions.has_revoked_host(HOST)
    await restrictions.revoke_host(HOST)
    assert await restrictions.is_removed(HOST)
    assert await restrictions.removed_lately() == [HOST]
    await fixture.issue(2, role=SystemRole.PROXY)
    assert await restrictions.is_removed(HOST), "its proxy service is no node"
    await fixture.issue(3, role=SystemRole.NODE)
    assert not await restrictions.is_removed(HOST)
    assert await restrictions.removed_lately() == []
    assert restrictions.has_revoked_host(HOST)
    assert restrictions.is_host_revoked(NODE, fixture.certificate(1)), "the old certificate stays revoked"
    assert not restrictions.is_host_revoked(NODE, fixture.certificate(3))


async def test_removed_lately_ends_but_the_revocation_stays(fixture: Fixture) -> None:
    await fixture.issue(1, role=SystemRole.NODE)
    await fixture.restrictions.revoke_host(HOST)
    fixture.clock.advance(REMOVED_LATELY.total_seconds())
    assert await fixture.restrictions.removed_lately() == [HOST]
    fixture.clock.advance(1)
    assert await fixture.restrictions.removed_lately() == []
    assert await fixture.restrictions.is_removed(HOST)
    assert fixture.restrictions.is_host_revoked(NODE, fixture.certificate(1))


async def test_each_change_wakes_all_that_wait(fixture: Fixture) -> None:
    restrictions = fixture.restrictions
    version = restrictions.version
    waiting = [asyncio.ensure_future(restrictions.wait(version)) for _ in range(3)]
    done, _ = await asyncio.wait(waiting, timeout=0)
    assert not done
    await restrictions.put(a_lock(user="alice"))
    async with asyncio.timeout(10):
        await asyncio.gather(*waiting)
        await restrictions.wait(version)  # comes late, and does not wait
    assert restrictions.version > version
