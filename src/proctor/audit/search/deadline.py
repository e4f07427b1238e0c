# SPDX-License-Identifier: Apache-2.0
"""Limit of time and cancellation of a search."""

from __future__ import annotations

import time
from collections.abc import Callable


class OutOfTime(Exception):
    """The time of a search is over."""


class Cancelled(Exception):
    """Whoever asked for the result does not wait for it any more."""


def _never() -> bool:
    return False


class Budget:
    """``seconds`` from now (None: no limit), unless ``cancelled`` becomes true before."""

    def __init__(self, seconds: float | None = None, cancelled: Callable[[], bool] = _never) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self._half = None if seconds is None else time.monotonic() + seconds / 2
        self._cancelled = cancelled

    @property
    def spent(self) -> bool:
        """Should the work stop?"""
        return self._cancelled() or (self._end is not None and time.monotonic() >= self._end)

    @property
    def half_spent(self) -> bool:
        """Should preparations stop, so that some of the work itself gets done?"""
        return self._cancelled() or (self._half is not None and time.monotonic() >= self._half)

    def check(self) -> None:
        """Raises OutOfTime or Cancelled when the work should stop."""
        if self._cancelled():
            raise Cancelled
        if self.spent:
            raise OutOfTime
