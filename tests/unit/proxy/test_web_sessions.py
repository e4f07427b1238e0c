# SPDX-License-Identifier: Apache-2.0
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from proctor.core.clock import FakeClock
from proctor.core.errors import AccessDenied, Unauthenticated
from proctor.model.identity import UserIdentity
from proctor.proxy.web.sessions import MAX_PER_USER, MAX_SESSIONS, Sessions, WebSession
from proctor.rpc.auth_client import Client
from proctor.rpc.identity_files import Authorities, Credentials
from proctor.sshkit import certs, keys

CA_KEY, CA_LINE = keys.generate()
_, USER_LINE = keys.generate()


class Channel:
    """Stands for the client of one session; knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    async def close(self) -> None:
        self.closed = True


def credentials(name: str, clock: FakeClock) -> Credentials:
    line = certs.issue_user_certificate(
        CA_KEY,
        USER_LINE,
        UserIdentity(username=name, roles=("access",), logins=("root",)),
        now=clock.now(),
        valid_before=clock.now() + timedelta(hours=1),
    )
    authorities = Authorities(cluster_name="c", host_tls_ca=b"", user_tls_ca=b"")
    return Credentials(
        tls_key=b"k", tls_certificate=b"c", ssh_certificate=line.encode(), authorities=authorities
    )


class Fixture(SimpleNamespace):
    clock: FakeClock
    channels: list[Channel]
    sessions: Sessions

    async def open(self, name: str = "alice") -> tuple[str, WebSession]:
        expires = self.clock.now() + timedelta(hours=1)
        return await self.sessions.open(credentials(name, self.clock), expires)


@pytest.fixture
def site() -> Fixture:
    clock, channels = FakeClock(), list[Channel]()

    def connect(_credentials: Credentials) -> Client:
        channels.append(Channel())
        return cast(Client, channels[-1])

    return Fixture(clock=clock, channels=channels, sessions=Sessions(connect, clock, idle_seconds=600))


async def test_a_cookie_finds_its_session(site: Fixture) -> None:
    token, session = await site.open()
    other, _ = await site.open("bob")

    assert site.sessions.find(token) is session
    assert session.identity.username == "alice"
    assert len({token, other, session.csrf_token}) == 3
    assert len(token) >= 43
    assert token.encode() not in session.key


@pytest.mark.parametrize("token", ["", "x", "ü" * 43])
async def test_other_cookies_find_nothing(site: Fixture, token: str) -> None:
    await site.open()

    with pytest.raises(Unauthenticated):
        site.sessions.find(token)


async def test_a_session_ends_with_its_certificate(site: Fixture) -> None:
    token, _ = await site.open()
    for _ in range(11):
        site.clock.advance(300)
        site.sessions.find(token)
    site.clock.advance(300)

    with pytest.raises(Unauthenticated, match="ended"):
        site.sessions.find(token)


async def test_a_session_ends_when_its_person_has_left(site: Fixture) -> None:
    token, _ = await site.open()
    site.clock.advance(500)
    site.sessions.find(token, active=False)
    site.clock.advance(100)

    with pytest.raises(Unauthenticated, match="ended"):
        site.sessions.find(token)


async def test_what_is_over_is_swept_away(site: Fixture) -> None:
    await site.open()
    site.clock.advance(300)
    await site.open()
    site.clock.advance(300)

    await site.sessions.sweep()

    assert [channel.closed for channel in site.channels] == [True, False]
    assert len(site.sessions) == 1


async def test_ending_forgets_the_keys(site: Fixture) -> None:
    token, session = await site.open()

    await site.sessions.end(session)
    await site.sessions.end(session)

    assert site.channels[0].closed
    with pytest.raises(Unauthenticated):
        site.sessions.find(token)


async def test_one_person_has_a_bounded_number(site: Fixture) -> None:
    first, _ = await site.open()
    second, _ = await site.open()
    for _ in range(MAX_PER_USER - 2):
        await site.open()
    site.sessions.find(first)
    await site.open()

    assert len(site.sessions) == MAX_PER_USER
    site.sessions.find(first)
    with pytest.raises(Unauthenticated):
        site.sessions.find(second)


async def test_all_people_have_a_bounded_number(site: Fixture) -> None:
    first, _ = await site.open()
    for number in range(MAX_SESSIONS):
        await site.open(f"user-{number}")

    assert len(site.sessions) == MAX_SESSIONS
    with pytest.raises(Unauthenticated):
        site.sessions.find(first)


async def test_only_the_sessions_own_token_is_taken(site: Fixture) -> None:
    _, session = await site.open()
    _, other = await site.open()

    session.check_csrf(session.csrf_token)
    for token in ("", "ü", other.csrf_token, session.csrf_token[:-1]):
        with pytest.raises(AccessDenied):
            session.check_csrf(token)
