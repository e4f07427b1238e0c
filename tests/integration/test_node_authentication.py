# SPDX-License-Identifier: Apache-2.0
"""A user proves to the privileged side who they are."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from proctor.core import linux
from proctor.core.clock import FakeClock
from proctor.core.errors import AccessDenied, Unauthenticated, Unavailable
from proctor.model.identity import UserIdentity
from proctor.spawner.authentication import (
    AuthenticatedUser,
    ClientConnection,
    ConnectionAuthenticator,
    namespace_cookie,
    namespace_inode,
)
from proctor.spawner.hostkey import HostKey
from proctor.sshkit import certs, keys
from proctor.sshkit.ssh_server import LOGIN_GRACE_SECONDS, MAX_ATTEMPTS
from testing.attacker import TcpConnection, Victim, run_as, sha256, transcript, wire_form

CLONE_NEWNET = 0x40000000
CA = keys.generate()
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def host_key(tmp_path: Path) -> Iterator[HostKey]:
    (tmp_path / "key").write_bytes(keys.generate()[0])
    with closing(HostKey(tmp_path / "key")) as key:
        yield key


@pytest.fixture
def client() -> Iterator[TcpConnection]:
    with closing(TcpConnection()) as tcp:
        yield tcp


@pytest.fixture
def authentication(host_key: HostKey, clock: FakeClock) -> Iterator[ConnectionAuthenticator]:
    with closing(ConnectionAuthenticator(host_key, clock)) as authentication:
        yield authentication


def person(clock: FakeClock) -> Victim:
    private, public = keys.generate()
    identity = UserIdentity(username="alice", roles=("access",), logins=("root",))
    line = certs.issue_user_certificate(
        CA[0], public, identity, now=clock.now(), valid_before=clock.now() + timedelta(hours=1)
    )
    return Victim(private, line, "root")


def session_id(authentication: ConnectionAuthenticator, host_key: HostKey, client: TcpConnection) -> bytes:
    """Have the first key exchange signed; its hash."""
    data = transcript(authentication.cookie, wire_form(host_key.public_line))
    authentication.sign_first(data, "sha256", ClientConnection(client.accepted.dup(), 0))
    return sha256(data)


def prove(authentication: ConnectionAuthenticator, person: Victim, session: bytes) -> AuthenticatedUser:
    return authentication.authenticate(person.request(), person.sign(session), [CA[1]], {"a": "b"})


def test_user_is_accepted_once(
    authentication: ConnectionAuthenticator, host_key: HostKey, client: TcpConnection, clock: FakeClock
) -> None:
    session = session_id(authentication, host_key, client)
    alice = person(clock)

    user = prove(authentication, alice, session)
    authentication.authenticated = user

    assert (user.user.key_id, user.login, user.labels) == ("alice", "root", {"a": "b"})
    assert user.client.client.port == client.client.getsockname()[1]
    assert authentication.logged_in() is user
    with pytest.raises(AccessDenied, match="a user has logged in over this connection already"):
        prove(authentication, alice, session)


def test_grace_time_ends(
    authentication: ConnectionAuthenticator, host_key: HostKey, client: TcpConnection, clock: FakeClock
) -> None:
    session = session_id(authentication, host_key, client)
    clock.advance(LOGIN_GRACE_SECONDS)
    prove(authentication, person(clock), session)

    clock.advance(0.1)
    with pytest.raises(Unauthenticated, match="the login took more than 60 seconds"):
        prove(authentication, person(clock), session)


def test_cookie_is_not_kept_for_later(
    authentication: ConnectionAuthenticator, host_key: HostKey, client: TcpConnection, clock: FakeClock
) -> None:
    """A node could have it signed elsewhere as a later exchange, and keep what the user has signed."""
    data = transcript(authentication.cookie, wire_form(host_key.public_line))
    assert authentication.sign_next(data, "sha256")
    clock.advance(LOGIN_GRACE_SECONDS + 0.1)

    with (
        closing(ClientConnection(client.accepted.dup(), 0)) as connection,
        pytest.raises(Unauthenticated, match="the login took more than 60 seconds"),
    ):
        authentication.sign_first(data, "sha256", connection)


def test_attempts_are_counted(
    authentication: ConnectionAuthenticator, host_key: HostKey, client: TcpConnection, clock: FakeClock
) -> None:
    session, alice = session_id(authentication, host_key, client), person(clock)
    for _ in range(2 * MAX_ATTEMPTS):
        with pytest.raises(Unauthenticated):
            prove(authentication, alice, b"another")

    with pytest.raises(AccessDenied, match="too many keys"):
        prove(authentication, alice, session)


def test_certificate_expires_while_connected(
    authentication: ConnectionAuthenticator, host_key: HostKey, client: TcpConnection, clock: FakeClock
) -> None:
    session = session_id(authentication, host_key, client)
    authentication.authenticated = prove(authentication, person(clock), session)
    clock.advance(3600)

    with pytest.raises(AccessDenied, match="the certificate has expired"):
        authentication.logged_in()


@pytest.mark.parametrize("end", ["client", "half"])
def test_client_leaves(
    authentication: ConnectionAuthenticator,
    host_key: HostKey,
    client: TcpConnection,
    clock: FakeClock,
    end: str,
) -> None:
    session = session_id(authentication, host_key, client)
    authentication.authenticated = prove(authentication, person(clock), session)
    if end == "client":
        client.client.close()
    else:
        client.client.shutdown(socket.SHUT_WR)

    with pytest.raises(AccessDenied, match="not connected any more"):
        authentication.logged_in()


def test_certificate_of_the_host_key_is_shown_as_well(
    authentication: ConnectionAuthenticator, host_key: HostKey, client: TcpConnection, clock: FakeClock
) -> None:
    def certified(public: str) -> bytes:
        now = clock.now()
        line = certs.issue_host_certificate(
            CA[0], public, key_id="h", principals=["h"], now=now, valid_before=now + timedelta(1)
        )
        return transcript(authentication.cookie, wire_form(line))

    connection = ClientConnection(client.accepted.dup(), 0)
    with pytest.raises(AccessDenied, match="not that of this host"):
        authentication.sign_first(certified(keys.generate()[1]), "sha512", connection)

    assert authentication.sign_first(certified(host_key.public_line), "sha512", connection)


@pytest.mark.parametrize("identify", [namespace_cookie, namespace_inode])
def test_namespaces_of_sockets(identify: Callable[[socket.socket], int]) -> None:
    def elsewhere() -> int:
        with socket.socket() as connection:
            return identify(connection)

    def in_another_namespace() -> int:
        linux.unshare(CLONE_NEWNET)
        return elsewhere()

    assert elsewhere() == elsewhere()
    assert run_as(0, in_another_namespace) != elsewhere()


def test_cookies_differ(host_key: HostKey, clock: FakeClock) -> None:
    assert len({ConnectionAuthenticator(host_key, clock).cookie for _ in range(100)}) == 100


def test_key_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"cannot be used: .*No such file"):
        HostKey(tmp_path / "missing")
    (tmp_path / "key").write_text("rubbish")
    with pytest.raises(Unavailable, match="cannot be used"):
        HostKey(tmp_path / "key")
