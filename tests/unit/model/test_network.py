# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core.errors import Corrupted
from proctor.model.access import network_policy
from proctor.model.network import (
    PROTOCOLS,
    NetworkPolicy,
    Protocol,
    Reach,
    parse_networks,
    parse_ports,
    spelled,
)
from proctor.model.resources import Conditions, Metadata, NetworkRule, Role, RoleSpec
from proctor.model.serde import from_json


def role(allow: list[NetworkRule] | None = None, deny: list[NetworkRule] | None = None) -> Role:
    return Role(
        metadata=Metadata(name="r"),
        spec=RoleSpec(allow=Conditions(network=allow), deny=Conditions(network=deny)),
    )


def policy(*roles: Role) -> NetworkPolicy:
    found = network_policy(roles)
    assert found is not None
    return found


INTERNAL = NetworkRule(cidr="10.0.0.0/8", ports=[443, "8000-8100"], protocol="tcp")
RESOLVER = NetworkRule(cidr="10.0.0.53", ports=[53])
SECRETS = NetworkRule(cidr=["10.1.0.0/16", "2001:db8:1::/48"])


def test_roles_that_say_nothing_restrict_nothing() -> None:
    assert network_policy([role(), role()]) is None


@pytest.mark.parametrize(
    ("protocol", "address", "port", "expected"),
    [
        ("tcp", "10.2.3.4", 443, True),
        ("tcp", "10.2.3.4", 8050, True),
        ("tcp", "10.2.3.4", 444, False),
        ("udp", "10.2.3.4", 443, False),
        ("udp", "10.0.0.53", 53, True),
        ("tcp", "10.0.0.53", 53, True),
        ("tcp", "10.0.0.53", 443, True),
        ("tcp", "192.0.2.1", 443, False),
        ("tcp", "::1", 443, False),
        ("tcp", "::ffff:10.2.3.4", 443, True),
        ("tcp", "10.1.2.3", 443, False),
        ("tcp", "0.0.0.0", 443, False),
    ],
)
def test_allowed_less_denied(protocol: Protocol, address: str, port: int, expected: bool) -> None:
    found = policy(role([INTERNAL]), role([RESOLVER], [SECRETS]))

    assert found.permits(protocol, address, port) is expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [("10.1.0.0", False), ("10.2.0.0", True), ("2001:db8:1::7", False), ("2001:db8:2::7", True)],
)
def test_only_denied(address: str, expected: bool) -> None:
    assert policy(role(deny=[SECRETS]), role()).permits("tcp", address, 80) is expected


def test_role_that_allows_nothing() -> None:
    assert not policy(role([])).permits("tcp", "10.0.0.1", 80)


def test_all_of_ipv6_is_not_ipv4() -> None:
    found = policy(role([NetworkRule(cidr="::/0")]))

    assert found.permits("tcp", "2001:db8::1", 80)
    assert not found.permits("tcp", "10.0.0.1", 80)
    assert not found.permits("tcp", "::ffff:10.0.0.1", 80)


def test_everything_does_not_reach_unspecified_addresses() -> None:
    found = policy(role([NetworkRule(cidr=["0.0.0.0/0", "::/0"])]))

    assert found.permits("udp", "127.0.0.1", 53)
    assert not any(found.permits("tcp", address, 80) for address in ("0.0.0.0", "::", "::ffff:0.0.0.0"))


addresses = st.integers(0, 255).map(lambda last: f"10.0.0.{last}")
networks = st.tuples(addresses, st.integers(24, 32)).map(
    lambda pair: str(ip_network(f"{pair[0]}/{pair[1]}", strict=False))
)
ranges = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: f"{min(pair)}-{max(pair)}")
rules = st.lists(
    st.builds(
        NetworkRule,
        cidr=networks,
        ports=st.lists(ranges, max_size=3),
        protocol=st.sampled_from(["any", "tcp", "udp"]),
    ),
    max_size=4,
)


