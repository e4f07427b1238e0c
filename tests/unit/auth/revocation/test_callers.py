# SPDX-License-Identifier: Apache-2.0
"""What locked and revoked callers of the auth service may still call."""

from __future__ import annotations

from datetime import timedelta

import pytest

from proctor.auth.document_store import Documents
from proctor.auth.revocation.callers import Admission
from proctor.auth.revocation.issued import IssuedCertificate
from proctor.auth.revocation.restrictions import Restrictions
from proctor.core.clock import FakeClock
from proctor.core.errors import AccessDenied, Unauthenticated
from proctor.model.identity import Anonymous, HostIdentity, Identity, SystemRole, UserIdentity
from proctor.model.rbac.locks import Certificate
from proctor.model.resources import Lock, LockSpec, LockTarget, Metadata
from proctor.rpc.grpc_server import Caller
from testing.backend import MemoryBackend

HOST = "1048a649-8f3f-4431-9529-0c53339b65a5"
ALICE = UserIdentity(username="alice", roles=("access",), logins=("root",), mfa_device="phone")
BUNDLE, EMIT, UPLOAD = (
    "/proctor.v1.Auth/WatchAccessBundle",
    "/proctor.v1.Audit/Emit",
    "/proctor.v1.Recordings/Upload",
)
OTHER = "/proctor.v1.Auth/ListNodes"


def host(role: SystemRole = SystemRole.NODE) -> HostIdentity:
    return HostIdentity(host_id=HOST, role=role, node_name="web")


class Fixture:
    def __init__(self) -> None:
        self.clock = FakeClock()
        backend = MemoryBackend(self.clock)
        self.restrictions = Restrictions(backend, Documents(backend), self.clock)
        self.admit = Admission(self.restrictions)

    def call(self, identity: Identity, method: str = OTHER, *, serial: int = 1) -> None:
        self.admit(method, Caller(identity, "192.0.2.7:50000", Certificate(serial, self.clock.now())))

    async def lock(self, **target: str) -> None:
        spec = LockSpec(target=LockTarget(**target))
        await self.restrictions.put(Lock(metadata=Metadata(name="one"), spec=spec))

    async def remove_host(self) -> None:
        """After its node service was given the certificate number 1."""
        certificate = IssuedCertificate(serial=1, host=host())
        await self.restrictions.issued.add(certificate, self.clock.now() + timedelta(days=1))
        await self.restrictions.revoke_host(HOST)


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


@pytest.mark.parametrize("identity", [Anonymous(), ALICE, *map(host, SystemRole)])
def test_without_locks_everybody_may_call(fixture: Fixture, identity: Identity) -> None:
    fixture.call(identity)


@pytest.mark.parametrize("target", [{"user": "alice"}, {"role": "access"}, {"mfa_device": "phone"}])
async def test_locked_user_may_call_nothing(fixture: Fixture, target: dict[str, str]) -> None:
    await fixture.lock(**target)
    for method in (OTHER, EMIT, BUNDLE):
        with pytest.raises(AccessDenied, match="in force"):
            fixture.call(ALICE, method)
    fixture.call(host())


async def test_lock_of_a_login_or_another_host_does_not_concern_the_auth_service(fixture: Fixture) -> None:
    await fixture.lock(login="root")
    fixture.call(ALICE)
    await fixture.lock(node="db")
    fixture.call(host())


async def test_revoked_user_has_to_log_in_again(fixture: Fixture) -> None:
    certificate = IssuedCertificate(serial=1, user=ALICE)
    await fixture.restrictions.issued.add(certificate, fixture.clock.now() + timedelta(hours=1))
    await fixture.restrictions.revoke_user("alice")
    with pytest.raises(Unauthenticated) as raised:
        fixture.call(ALICE)
    assert raised.value.hint == "Log in again."
    fixture.call(ALICE, serial=2)


@pytest.mark.parametrize("target", [{"server_id": HOST}, {"node": "web"}, {"node": HOST}])
@pytest.mark.parametrize("role", [SystemRole.NODE, SystemRole.PROXY])
async def test_locked_host_delivers_what_it_has_and_no_more(
    fixture: Fixture, target: dict[str, str], role: SystemRole
) -> None:
    await fixture.lock(**target)
    for method in (BUNDLE, EMIT, UPLOAD, "/proctor.v1.Auth/Ping"):
        fixture.call(host(role), method)
    with pytest.raises(AccessDenied):
        fixture.call(host(role))


@pytest.mark.parametrize("role", [SystemRole.ADMIN, SystemRole.AUTH])
async def test_auth_host_is_never_locked_out(fixture: Fixture, role: SystemRole) -> None:
    await fixture.lock(server_id=HOST)
    await fixture.remove_host()
    fixture.call(host(role))


async def test_removed_host_learns_that_and_may_call_nothing_else(fixture: Fixture) -> None:
    await fixture.remove_host()
    fixture.call(host(), BUNDLE)
    for method in (EMIT, UPLOAD, OTHER, "/proctor.v1.Auth/GetAccessBundle"):
        with pytest.raises(Unauthenticated, match="revoked"):
            fixture.call(host(), method)
    fixture.call(host(SystemRole.PROXY))
    fixture.call(host(), serial=2)


async def test_names_of_methods_are_compared_exactly(fixture: Fixture) -> None:
    await fixture.lock(server_id=HOST)
    for method in ("", EMIT.lower(), f"{EMIT}2", f"x{EMIT}"):
        with pytest.raises(AccessDenied):
            fixture.call(host(), method)
