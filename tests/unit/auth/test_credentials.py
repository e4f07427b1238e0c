# SPDX-License-Identifier: Apache-2.0
"""Logging in: what is refused, for how long, and what is reported."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pyotp
import pytest
from argon2 import PasswordHasher

from proctor.auth.credentials import LOCKOUT, MAX_FAILURES, NAME_BURST, CredentialStore, LoginFailed
from proctor.auth.document_store import Documents
from proctor.auth.hashing import Passwords
from proctor.core.clock import FakeClock
from proctor.core.errors import BadRequest, LimitExceeded, NotFound
from proctor.model.resources import Metadata, User, UserSpec
from testing.backend import MemoryBackend

PASSWORD = "correct horse battery"
HOME = "192.0.2.7:5000"


class World:
    """Accounts of one user, alice, over a store in memory."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.backend = MemoryBackend(self.clock)
        self.documents = Documents(self.backend)
        passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.accounts = CredentialStore(self.backend, self.documents, self.clock, passwords)
        self.secret = ""

    async def enrol(self, name: str = "alice", *, expires: str = "") -> None:
        spec = UserSpec(roles=["access"], expires=expires)
        await self.documents.users.put(User(metadata=Metadata(name=name), spec=spec))
        token, _ = await self.accounts.invite(name, 0, reset=False)
        self.secret = (await self.accounts.link(token)).otp_secret
        await self.accounts.accept(token, PASSWORD, self.code())
        self.clock.advance(60)

    def code(self) -> str:
        return pyotp.TOTP(self.secret).at(int(self.clock.now().timestamp()))

    async def log_in(
        self, password: str = PASSWORD, code: str | None = None, name: str = "alice", address: str = HOME
    ) -> User:
        code = self.code() if code is None else code
        return (await self.accounts.authenticate(name, password, code, address=address))[0]

    async def fail(self, times: int, name: str = "alice", address: str = HOME) -> None:
        for _ in range(times):
            with pytest.raises(LoginFailed):
                await self.log_in("wrong password", name=name, address=address)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.accounts.close()


async def test_the_right_secrets_let_in(world: World) -> None:
    await world.enrol()
    assert (await world.log_in()).metadata.name == "alice"


@pytest.mark.parametrize("name", ["alice", "nobody", "", "a/b", "x" * 300])
async def test_guessing_is_stopped_whether_or_not_the_name_exists(world: World, name: str) -> None:
    await world.enrol()
    await world.fail(MAX_FAILURES, name)
    with pytest.raises(LimitExceeded, match="too many failed attempts"):
        await world.log_in(name=name)
    world.clock.advance(LOCKOUT.total_seconds() - 1)
    with pytest.raises(LimitExceeded):
        await world.log_in(name=name)
    world.clock.advance(1)
    if name == "alice":
        await world.log_in()
    else:
        await world.fail(1, name)


async def test_many_guesses_at_one_moment_are_no_way_round_the_limit(world: World) -> None:
    await world.enrol()
    results = await asyncio.gather(
        *(world.log_in(f"guess number {n}") for n in range(20)), return_exceptions=True
    )
    assert sum(isinstance(result, LoginFailed) for result in results) == MAX_FAILURES
    assert sum(isinstance(result, LimitExceeded) for result in results) == 20 - MAX_FAILURES


async def test_a_login_forgives_the_failures_before(world: World) -> None:
    await world.enrol()
    for _ in range(3):
        await world.fail(MAX_FAILURES - 1)
        await world.log_in()
        world.clock.advance(30)


async def test_a_code_of_the_past_is_not_taken_again(world: World) -> None:
    await world.enrol()
    earlier = world.code()
    world.clock.advance(30)
    await world.log_in()
    for code in (earlier, world.code()):
        with pytest.raises(LoginFailed) as refusal:
            await world.log_in(code=code)
        assert refusal.value.detail == "the one-time code was used before"


async def test_one_code_lets_in_one_of_many(world: World) -> None:
    await world.enrol()
    results = await asyncio.gather(*(world.log_in() for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(result, User) for result in results) == 1
    assert sum(isinstance(result, LoginFailed) for result in results) == 3


async def test_a_reset_takes_everything_away_and_lifts_the_lock(world: World) -> None:
    await world.enrol()
    await world.fail(MAX_FAILURES)
    token, expires = await world.accounts.invite("alice", 0, reset=True)
    assert expires - world.clock.now() == timedelta(hours=8)
    with pytest.raises(LoginFailed, match="invalid username"):
        await world.log_in()
    world.secret = (await world.accounts.link(token)).otp_secret
    await world.accounts.accept(token, "another password", world.code())
    world.clock.advance(30)
    with pytest.raises(LoginFailed):
        await world.log_in()
    await world.log_in("another password")


async def test_a_link_is_good_until_used_replaced_or_expired(world: World) -> None:
    await world.enrol()
    first, _ = await world.accounts.invite("alice", 0, reset=True)
    second, _ = await world.accounts.invite("alice", 60, reset=True)
    with pytest.raises(NotFound):
        await world.accounts.link(first)
    assert (await world.accounts.link(second)).reset
    with pytest.raises(BadRequest, match="one-time code"):
        await world.accounts.accept(second, PASSWORD, "000000")
    world.clock.advance(60)
    with pytest.raises(NotFound):
        await world.accounts.accept(second, PASSWORD, "000000")


async def test_one_of_two_who_use_a_link_at_once_wins(world: World) -> None:
    await world.enrol()
    token, _ = await world.accounts.invite("alice", 0, reset=True)
    world.secret = (await world.accounts.link(token)).otp_secret
    both = [world.accounts.accept(token, f"{PASSWORD} {n}", world.code()) for n in range(2)]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(result, tuple) for result in results) == 1


