# SPDX-License-Identifier: Apache-2.0
"""Which certificates are on the key revocation list, under which authority."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from asyncssh.packet import SSHPacket

from proctor.auth.ca import CertificateAuthorities
from proctor.auth.document_store import Documents
from proctor.auth.revocation.issued import IssuedCertificate
from proctor.auth.revocation.restrictions import Restrictions
from proctor.auth.revocation.revocation_list import revocation_list
from proctor.core.clock import FakeClock, format_time
from proctor.model.identity import HostIdentity, SystemRole, UserIdentity
from proctor.model.resources import Lock, LockSpec, LockTarget, Metadata
from testing.backend import MemoryBackend

ALICE = UserIdentity(username="alice", roles=("access",), logins=("root", "ubuntu"))
BOB = UserIdentity(username="bob", roles=("editor",), logins=("ubuntu",))
WEB = HostIdentity(host_id="1234", role=SystemRole.NODE, node_name="web")
PROXY = HostIdentity(host_id="1234", role=SystemRole.PROXY, node_name="web")
SERIALS: dict[int, UserIdentity | HostIdentity] = {1: ALICE, 2: BOB, 3: WEB, 4: PROXY}
SECTION_CERTIFICATES, SERIAL_LIST = 1, 0x20  # OpenSSH, PROTOCOL.krl


class Fixture:
    """A cluster with the certificates in ``SERIALS``."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.backend = MemoryBackend(self.clock)
        self.restrictions = Restrictions(self.backend, Documents(self.backend), self.clock)

    async def open(self) -> None:
        self.authorities = await CertificateAuthorities.open(self.backend, "purple", self.clock)
        for serial, holder in SERIALS.items():
            if isinstance(holder, UserIdentity):
                certificate = IssuedCertificate(serial=serial, user=holder)
            else:
                certificate = IssuedCertificate(serial=serial, host=holder)
            await self.restrictions.issued.add(certificate, self.clock.now() + timedelta(hours=1))

    async def lock(self, expires: str = "", **target: str) -> None:
        spec = LockSpec(target=LockTarget(**target), expires=expires)
        await self.restrictions.put(Lock(metadata=Metadata(name="one"), spec=spec))

    async def content(self) -> bytes:
        return await revocation_list(self.authorities, self.restrictions, self.clock)

    async def serials(self) -> tuple[list[int], list[int]]:
        """Those on the list: of users, and of hosts."""
        found = sections(await self.content())
        public = self.authorities.public()
        keys = (public.user_ssh_ca[0], public.host_ssh_ca[0])
        users, hosts = (found.pop(base64.b64decode(key.split()[1]), []) for key in keys)
        assert not found
        return users, hosts


def sections(content: bytes) -> dict[bytes, list[int]]:
    """Serial numbers by the key of the CA."""
    packet = SSHPacket(content)
    assert packet.get_bytes(8) == b"SSHKRL\n\0"
    packet.get_bytes(4 + 3 * 8)
    packet.get_string()
    packet.get_string()
    found: dict[bytes, list[int]] = {}
    while packet:
        assert packet.get_byte() == SECTION_CERTIFICATES
        section = SSHPacket(packet.get_string())
        key, _ = section.get_string(), section.get_string()
        assert section.get_byte() == SERIAL_LIST
        serials = SSHPacket(section.get_string())
        found[key] = []
        while serials:
            found[key].append(serials.get_uint64())
    return found


@pytest.fixture
async def fixture() -> Fixture:
    fixture = Fixture()
    await fixture.open()
    return fixture


@pytest.mark.parametrize(
    ("target", "users", "hosts"),
    [
        ({"user": "alice"}, [1], []),
        ({"role": "editor"}, [2], []),
        ({"login": "root"}, [1], []),
        ({"login": "ubuntu"}, [1, 2], []),
        ({"user": "bob", "login": "root"}, [], []),
        ({"user": "alice", "login": "root"}, [1], []),
        ({"node": "web"}, [], [3, 4]),
        ({"server_id": "1234"}, [], [3, 4]),
        ({"user": "alice", "server_id": "1234"}, [], []),
        ({"user": "ALICE"}, [], []),
    ],
)
async def test_locked_holders(
    fixture: Fixture, target: dict[str, str], users: list[int], hosts: list[int]
) -> None:
    await fixture.lock(**target)
    assert await fixture.serials() == (users, hosts)


async def test_revoked_certificates(fixture: Fixture) -> None:
    await fixture.restrictions.revoke_user("alice")
    await fixture.restrictions.revoke_host("1234")
    assert await fixture.serials() == ([1], [3])


async def test_lock_that_has_expired_is_off_the_list(fixture: Fixture) -> None:
    await fixture.lock(format_time(fixture.clock.now() + timedelta(seconds=5)), user="alice")
    assert await fixture.serials() == ([1], [])
    fixture.clock.advance(5)
    assert await fixture.serials() == ([], [])


async def test_certificates_that_have_ended_need_no_revocation(fixture: Fixture) -> None:
    await fixture.restrictions.revoke_user("alice")
    fixture.clock.advance(3600)
    assert await fixture.serials() == ([], [])


async def test_later_list_has_a_greater_version_and_none_has_names(fixture: Fixture) -> None:
    await fixture.lock(user="alice")
    first = await fixture.content()
    fixture.clock.advance(0.001)
    second = await fixture.content()
    versions = [SSHPacket(content[12:]).get_uint64() for content in (first, second)]
    assert versions[0] < versions[1]
    assert b"alice" not in first
    assert b"cluster purple" in first