@given(rules, rules, st.sampled_from(PROTOCOLS), addresses, st.integers(0, 40))
def test_any_rules(
    allow: list[NetworkRule], deny: list[NetworkRule], protocol: Protocol, address: str, port: int
) -> None:
    def names(rule: NetworkRule) -> bool:
        [there] = parse_networks(address)
        inside = any(there.subnet_of(network) for network in parse_networks(rule.cidr))
        ports = any(first <= port <= last for first, last in parse_ports(rule.ports))
        return inside and ports and rule.protocol in ("any", protocol)

    expected = any(map(names, allow)) and not any(map(names, deny))

    assert policy(role(allow, deny)).permits(protocol, address, port) is expected


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ('{"cidr":"10.0.0.1/8"}', "has host bits set"),
        ('{"cidr":"example.com"}', "does not appear to be an IPv4 or IPv6 network"),
        ('{"cidr":"10.0.0.0/8","ports":[70000]}', "not a port or a range of ports: '70000'"),
        ('{"cidr":"10.0.0.0/8","ports":["9-8"]}', "not a port or a range of ports: '9-8'"),
        ('{"cidr":"10.0.0.0/8","ports":["http"]}', "not a port or a range of ports: 'http'"),
        ('{"cidr":"10.0.0.0/8","protocol":"icmp"}', "icmp"),
        ('{"cidrs":"10.0.0.0/8"}', "cidr"),
    ],
)
def test_wrong_rules_are_reported(rule: str, complaint: str) -> None:
    text = f'{{"metadata":{{"name":"r"}},"spec":{{"allow":{{"network":[{rule}]}}}}}}'
    with pytest.raises(Corrupted, match=complaint):
        from_json(text.encode(), Role)


@pytest.mark.parametrize(
    ("network", "text"),
    [
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:192.0.2.7/128", "192.0.2.7/32"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::/0", "::/0"),
    ],
)
def test_networks_are_shown_as_people_write_them(network: str, text: str) -> None:
    assert spelled(network) == text


@pytest.mark.parametrize(
    ("ports", "ranges"),
    [
        ([], ((0, 65535),)),
        ([65535], ((65535, 65535),)),
        ([80, 82], ((80, 80), (82, 82))),
        (["1-5", 6], ((1, 6),)),
        (["1-5", "3-4"], ((1, 5),)),
        (["10-20", 5], ((5, 5), (10, 20))),
    ],
)
def test_ranges_of_ports_are_joined(ports: list[int | str], ranges: tuple[tuple[int, int], ...]) -> None:
    assert parse_ports(ports) == ranges


@pytest.mark.parametrize("port", [65536, "5-1", "1-65536", "-1", "http", "", "٣", "\uff11-2"])
def test_what_is_no_port_is_refused(port: int | str) -> None:
    with pytest.raises(ValueError, match="not a port or a range of ports"):
        parse_ports([port])


@pytest.mark.parametrize(
    ("denied", "allowed", "refused"),
    [
        ([443], (442, 444), (443,)),
        (["0-442"], (443, 65535), (0, 442)),
        (["444-65535"], (0, 443), (444, 65535)),
        ([100, 200], (99, 101, 150, 199, 201), (100, 200)),
        ([4, 6], (3, 5, 7), (4, 6)),
    ],
)
def test_denied_ports_are_cut_out_exactly(
    denied: list[int | str], allowed: tuple[int, ...], refused: tuple[int, ...]
) -> None:
    found = policy(role(deny=[NetworkRule(cidr="10.0.0.0/8", ports=denied, protocol="tcp")]))
    assert all(found.permits("tcp", "10.0.0.1", port) for port in allowed)
    assert not any(found.permits("tcp", "10.0.0.1", port) for port in refused)
    assert all(found.permits("udp", "10.0.0.1", port) for port in refused)


def test_each_protocol_has_its_ports() -> None:
    reach = Reach("::/0", tcp=((1, 2),), udp=((3, 4),))
    assert reach.ports("tcp") == ((1, 2),)
    assert reach.ports("udp") == ((3, 4),)
    assert PROTOCOLS == ("tcp", "udp")


def test_zone_of_an_address_does_not_matter() -> None:
    found = policy(role([NetworkRule(cidr="fe80::/10", ports=[80])]))
    assert found.permits("tcp", "fe80::1%eth0", 80)
    assert not found.permits("tcp", "fec0::1%eth0", 80)
