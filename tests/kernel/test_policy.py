# SPDX-License-Identifier: Apache-2.0
"""Sessions that may not connect everywhere: what the kernel refuses, and how it is recorded."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from proctor.core.errors import Unavailable
from proctor.model.network import ALL_PORTS, NetworkPolicy, Ports, Reach
from testing.capture import CaptureHarness, Event
from testing.polling import until

CLONE_NEWNET = 0x40000000
SECRET = "127.0.0.7"


def reach(cidr: str, tcp: Ports = ALL_PORTS, udp: Ports = ALL_PORTS) -> Reach:
    address, _, bits = cidr.partition("/")
    if ip_address(address).version == 4:
        return Reach(f"::ffff:{address}/{96 + int(bits or 32)}", tcp, udp)
    return Reach(cidr, tcp, udp)


ONLY_LOCAL = NetworkPolicy(allow=(reach("127.0.0.0/8"), reach("::1/128")), deny=(reach(SECRET),))
NOTHING = NetworkPolicy(allow=())
EVERYTHING = NetworkPolicy(allow=(reach("0.0.0.0/0"), reach("::/0")))
Act = Callable[[], object]


def connect(address: str, port: int, family: socket.AddressFamily = socket.AF_INET, flags: int = 0) -> int:
    with socket.socket(family, socket.SOCK_STREAM | flags) as client:
        return client.connect_ex((address, port))


def send(address: str, port: int = 9, family: socket.AddressFamily = socket.AF_INET) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", (address, port))


def sent(address: str) -> int:
    """The errno of sending a datagram there."""
    try:
        send(address)
    except OSError as error:
        return error.errno or 0
    return 0


def outcome(act: Act) -> Act:
    """A child that ends with the errno of ``act``."""

    def run() -> None:
        try:
            os._exit(int(act() or 0))  # type: ignore[call-overload]
        except OSError as error:
            os._exit(error.errno or 255)

    return run


def tried(
    lab: CaptureHarness, act: Act, policy: NetworkPolicy | None = ONLY_LOCAL
) -> tuple[int | None, list[Event]]:
    session = lab.run(outcome(act), ["network"], network=policy)
    return session.status, session.connections


@pytest.fixture
def server() -> Iterator[int]:
    """A port that listens on every address of this machine, of either version."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize(
    ("address", "family"),
    [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6), ("::ffff:127.0.0.2", socket.AF_INET6)],
)
def test_allowed(lab: CaptureHarness, server: int, address: str, family: socket.AddressFamily) -> None:
    status, [event] = tried(lab, lambda: connect(address, server, family))

    assert (status, event["action"], event["return_code"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("act", "operation", "shown"),
    [
        (lambda port: connect(SECRET, port), 0, SECRET),
        (lambda port: connect(SECRET, port, flags=socket.SOCK_NONBLOCK), 0, SECRET),
        (lambda port: connect(f"::ffff:{SECRET}", port, socket.AF_INET6), 0, SECRET),
        (lambda port: connect("192.0.2.1", port), 0, "192.0.2.1"),
        (lambda port: connect("0.0.0.0", port), 0, "0.0.0.0"),
        (lambda port: connect("::", port, socket.AF_INET6), 0, "::"),
        (lambda port: connect("2001:db8::1", port, socket.AF_INET6), 0, "2001:db8::1"),
        (lambda port: socket.socket().sendto(b"x", socket.MSG_FASTOPEN, (SECRET, port)), 0, SECRET),
        (lambda port: send(SECRET, port), 1, SECRET),
        (lambda port: send(f"::ffff:{SECRET}", port, socket.AF_INET6), 1, SECRET),
        (lambda port: send("2001:db8::1", port, socket.AF_INET6), 1, "2001:db8::1"),
        (lambda port: socket.socket(type=socket.SOCK_DGRAM).connect((SECRET, port)), 0, SECRET),
    ],
)
def test_denied(
    lab: CaptureHarness, server: int, act: Callable[[int], object], operation: int, shown: str
) -> None:
    status, [event] = tried(lab, lambda: act(server))

    assert status == errno.EPERM
    assert (event["action"], event["return_code"]) == (1, -errno.EPERM)
    assert (event["operation"], event["dst_addr"], event["dst_port"]) == (operation, shown, server)


def ping() -> None:
    """A socket for echo requests, in a network where all may have one."""
    ctypes.CDLL(None).unshare(CLONE_NEWNET)
    Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 1000")
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)


