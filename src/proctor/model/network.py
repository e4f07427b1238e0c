# SPDX-License-Identifier: Apache-2.0
"""Network policies of sessions: pure arithmetic on networks and ports.

Everything is reckoned in IPv6, with IPv4 mapped into it (``::ffff:0:0/96``), but a network of IPv6 never
stands for addresses of IPv4 that it happens to contain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

import msgspec

MAX_PORT = 65535
Protocol = Literal["tcp", "udp"]
PROTOCOLS: tuple[Protocol, ...] = ("tcp", "udp")
Ports = tuple[tuple[int, int], ...]
"""First and last of each range; as a result sorted, without overlap."""

ALL_PORTS: Ports = ((0, MAX_PORT),)
MAPPED = IPv6Network("::ffff:0:0/96")
EVERYTHING = IPv6Network("::/0")
_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")


def parse_networks(cidr: str | Sequence[str]) -> tuple[IPv6Network, ...]:
    """The networks named, IPv4 mapped. Raises ValueError for what is none, or has bits beyond its prefix."""
    return tuple(_parse_network(text) for text in ([cidr] if isinstance(cidr, str) else cidr))


def _parse_network(text: str) -> IPv6Network:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error} (examples: 10.0.0.0/8, 192.0.2.7, 2001:db8::/32)") from None
    if isinstance(network, IPv4Network):
        address = int(MAPPED.network_address) + int(network.network_address)
        return IPv6Network((address, MAPPED.prefixlen + network.prefixlen))
    return network


def spelled(network: str) -> str:
    """A network as people write it: IPv4 without the mapping."""
    found = IPv6Network(network)
    if not found.subnet_of(MAPPED):
        return network
    address = IPv4Address(int(found.network_address) & 0xFFFFFFFF)
    return f"{address}/{found.prefixlen - MAPPED.prefixlen}"


def parse_ports(ports: Sequence[int | str]) -> Ports:
    """The ranges named; all ports when none is. Raises ValueError for what is no port or range of ports."""
    return _joined(_parse_range(str(port)) for port in ports) if ports else ALL_PORTS


def _parse_range(text: str) -> tuple[int, int]:
    match = _RANGE.fullmatch(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
    if not 0 <= first <= last <= MAX_PORT:
        raise ValueError(f"not a port or a range of ports: {text!r} (examples: 443, 8000-8100)")
    return first, last


class Reach(msgspec.Struct, frozen=True):
    """Ports of all addresses of a network, by protocol. ``network``: of IPv6, as text."""

    network: str
    tcp: Ports = ()
    udp: Ports = ()

    def ports(self, protocol: Protocol) -> Ports:
        """The ports of one protocol."""
        return self.tcp if protocol == "tcp" else self.udp


class NetworkPolicy(msgspec.Struct, frozen=True):
    """Destinations of a session: what ``allow`` names, everything if it is None, less ``deny``."""

    allow: tuple[Reach, ...] | None = None
    deny: tuple[Reach, ...] = ()

    def permits(self, protocol: Protocol, address: str, port: int) -> bool:
        """May a connection go to ``port`` of ``address``? An unspecified address never is a destination."""
        there = _mapped(address)
        if not int(there) or there == MAPPED.network_address:
            return False
        found = max(
            (reach for reach in self.resolved() if there in IPv6Network(reach.network)),
            key=lambda reach: IPv6Network(reach.network).prefixlen,
        )
        return any(first <= port <= last for first, last in found.ports(protocol))

    def resolved(self) -> list[Reach]:
        """Return the policy by network: of those that contain an address, the smallest one counts."""
        named = {IPv6Network(reach.network) for reach in (*(self.allow or ()), *self.deny)}
        return [self._within(network) for network in sorted({EVERYTHING, MAPPED, *named})]

    def _within(self, network: IPv6Network) -> Reach:
        return Reach(str(network), *(self._ports(network, protocol) for protocol in PROTOCOLS))

    def _ports(self, network: IPv6Network, protocol: Protocol) -> Ports:
        allowed = ALL_PORTS if self.allow is None else _union(self.allow, network, protocol)
        return _without(allowed, _union(self.deny, network, protocol))


def _mapped(address: str) -> IPv6Address:
    there = ip_address(address.partition("%")[0])
    return there if isinstance(there, IPv6Address) else MAPPED[int(there)]


def _union(reaches: Iterable[Reach], network: IPv6Network, protocol: Protocol) -> Ports:
    return _joined(pair for reach in reaches if _covers(reach, network) for pair in reach.ports(protocol))


def _covers(reach: Reach, network: IPv6Network) -> bool:
    outer = IPv6Network(reach.network)
    return network.subnet_of(outer) and outer.subnet_of(MAPPED) == network.subnet_of(MAPPED)


def _joined(ranges: Iterable[tuple[int, int]]) -> Ports:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


def _without(ranges: Ports, denied: Ports) -> Ports:
    """``ranges`` less ``denied``; both are sorted and without overlap."""
    left = ranges
    for low, high in denied:
        pieces = [((first, min(last, low - 1)), (max(first, high + 1), last)) for first, last in left]
        left = tuple(piece for pair in pieces for piece in pair if piece[0] <= piece[1])
    return left
