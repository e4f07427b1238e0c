# SPDX-License-Identifier: Apache-2.0
"""Budgets of calls: before the caller is authorised, and overall."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from proctor.core.errors import LimitExceeded
from proctor.core.limits.rates import network_of
from proctor.model.identity import Anonymous, Identity

ANONYMOUS_CALLS = 32
"""Calls of callers without a certificate that are served at one time."""

ANONYMOUS_CALLS_PER_NETWORK = 8
CALLS_PER_HOLDER = 1024
"""Calls of one host or person at one time, streams included: a node has one for each live session."""

ARRIVING = 64
"""Requests that are being received at one time; each may take up MAX_REQUEST bytes."""

ARRIVAL_SECONDS, ANONYMOUS_ARRIVAL_SECONDS = 30.0, 10.0


class CallBudget:
    """Counts calls under way; belongs to one event loop."""

    def __init__(self) -> None:
        self._anonymous = 0
        self._held: Counter[str] = Counter()
        self._arriving = asyncio.Semaphore(ARRIVING)

    @contextmanager
    def call(self, identity: Identity, host: str) -> Iterator[None]:
        """While a call of ``identity`` from the address ``host`` is served. Raises LimitExceeded."""
        anonymous = isinstance(identity, Anonymous)
        holder = network_of(host) if anonymous else f"{type(identity).__name__} {identity.name}"
        limit = ANONYMOUS_CALLS_PER_NETWORK if anonymous else CALLS_PER_HOLDER
        if self._held[holder] >= limit or (anonymous and self._anonymous >= ANONYMOUS_CALLS):
            raise LimitExceeded("too many calls at one time", hint="Try again in a few seconds.")
        self._held[holder] += 1
        self._anonymous += anonymous
        try:
            yield
        finally:
            self._anonymous -= anonymous
            self._held[holder] -= 1
            if not self._held[holder]:
                del self._held[holder]

    @asynccontextmanager
    async def arrival(self, identity: Identity) -> AsyncIterator[None]:
        """While the one request of a call is received; raises TimeoutError when that takes too long."""
        if isinstance(identity, Anonymous):  # as many as there are calls of theirs
            async with asyncio.timeout(ANONYMOUS_ARRIVAL_SECONDS):
                yield
            return
        async with asyncio.timeout(ARRIVAL_SECONDS), self._arriving:
            yield
