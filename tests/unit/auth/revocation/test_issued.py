# SPDX-License-Identifier: Apache-2.0
"""Certificates are found by their holders, until they end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from proctor.auth.revocation.issued import IssuedCertificate, IssuedCertificates
from proctor.core.clock import FakeClock
from proctor.model.identity import HostIdentity, SystemRole, UserIdentity
from testing.backend import MemoryBackend

LAST = 2**63 - 1
"""The greatest serial number that is issued."""


def of_user(serial: int, name: str) -> IssuedCertificate:
    return IssuedCertificate(serial=serial, user=UserIdentity(username=name, roles=("access",), logins=()))


def of_host(serial: int, host_id: str, role: SystemRole = SystemRole.NODE) -> IssuedCertificate:
    return IssuedCertificate(serial=serial, host=HostIdentity(host_id=host_id, role=role))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def issued(clock: FakeClock) -> IssuedCertificates:
    return IssuedCertificates(MemoryBackend(clock))


async def test_names_of_holders_are_exact(issued: IssuedCertificates, clock: FakeClock) -> None:
    ends = clock.now() + timedelta(hours=1)
    kept = [of_user(1, "alice"), of_user(LAST, "alice"), of_user(3, "alice/../bob"), of_user(4, "al")]
    for certificate in kept:
        await issued.add(certificate, ends)
    assert sorted(each.serial for each in await issued.of_user("alice")) == [1, LAST]
    assert await issued.of_user("alice/../bob") == [kept[2]]
    assert await issued.of_user("al") == [kept[3]]
    assert await issued.of_user("bob") == []
    assert await issued.of_user("") == []
    assert sorted(each.serial for each in await issued.all()) == [1, 3, 4, LAST]


async def test_user_with_the_name_of_a_host_is_another_holder(
    issued: IssuedCertificates, clock: FakeClock
) -> None:
    ends = clock.now() + timedelta(hours=1)
    user, host = of_user(1, "one"), of_host(2, "one")
    for certificate in (user, host):
        await issued.add(certificate, ends)
    assert await issued.of_user("one") == [user]
    assert await issued.of_host("one") == [host]


async def test_certificates_that_have_ended_are_gone(issued: IssuedCertificates, clock: FakeClock) -> None:
    await issued.add(of_user(1, "alice"), clock.now() + timedelta(seconds=10))
    await issued.add(of_user(2, "alice"), clock.now() + timedelta(seconds=20))
    clock.advance(10)
    assert [each.serial for each in await issued.of_user("alice")] == [2]
    clock.advance(10)
    assert await issued.all() == []


@pytest.mark.parametrize(
    ("certificate", "holder", "is_node"),
    [
        (of_user(1, "alice"), "alice", False),
        (of_host(1, "1234"), "1234", True),
        (of_host(1, "1234", SystemRole.PROXY), "1234", False),
        (IssuedCertificate(serial=1), "", False),
    ],
)
def test_holder(certificate: IssuedCertificate, holder: str, is_node: bool) -> None:
    assert (certificate.holder, certificate.is_node) == (holder, is_node)
