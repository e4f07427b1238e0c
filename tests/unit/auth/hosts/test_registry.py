# SPDX-License-Identifier: Apache-2.0
"""Who holds a name, for how long, and how many of them; and guesses of tokens."""

from __future__ import annotations

import pytest

from proctor.auth.hosts.guesses import BURST, NETWORK_BURST, JoinGuesses
from proctor.auth.hosts.names import matches, normalize, parse_address
from proctor.auth.hosts.registry import HELD, MAX_NAMES, HostRegistry
from proctor.core.clock import FakeClock
from proctor.core.errors import AlreadyExists, BadRequest, LimitExceeded
from testing.backend import MemoryBackend


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def registry(clock: FakeClock) -> HostRegistry:
    return HostRegistry(MemoryBackend(clock), clock)


async def join(registry: HostRegistry, host_id: str, *names: str, shared: bool = False) -> None:
    await registry.joined(host_id, names, token="t", secret="s", peer="192.0.2.7", shared=shared)


async def test_name_is_held_until_forgotten(registry: HostRegistry) -> None:
    await join(registry, "one", "web")
    with pytest.raises(AlreadyExists):
        await join(registry, "two", "web")
    await join(registry, "two", "web", shared=True)
    assert await registry.holder("web") == "one"
    assert await registry.forget("two")
    assert await registry.holder("web") == "one", "it was not the name of the second"
    assert await registry.forget("one")
    assert not await registry.forget("one")
    assert await registry.holder("web") == ""


async def test_silent_host_loses_its_names(registry: HostRegistry, clock: FakeClock) -> None:
    await join(registry, "one", "web")
    clock.advance(HELD.total_seconds() - 1)
    await registry.seen("one", "web")
    clock.advance(HELD.total_seconds() - 1)
    assert await registry.holder("web") == "one"
    clock.advance(1)
    assert await registry.holder("web") == ""
    assert await registry.find("one") is None


async def test_host_has_a_bounded_number_of_names(registry: HostRegistry) -> None:
    await join(registry, "one", *(f"n{number}" for number in range(MAX_NAMES)))
    await registry.seen("one", "n0")
    with pytest.raises(LimitExceeded):
        await registry.seen("one", "another")
    with pytest.raises(LimitExceeded):
        await join(registry, "one", "another")
    assert await registry.holder("another") == ""


async def test_secrets_are_not_kept_as_they_are(registry: HostRegistry) -> None:
    await registry.joined("one", ["web"], token="token", secret="secret", peer="192.0.2.7")
    record = await registry.find("one")
    assert record is not None
    assert not {"token", "secret"} & {record.token, record.secret}
    assert record.joined == record.joined_last == record.seen == "2023-07-04T16:42:20Z"


def test_wrong_tokens_of_one_network_leave_others_alone(clock: FakeClock) -> None:
    guesses = JoinGuesses(clock)
    for _ in range(NETWORK_BURST):
        guesses.count("192.0.2.7", "guess")
    with pytest.raises(LimitExceeded) as raised:
        guesses.count("192.0.2.7", "guess")
    assert "second" in raised.value.hint
    guesses.count("192.0.2.7", "0" * 32)  # of the form of a generated one: it cannot be guessed
    guesses.count("198.51.100.7", "guess")
    clock.advance(60)
    guesses.count("192.0.2.7", "guess")


def test_wrong_tokens_of_many_networks_have_one_budget(clock: FakeClock) -> None:
    guesses = JoinGuesses(clock)
    for number in range(BURST):
        guesses.count(f"10.{number}.0.1", "guess")
    with pytest.raises(LimitExceeded):
        guesses.count("192.0.2.7", "guess")


def test_joins_that_succeed_cost_nothing(clock: FakeClock) -> None:
    guesses = JoinGuesses(clock)
    for _ in range(2 * BURST):
        guesses.count("192.0.2.7", "static token")
        guesses.forgive("192.0.2.7")


@pytest.mark.parametrize(
    ("text", "name"),
    [("Web.", "web"), ("a_b", "a_b"), ("1a", "1a"), ("a.1b", "a.1b"), ("a" * 63, "a" * 63), ("a--b", "a--b")],
)
def test_one_form_of_names(text: str, name: str) -> None:
    assert normalize(text) == name


@pytest.mark.parametrize("text", ["", ".", "..", "a-", "1", "a.1", "a.0x1", "a\n", ".".join(["a" * 63] * 4)])
def test_texts_without_such_a_form(text: str) -> None:
    with pytest.raises(BadRequest):
        normalize(text)


def test_patterns_and_addresses() -> None:
    assert matches("web-1", ["db", "WEB-?."])
    assert not matches("web-10", ["web-?", ""])
    assert str(parse_address("[::ffff:192.0.2.7]")) == "192.0.2.7"
    assert parse_address("web") is None
