# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncssh
import pytest

from proctor.core.clock import SYSTEM
from proctor.core.errors import AccessDenied
from proctor.model.identity import UserIdentity
from proctor.sshkit import algorithms, certs, keys
from proctor.sshkit.certs import VerifiedUser
from proctor.sshkit.ssh_server import CertificateServer, local_host_keys, server_options
from proctor.sshkit.userauth import certificate_line
from testing.polling import auntil

USER_CA, OTHER_CA, HOST_CA = (keys.generate() for _ in range(3))
refusals: list[tuple[str, str, str]] = []
accepted: list[CertificateServer] = []


class Server(CertificateServer):
    """Lets alice in, tells what happened."""

    async def authorize(self, login: str, user: VerifiedUser) -> None:
        await super().authorize(login, user)
        if user.key_id == "mallory":
            raise AccessDenied("not you")

    def refused(self, login: str, reason: str, user: VerifiedUser | None) -> None:
        refusals.append((login, reason, user.key_id if user else ""))

    def auth_completed(self) -> None:
        accepted.append(self)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    refusals.clear()
    accepted.clear()
    key, public = keys.generate()
    now = SYSTEM.now()
    certificate = certs.issue_host_certificate(
        HOST_CA[0],
        public,
        key_id="h",
        principals=["127.0.0.1"],
        now=now,
        valid_before=now + timedelta(days=1),
    )
    listener = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: Server(lambda: [USER_CA[1]]),
        options=server_options(local_host_keys(key, certificate.encode())),
    )
    yield listener.get_port()
    listener.close()
    await listener.wait_closed()


async def login(
    port: int,
    *,
    login: str = "root",
    name: str = "alice",
    ca: bytes = USER_CA[0],
    plain: bool = False,
    age: int = 0,
) -> None:
    """Log in, and out again; raises what asyncssh raises."""
    private, public = keys.generate()
    now = SYSTEM.now() - timedelta(hours=age)
    identity = UserIdentity(username=name, roles=("access",), logins=("root",), traits={"team": ("a", "b")})
    line = certs.issue_user_certificate(ca, public, identity, now=now, valid_before=now + timedelta(hours=1))
    key = asyncssh.import_private_key(private)
    trust = asyncssh.import_known_hosts(f"@cert-authority * {HOST_CA[1]}\n")
    async with asyncssh.connect(
        "127.0.0.1",
        port,
        username=login,
        client_keys=[key if plain else (key, asyncssh.import_certificate(line))],
        known_hosts=trust,
        config=None,
        agent_path=None,
    ):
        pass


async def test_certificate_gives_the_identity(port: int) -> None:
    await login(port)

    (server,) = accepted
    assert server.user is not None
    assert (server.login, server.user.identity.username) == ("root", "alice")
    assert server.user.identity.roles == ("access",)
    assert server.user.identity.traits == {"team": ("a", "b")}
    assert not refusals


@pytest.mark.parametrize(
    ("attempt", "refusal"),
    [
        ({"login": "daemon"}, ("daemon", "the certificate of alice does not allow login daemon", "alice")),
        ({"name": "mallory"}, ("root", "not you", "mallory")),
        ({"ca": OTHER_CA[0]}, ("root", "the certificate was not signed by this cluster's user CA", "")),
        ({"age": 3}, ("root", "the certificate has expired; log in again", "")),
        ({"plain": True}, ("root", "no certificate of this cluster was offered", "")),
    ],
)
async def test_refusals_are_reported_once(
    port: int, attempt: dict[str, object], refusal: tuple[str, str, str]
) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        await login(port, **attempt)  # type: ignore[arg-type]

    await auntil(lambda: refusals)
    assert refusals == [refusal]
    assert not accepted


async def test_stolen_certificate_without_its_key_is_useless(port: int) -> None:
    _, public = keys.generate()
    now = SYSTEM.now()
    identity = UserIdentity(username="alice", roles=("access",), logins=("root",))
    line = certs.issue_user_certificate(
        USER_CA[0], public, identity, now=now, valid_before=now + timedelta(hours=1)
    )
    data = asyncssh.import_certificate(line).public_data
    server = Server(lambda: [USER_CA[1]])
    signatures = []

    class Connection:
        """Stands in for asyncssh's connection, whose check of signatures says no."""

        async def validate_public_key(self, *proof: object) -> bool:
            signatures.append(proof)
            return False

        def send_auth_banner(self, text: str) -> None:
            pass

    connection = Connection()
    server.connection_made(connection)  # type: ignore[arg-type]

    assert not await connection.validate_public_key("root", data, b"request", b"forged")
    assert len(signatures) == 1
    assert server.user is None
    assert refusals[-1] == ("root", "the certificate's key did not sign this login", "alice")


def test_certificate_line() -> None:
    _, public = keys.generate()
    plain = asyncssh.import_public_key(public)

    assert certificate_line(plain.public_data) is None
    assert certificate_line(b"") is None
    assert certificate_line(b"\xff\xff\xff\xff") is None


def test_algorithms_are_known_to_the_library() -> None:
    from asyncssh.encryption import get_encryption_algs  # noqa: PLC0415
    from asyncssh.kex import get_kex_algs  # noqa: PLC0415
    from asyncssh.mac import get_mac_algs  # noqa: PLC0415

    assert {name.encode() for name in algorithms.KEX} <= set(get_kex_algs())
    assert {name.encode() for name in algorithms.CIPHERS} <= set(get_encryption_algs())
    assert {name.encode() for name in algorithms.MACS} <= set(get_mac_algs())
    assert not [name for name in (*algorithms.KEX, *algorithms.MACS) if "sha1" in name or "nistp" in name]
