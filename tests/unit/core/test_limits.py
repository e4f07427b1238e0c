# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core.clock import FakeClock
from proctor.core.errors import LimitExceeded
from proctor.core.limits.rates import MAX_NETWORKS, RateLimit


def spend(limit: RateLimit, address: str, times: int) -> int:
    """How many of ``times`` attempts are let through."""
    passed = 0
    for _ in range(times):
        try:
            limit.spend(address)
            passed += 1
        except LimitExceeded:
            pass
    return passed


def test_a_burst_then_one_after_the_other() -> None:
    clock = FakeClock()
    limit = RateLimit(clock, burst=3, per_second=0.5)

    assert spend(limit, "192.0.2.1", 10) == 3
    clock.advance(2)
    assert spend(limit, "192.0.2.1", 10) == 1
    clock.advance(3600)
    assert spend(limit, "192.0.2.1", 10) == 3


def test_addresses_do_not_share() -> None:
    limit = RateLimit(FakeClock(), burst=1)

    assert [spend(limit, address, 2) for address in ("192.0.2.1", "192.0.2.2")] == [1, 1]


@pytest.mark.parametrize(
    ("first", "second"),
    [("2001:db8::1", "2001:db8::ffff:1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("unknown", "unknown")],
)
def test_what_counts_as_one_address(first: str, second: str) -> None:
    limit = RateLimit(FakeClock(), burst=1)
    limit.spend(first)

    with pytest.raises(LimitExceeded):
        limit.spend(second)


def test_the_hint_says_how_long_to_wait() -> None:
    clock = FakeClock()
    limit = RateLimit(clock, burst=1, per_second=0.1)
    limit.spend("192.0.2.1")

    with pytest.raises(LimitExceeded) as refused:
        limit.spend("192.0.2.1")

    assert refused.value.hint == "Try again in 10 seconds."
    clock.advance(10)
    limit.spend("192.0.2.1")


def test_memory_is_bounded() -> None:
    limit = RateLimit(FakeClock(), burst=1)
    limit.spend("the first")
    for number in range(MAX_NETWORKS):
        limit.spend(f"host-{number}")

    limit.spend("the first")
    with pytest.raises(LimitExceeded):
        limit.spend(f"host-{MAX_NETWORKS - 1}")


@given(st.lists(st.floats(0, 100), max_size=60))
def test_never_more_than_the_burst_and_the_rate(pauses: list[float]) -> None:
    clock = FakeClock()
    limit = RateLimit(clock, burst=5, per_second=0.5)
    passed = 0
    for pause in pauses:
        clock.advance(pause)
        passed += spend(limit, "192.0.2.1", 1)

    assert passed <= 5 + sum(pauses) * 0.5 + 1e-6
