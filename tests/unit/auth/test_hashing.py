# SPDX-License-Identifier: Apache-2.0
"""Passwords, one-time codes, tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pyotp
import pytest
from argon2 import PasswordHasher, Type
from hypothesis import given
from hypothesis import strategies as st

from proctor.auth import hashing
from proctor.core.errors import BadRequest, LimitExceeded

SECRET = "JBSWY3DPEHPK3PXP" * 2


@pytest.fixture
def passwords() -> Iterator[hashing.Passwords]:
    cheap = hashing.Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    yield cheap
    cheap.close()


async def test_a_password_fits_its_own_hash(passwords: hashing.Passwords) -> None:
    stored = await passwords.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert await passwords.verify(stored, "correct horse")
    assert not await passwords.verify(stored, "correct horsf")


@pytest.mark.parametrize("stored", ["", "junk", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA"])
async def test_nothing_fits_what_is_no_hash(passwords: hashing.Passwords, stored: str) -> None:
    assert not await passwords.verify(stored, "")
    assert not await passwords.verify(stored, "password")


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1025])
async def test_passwords_have_a_length(passwords: hashing.Passwords, password: str) -> None:
    with pytest.raises(BadRequest, match="8 to 1024"):
        await passwords.hash(password)
    assert not await passwords.verify("", password)


def test_hashes_cost_what_attackers_dislike() -> None:
    passwords = hashing.Passwords()
    passwords.close()
    assert passwords.hasher.type is Type.ID
    assert passwords.hasher.memory_cost >= 64 << 10


async def test_a_flood_of_logins_is_bounded(passwords: hashing.Passwords) -> None:
    stored = await passwords.hash("correct horse")
    flood = [passwords.verify(stored, "wrong") for _ in range(hashing.WAITING_HASHES + 5)]
    results = await asyncio.gather(*flood, return_exceptions=True)
    assert sum(isinstance(result, LimitExceeded) for result in results) == 5
    assert await passwords.verify(stored, "correct horse")


@pytest.mark.parametrize(("step", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_codes_may_be_one_step_off(step: int, fits: bool) -> None:
    moment = 1_700_000_000.9
    code = pyotp.TOTP(SECRET).at(int(moment) + 30 * step)
    expected = int(moment) // 30 + step if fits else None
    assert hashing.otp_counter(SECRET, code, moment) == expected


@given(st.text(max_size=12))
def test_any_text_may_be_given_as_a_code(code: str) -> None:
    good = {pyotp.HOTP(SECRET).at(step) for step in (99, 100, 101)}
    assert (hashing.otp_counter(SECRET, code, 3000.0) is not None) == (code in good)


def test_the_uri_is_what_authenticator_apps_read() -> None:
    parsed = pyotp.parse_uri(hashing.otp_uri(SECRET, "alice", "purple"))
    assert isinstance(parsed, pyotp.TOTP)
    assert (parsed.secret, parsed.name, parsed.issuer) == (SECRET, "alice@purple", "Teleport")


def test_tokens_are_not_repeated() -> None:
    tokens = {hashing.new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(bytes.fromhex(token)) for token in tokens} == {16}


@given(st.text(st.characters(exclude_characters="*"), max_size=500))
def test_a_masked_token_shows_a_quarter_at_most(token: str) -> None:
    masked = hashing.masked(token)
    shown = masked.lstrip("*")
    assert token.endswith(shown)
    assert len(shown) == min(8, len(token) // 4)
    assert len(masked) == min(len(token), 64 + len(shown))
