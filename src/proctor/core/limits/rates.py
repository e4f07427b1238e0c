# SPDX-License-Identifier: Apache-2.0
"""Rate limits of attempts: for each network, and overall."""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict

from proctor.core.clock import Clock
from proctor.core.errors import LimitExceeded
from proctor.core.net import host_of
from proctor.core.text import counted

BURST = 40
PER_SECOND = 0.5
MAX_NETWORKS = 50_000
_IPV6_PREFIX = 64


class RateLimit:
    """A token bucket for each key: ``burst`` attempts at once, then ``per_second``.

    What was not used for the longest time is forgotten beyond MAX_NETWORKS keys.
    """

    def __init__(self, clock: Clock, *, burst: int = BURST, per_second: float = PER_SECOND) -> None:
        self._clock = clock
        self._burst = burst
        self._per_second = per_second
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Count one attempt; 0 when it is allowed, else the seconds after which one will be."""
        tokens, now = self._tokens(key)
        self._buckets[key] = (max(0.0, tokens - 1) if tokens >= 1 else tokens, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > MAX_NETWORKS:
            self._buckets.popitem(last=False)
        return 0.0 if tokens >= 1 else (1 - tokens) / self._per_second

    def _tokens(self, key: str) -> tuple[float, float]:
        now = self._clock.monotonic()
        tokens, since = self._buckets.get(key, (float(self._burst), now))
        return min(float(self._burst), tokens + (now - since) * self._per_second), now

    def give_back(self, key: str) -> None:
        """An attempt counted with ``take`` was none."""
        tokens, now = self._tokens(key)
        self._buckets[key] = (min(float(self._burst), tokens + 1), now)

    def spend(self, address: str) -> None:
        """Count one attempt of the network of ``address``; raises LimitExceeded when it has had its share."""
        if wait := self.take(network_of(address)):
            raise LimitExceeded(
                "too many attempts from this address",
                hint=f"Try again in {counted(math.ceil(wait), 'second')}.",
            )


def network_of(address: str, *, ipv4_prefix: int = 32) -> str:
    """What counts as one: with IPv6 a /64, which one host has for itself, with IPv4 the prefix given.

    ``address`` may be followed by a port; what is no address counts as it is.
    """
    parsed = _parsed(host_of(address))
    if parsed is None:
        return address
    mapped = getattr(parsed, "ipv4_mapped", None)
    if mapped is not None:
        parsed = mapped
    prefix = ipv4_prefix if isinstance(parsed, ipaddress.IPv4Address) else _IPV6_PREFIX
    if prefix == parsed.max_prefixlen:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, prefix), strict=False))


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
