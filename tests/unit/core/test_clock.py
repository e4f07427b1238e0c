# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core.clock import SYSTEM, FakeClock, format_time, parse_time


@pytest.mark.parametrize(
    ("microsecond", "text"),
    [(540000, "2023-07-04T16:42:20.54Z"), (0, "2023-07-04T16:42:20Z"), (1999, "2023-07-04T16:42:20.001Z")],
)
def test_times_look_like_those_of_the_guide(microsecond: int, text: str) -> None:
    assert format_time(datetime(2023, 7, 4, 16, 42, 20, microsecond, UTC)) == text


def test_other_zones_become_utc() -> None:
    east = timezone(timedelta(hours=2))
    assert format_time(datetime(2023, 7, 4, 18, 42, 20, tzinfo=east)) == "2023-07-04T16:42:20Z"


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_round_trip_to_the_millisecond(moment: datetime) -> None:
    expected = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert parse_time(format_time(moment)) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2023-07-04T16:42:20"])
def test_not_a_time(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_time(text)


def test_fake_clock_moves_when_advanced() -> None:
    clock = FakeClock()
    start = clock.now()
    clock.advance(2.5)
    assert (clock.now() - start).total_seconds() == clock.monotonic() == 2.5


def test_system_clock_is_aware() -> None:
    assert SYSTEM.now().tzinfo is UTC
    assert SYSTEM.monotonic() <= SYSTEM.monotonic()
