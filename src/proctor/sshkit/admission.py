# SPDX-License-Identifier: Apache-2.0
"""SSH connections whose client has not logged in yet: how many there may be, as sshd's MaxStartups."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, Protocol, TypeVar

from proctor.core.limits.rates import network_of

MAX_UNAUTHENTICATED = 200
"""All together. Beyond, one goes: a login takes less than a second."""

MAX_PER_NETWORK = 50
"""Of one IPv4 address, or one IPv6 network of 64 bits."""


class Droppable(Protocol):
    """A connection."""

    def drop(self) -> None:
        """Close it at once."""


C = TypeVar("C", bound=Droppable)


class UnauthenticatedConnections(Generic[C]):
    """Those connections. Where one too many comes, the oldest of the network that has most is dropped.

    So a client that only holds connections displaces its own connections alone. ``shared``: most clients come
    through one address, which may have all places.
    """

    def __init__(self, *, shared: bool = False) -> None:
        self._shared = shared
        self._networks: dict[str, OrderedDict[C, None]] = {}
        self._of: dict[C, str] = {}

    def __len__(self) -> int:
        return len(self._of)

    def add(self, connection: C, address: str) -> None:
        """A connection from ``address`` was made."""
        network = network_of(address)
        self._networks.setdefault(network, OrderedDict())[connection] = None
        self._of[connection] = network
        if not self._shared and len(self._networks[network]) > MAX_PER_NETWORK:
            self._drop_oldest(network)
        elif len(self._of) > MAX_UNAUTHENTICATED:
            self._drop_oldest(max(self._networks, key=lambda each: len(self._networks[each])))

    def _drop_oldest(self, network: str) -> None:
        oldest = next(iter(self._networks[network]))
        self.remove(oldest)
        oldest.drop()

    def remove(self, connection: C) -> None:
        """Its client has logged in, or it has ended."""
        network = self._of.pop(connection, None)
        if network is None:
            return
        members = self._networks[network]
        del members[connection]
        if not members:
            del self._networks[network]
