# SPDX-License-Identifier: Apache-2.0
"""Rate limit of attempts to join with a wrong token."""

from __future__ import annotations

import math
import re

from proctor.core.clock import Clock
from proctor.core.errors import LimitExceeded
from proctor.core.limits.rates import RateLimit, network_of
from proctor.core.text import counted

NETWORK_BURST, NETWORK_PER_SECOND = 30, 1.0
BURST, PER_SECOND = 100, 5.0
_ALL = "all"
_GENERATED = re.compile(r"[0-9a-f]{32}")


class JoinGuesses:
    """A budget for each network, and one for all. Joins that succeed do not count.

    Tokens that the auth service generates have 128 bits: they cannot be guessed, so a host that shows
    something of their form is always heard. Otherwise hosts behind the address of a flood could not join.
    """

    def __init__(self, clock: Clock) -> None:
        self._networks = RateLimit(clock, burst=NETWORK_BURST, per_second=NETWORK_PER_SECOND)
        self._together = RateLimit(clock, burst=BURST, per_second=PER_SECOND)

    def count(self, host: str, token: str) -> None:
        """An attempt from the address ``host``; raises LimitExceeded."""
        wait = max(self._networks.take(network_of(host)), self._together.take(_ALL))
        if wait and not _GENERATED.fullmatch(token):
            raise LimitExceeded(
                "too many attempts to join with a wrong token",
                hint=f"Try again in {counted(math.ceil(wait), 'second')}.",
            )

    def forgive(self, host: str) -> None:
        """The attempt succeeded."""
        self._networks.give_back(network_of(host))
        self._together.give_back(_ALL)
