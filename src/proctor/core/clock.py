# SPDX-License-Identifier: Apache-2.0
"""The only source of the current time, so that tests can own it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Wall time as aware UTC datetimes, and a monotonic clock in seconds."""

    def now(self) -> datetime:
        """The current time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        return time.monotonic()


class FakeClock(Clock):
    """A clock that moves only by ``advance``."""

    def __init__(self, start: datetime = datetime(2023, 7, 4, 16, 42, 20, tzinfo=UTC)) -> None:
        self._current = start
        self._elapsed = 0.0

    def now(self) -> datetime:
        """The time set by the test."""
        return self._current

    def monotonic(self) -> float:
        """Seconds advanced so far."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Move both clocks forward by ``seconds``."""
        self._current += timedelta(seconds=seconds)
        self._elapsed += seconds


SYSTEM = Clock()


def whole_milliseconds(moment: datetime) -> datetime:
    """``moment`` rounded down to what ``format_time`` shows, so that offsets from it add up."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC, rounded down to milliseconds, trailing zeros trimmed (audit event ``time``)."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return text.rstrip("0").rstrip(".") + "Z"


def parse_time(text: str) -> datetime:
    """The inverse of :func:`format_time`; accepts any RFC 3339 time with an offset.

    Raises ValueError when the text is not a time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"time without an offset: {text!r}")
    return moment.astimezone(UTC)