@pytest.mark.parametrize(
    "act",
    [ping, lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP).close()],
    ids=["ping", "raw"],
)
def test_sockets_that_no_hook_would_see_are_denied(lab: CaptureHarness, act: Act) -> None:
    status, [event] = tried(lab, act)

    assert status == errno.EPERM
    assert (event["operation"], event["action"], event["return_code"]) == (4, 1, -errno.EPERM)


def test_ports_and_protocols(lab: CaptureHarness, server: int) -> None:
    policy = NetworkPolicy(allow=(Reach("::ffff:127.0.0.1/128", tcp=((server, server),), udp=()),))

    def try_all() -> None:
        connect("127.0.0.1", server)
        connect("127.0.0.1", server - 1)
        with pytest.raises(PermissionError):
            send("127.0.0.1", server)

    _, events = tried(lab, try_all, policy)

    assert [(event["protocol"], event["dst_port"] - server, event["action"]) for event in events] == [
        ("tcp", 0, 0),
        ("tcp", -1, 1),
        ("udp", 0, 1),
    ]


def test_denied_attempts_are_recorded_when_connections_are_not(lab: CaptureHarness, server: int) -> None:
    def try_both() -> None:
        connect("127.0.0.1", server)
        connect(SECRET, server)

    session = lab.run(try_both, ["command"], network=ONLY_LOCAL)

    [event] = session.connections
    assert (event["dst_addr"], event["action"]) == (SECRET, 1)


def test_descendants_elsewhere_are_held_to_it(lab: CaptureHarness, server: int) -> None:
    """Out of the session's cgroup, in a session of its own, without a parent in the session."""

    def leave() -> int:
        (lab.tree.mount / "cgroup.procs").write_text("0")
        os.setsid()
        return connect(SECRET, server)

    status, events = tried(lab, leave)

    assert status == errno.EPERM
    assert [event["action"] for event in events] == [1]


def test_other_sessions_and_processes_are_not(lab: CaptureHarness, server: int) -> None:
    with lab.session(["sleep", "60"], network=NOTHING) as held:
        status, [event] = tried(lab, lambda: connect("127.0.0.1", server), None)
        assert connect("127.0.0.1", server) == 0
        os.kill(held.child.pid, 9)

    assert (status, event["action"]) == (0, 0)


def test_change_while_it_runs(lab: CaptureHarness) -> None:
    def send_until_all_was_seen() -> None:
        for expected in (0, errno.EPERM, 0):
            while expected != sent(SECRET):
                pass
        os._exit(0)

    with lab.session(send_until_all_was_seen, ["network"], network=EVERYTHING) as session:

        def has_reported(action: int) -> bool:
            return any(event["action"] == action for event in lab.subscriber.events(session.sid))

        until(lambda: has_reported(0), 10, "allowed")
        session.restrict(ONLY_LOCAL)
        until(lambda: has_reported(1), 10, "denied")
        session.restrict(None)

    actions = [event["action"] for event in session.connections]
    assert actions == [*sorted(actions[:-1]), 0]
    assert session.status == 0


def test_same_policy_is_kept_once_and_dropped_with_the_last_session(lab: CaptureHarness, server: int) -> None:
    with lab.session(["sleep", "60"], network=ONLY_LOCAL) as one:
        for _ in range(3):
            status, _ = tried(lab, lambda: connect(SECRET, server))
            assert status == errno.EPERM
        os.kill(one.child.pid, 9)
    status, _ = tried(lab, lambda: connect(SECRET, server))

    assert status == errno.EPERM


def test_more_than_the_kernel_holds(lab: CaptureHarness) -> None:
    ports = tuple((port, port) for port in range(0, 200, 2))
    with pytest.raises(Unavailable, match=r"more than 32 ranges of ports for 127\.0\.0\.0/8"):
        lab.run(["true"], network=NetworkPolicy(allow=(reach("127.0.0.0/8", tcp=ports),)))