@pytest.mark.parametrize(("reset", "ttl"), [(False, 48 * 3600 + 1), (True, 24 * 3600 + 1), (False, -1)])
async def test_links_do_not_live_long(world: World, reset: bool, ttl: int) -> None:
    with pytest.raises(BadRequest, match="at most"):
        await world.accounts.invite("alice", ttl, reset=reset)


async def test_neither_tokens_nor_passwords_are_in_the_store(world: World) -> None:
    await world.enrol()
    token, _ = await world.accounts.invite("bob", 0, reset=False)
    everything = b"".join(item.key.encode() + item.value for item in await world.backend.range(""))
    assert token.encode() not in everything
    assert PASSWORD.encode() not in everything


async def test_a_user_who_expired_cannot_log_in(world: World) -> None:
    await world.enrol(expires="2023-07-05T00:00:00Z")
    await world.log_in()
    world.clock.advance(24 * 3600)
    with pytest.raises(LoginFailed):
        await world.log_in()


@pytest.mark.parametrize(
    ("near", "far"),
    [("198.51.100.9:1", "198.51.101.9:1"), ("[2001:db8::1]:1", "[2001:db8:0:1::1]:1")],
)
async def test_who_guesses_locks_out_their_own_network_only(world: World, near: str, far: str) -> None:
    await world.enrol()
    await world.fail(MAX_FAILURES, address=near)
    neighbour = near.replace("9:1", "200:2").replace("::1]", "::2]")
    for address in (near, neighbour):
        with pytest.raises(LimitExceeded):
            await world.log_in(address=address)
    await world.log_in(address=far)


async def test_guesses_from_everywhere_slow_unknown_clients_but_not_known_networks(world: World) -> None:
    await world.enrol()
    await world.log_in()
    world.clock.advance(30)
    for number in range(NAME_BURST):
        await world.fail(1, address=f"10.0.{number}.1:1")
    with pytest.raises(LimitExceeded) as slowed:
        await world.log_in(address="203.0.113.1:1")
    assert slowed.value.hint == "Try again in 30 seconds."
    await world.log_in()
    world.clock.advance(30)
    await world.log_in(address="203.0.113.1:1")


async def test_who_is_locked_out_does_not_use_up_the_attempts_of_a_name(world: World) -> None:
    await world.enrol()
    await world.fail(MAX_FAILURES, address="10.0.0.1:1")
    for _ in range(3 * NAME_BURST):
        with pytest.raises(LimitExceeded):
            await world.log_in("guess", address="10.0.0.1:1")
    await world.log_in(address="203.0.113.1:1")


async def test_known_networks_are_known_after_a_restart_until_a_reset(world: World) -> None:
    await world.enrol()
    await world.log_in()
    again = CredentialStore(world.backend, world.documents, world.clock)
    assert await again._familiar("alice") == ["192.0.2.0/24"]
    await world.accounts.forget("alice")
    assert await again._familiar("alice") == []
    again.close()


@pytest.mark.parametrize(
    ("reset", "ttl", "hours"), [(False, 0, 1), (True, 0, 8), (False, 48 * 3600, 48), (True, 24 * 3600, 24)]
)
async def test_lifetime_of_links(world: World, reset: bool, ttl: int, hours: int) -> None:
    _, expires = await world.accounts.invite("alice", ttl, reset=reset)
    assert expires - world.clock.now() == timedelta(hours=hours)


async def test_limits_of_guessing(world: World) -> None:
    await world.enrol()
    await world.fail(5)
    with pytest.raises(LimitExceeded) as locked:
        await world.log_in()
    assert locked.value.hint == "Try again in 20 minutes."


async def test_user_who_was_removed_is_refused_like_one_with_a_wrong_password(world: World) -> None:
    await world.enrol()
    await world.documents.users.delete("alice")
    with pytest.raises(LoginFailed) as refusal:
        await world.log_in()
    assert refusal.value.detail == "user alice does not exist or has not set a password"


async def test_link_of_a_user_who_was_removed_sets_no_password(world: World) -> None:
    await world.enrol()
    token, _ = await world.accounts.invite("alice", 0, reset=True)
    world.secret = (await world.accounts.link(token)).otp_secret
    await world.documents.users.delete("alice")
    with pytest.raises(NotFound):
        await world.accounts.accept(token, PASSWORD, world.code())
