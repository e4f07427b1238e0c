"""How often one address may try to log in."""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict

from proctor.core.clock import Clock
from proctor.core.errors import LimitExceeded

BURST = 40
PER_SECOND = 0.5
MAX_ADDRESSES = 50_000


class RateLimit:
    """A token bucket for each address: ``burst`` attempts at once, then ``per_second``."""

    def __init__(self, clock: Clock, *, burst: int = BURST, per_second: float = PER_SECOND) -> None:
        self._clock = clock
        self._burst = burst
        self._per_second = per_second
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, address: str) -> None:
        """Count one attempt; raises LimitExceeded when ``address`` has used up its share."""
        key = _network(address)
        now = self._clock.monotonic()
        tokens, since = self._buckets.pop(key, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - since) * self._per_second)
        self._buckets[key] = (max(0.0, tokens - 1) if tokens >= 1 else tokens, now)
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        if tokens < 1:
            seconds = math.ceil((1 - tokens) / self._per_second)
            raise LimitExceeded(
                "too many attempts from this address", hint=f"Try again in {seconds} seconds."
            )


def _network(address: str) -> str:
    """What counts as one address: with IPv6, a host's whole /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return address
