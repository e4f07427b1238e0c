# SPDX-License-Identifier: Apache-2.0
"""Waiting for something to become true, with a deadline instead of a sleep."""

from __future__ import annotations

import asyncio
import inspect
import os
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = float(os.environ.get("PROCTOR_TEST_PATIENCE", "1"))
_INTERVAL = 0.02


def until(predicate: Callable[[], T], seconds: float = 10.0, what: str = "") -> T:
    """Call ``predicate`` until it returns something true, and return that.

    Raises TimeoutError when ``seconds`` have passed, times PROCTOR_TEST_PATIENCE where everything is slow;
    ``what`` says what was waited for.
    """
    deadline = time.monotonic() + seconds * PATIENCE
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds * PATIENCE:g} s: {what or predicate}")
        time.sleep(_INTERVAL)
    return value


async def auntil(predicate: Callable[[], T | Awaitable[T]], seconds: float = 10.0, what: str = "") -> T:
    """Like :func:`until`, for a plain or async ``predicate``, without blocking the event loop."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        result = predicate()
        value = await result if inspect.isawaitable(result) else result
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds * PATIENCE:g} s: {what or predicate}")
        await asyncio.sleep(_INTERVAL)
