# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from testing.capture import CaptureHarness, Event

ADDRESSES = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
VERSIONS = {socket.AF_INET: 4, socket.AF_INET6: 6}
CLONE_NEWNET = 0x40000000
both = pytest.mark.parametrize("family", ADDRESSES, ids=["IPv4", "IPv6"])


def made(lab: CaptureHarness, act: Callable[[], object]) -> list[Event]:
    return lab.run(act, ["network"]).connections


def listener(family: socket.AddressFamily) -> socket.socket:
    server = socket.socket(family)
    server.bind((ADDRESSES[family], 0))
    server.listen()
    return server


@pytest.fixture
def silent() -> Iterator[int]:
    """A port from which nothing comes back: as many wait there as may."""
    with socket.socket() as server, socket.socket() as waiting:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting.connect(server.getsockname())
        yield server.getsockname()[1]


@both
def test_connection(lab: CaptureHarness, family: socket.AddressFamily) -> None:
    with listener(family) as server:
        port = server.getsockname()[1]
        [event] = made(lab, lambda: socket.socket(family).connect((ADDRESSES[family], port)))
        connection, (_, source_port, *_) = server.accept()
        connection.close()

    assert event["dst_addr"] == event["src_addr"] == ADDRESSES[family]
    assert (event["dst_port"], event["src_port"]) == (port, source_port)
    assert event["version"] == VERSIONS[family]
    assert (event["operation"], event["action"], event["return_code"]) == (0, 0, 0)
    assert event["protocol"] == "tcp"


@both
def test_refused(lab: CaptureHarness, family: socket.AddressFamily) -> None:
    with listener(family) as server:
        port = server.getsockname()[1]

    [event] = made(lab, lambda: socket.socket(family).connect_ex((ADDRESSES[family], port)))

    assert event["return_code"] == -errno.ECONNREFUSED
    assert (event["dst_addr"], event["dst_port"]) == (ADDRESSES[family], port)
    assert event["src_addr"] == ADDRESSES[family]
    assert event["src_port"] > 0


@both
def test_without_waiting(lab: CaptureHarness, family: socket.AddressFamily) -> None:
    with listener(family) as server:
        port = server.getsockname()[1]

        def connect_until_it_is() -> None:
            client = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            while client.connect_ex((ADDRESSES[family], port)) != errno.EISCONN:
                pass

        attempt, outcome = made(lab, connect_until_it_is)

    assert (attempt["operation"], attempt["return_code"]) == (0, -errno.EINPROGRESS)
    assert (outcome["event"], outcome["return_code"]) == ("session.outcome", 0)
    assert attempt["dst_port"] == outcome["dst_port"] == port
    assert attempt["src_port"] == outcome["src_port"] > 0
    assert (outcome["pid"], outcome["program"]) == (attempt["pid"], attempt["program"])


def test_without_waiting_refused(lab: CaptureHarness) -> None:
    with listener(socket.AF_INET) as server:
        port = server.getsockname()[1]

    def connect_until_refused() -> None:
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        while client.connect_ex(("127.0.0.1", port)) != errno.ECONNREFUSED:
            pass

    attempt, outcome = made(lab, connect_until_refused)

    assert attempt["return_code"] == -errno.EINPROGRESS
    assert (outcome["event"], outcome["return_code"]) == ("session.outcome", -errno.ECONNREFUSED)


def test_given_up(lab: CaptureHarness, silent: int) -> None:
    """A connection that is closed before there is an answer has come to nothing."""

    def give_up() -> None:
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        client.connect_ex(("127.0.0.1", silent))
        client.close()

    attempt, outcome = made(lab, give_up)

    assert attempt["return_code"] == -errno.EINPROGRESS
    assert (outcome["event"], outcome["return_code"]) == ("session.outcome", -errno.ECONNABORTED)
    assert outcome["dst_port"] == silent


def test_interrupted(lab: CaptureHarness, silent: int) -> None:
    def be_interrupted() -> None:
        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        socket.socket().connect(("127.0.0.1", silent))

    attempt, outcome = made(lab, be_interrupted)

    assert attempt["return_code"] == -errno.EINTR
    assert (outcome["event"], outcome["return_code"]) == ("session.outcome", -errno.ECONNABORTED)


def test_unreachable(lab: CaptureHarness) -> None:
    def without_network() -> None:
        ctypes.CDLL(None).unshare(CLONE_NEWNET)
        socket.socket().connect_ex(("192.0.2.1", 80))

    [event] = made(lab, without_network)

    assert event["return_code"] == -errno.ENETUNREACH
    assert (event["dst_addr"], event["dst_port"]) == ("192.0.2.1", 80)


def test_mapped_address_is_ipv4(lab: CaptureHarness) -> None:
    with listener(socket.AF_INET) as server:
        port = server.getsockname()[1]
        [event] = made(lab, lambda: socket.socket(socket.AF_INET6).connect(("::ffff:127.0.0.1", port)))

    assert (event["version"], event["dst_addr"], event["src_addr"]) == (4, "127.0.0.1", "127.0.0.1")


@both
def test_datagrams_once_per_destination(lab: CaptureHarness, family: socket.AddressFamily) -> None:
    address = ADDRESSES[family]

    def send() -> None:
        client = socket.socket(family, socket.SOCK_DGRAM)
        for _ in range(5):
            client.sendto(b"x", (address, 9))
            client.sendto(b"x", (address, 10))
        socket.socket(family, socket.SOCK_DGRAM).sendmsg([b"x"], [], 0, (address, 9))

    events = made(lab, send)

    assert [event["dst_port"] for event in events] == [9, 10, 9]
    assert {event["operation"] for event in events} == {1}
    assert {event["protocol"] for event in events} == {"udp"}
    assert {event["dst_addr"] for event in events} == {address}


def test_datagram_socket_that_connects(lab: CaptureHarness) -> None:
    def connect() -> None:
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.connect(("127.0.0.1", 9))
        client.send(b"x")

    [event] = made(lab, connect)

    assert (event["operation"], event["protocol"], event["dst_port"]) == (0, "udp", 9)


def test_fast_open(lab: CaptureHarness) -> None:
    with listener(socket.AF_INET) as server:
        address = server.getsockname()
        [event] = made(lab, lambda: socket.socket().sendto(b"x", socket.MSG_FASTOPEN, address))

    assert (event["operation"], event["protocol"], event["dst_port"]) == (0, "tcp", address[1])
    assert event["return_code"] == 0


def test_accepted(lab: CaptureHarness) -> None:
    def serve_itself() -> None:
        server = listener(socket.AF_INET)
        client = socket.create_connection(server.getsockname())
        server.accept()
        os.write(client.fileno(), b"x")

    listen, connect, accept = made(lab, serve_itself)

    assert (listen["operation"], accept["operation"]) == (3, 2)
    assert (accept["src_port"], accept["dst_port"]) == (connect["dst_port"], connect["src_port"])


@both
def test_listening(lab: CaptureHarness, family: socket.AddressFamily) -> None:
    [event] = made(lab, lambda: listener(family))

    assert (event["operation"], event["protocol"], event["return_code"]) == (3, "tcp", 0)
    assert (event["src_addr"], event["dst_port"]) == (ADDRESSES[family], 0)
    assert event["src_port"] > 0


def test_listening_refused(lab: CaptureHarness) -> None:
    def listen_where_none_can() -> None:
        with suppress(OSError):
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).listen()

    [event] = made(lab, listen_where_none_can)

    assert (event["operation"], event["return_code"]) == (3, -errno.EOPNOTSUPP)


@pytest.mark.parametrize(
    ("family", "kind", "protocol", "shown"),
    [
        (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP, "icmp"),
        (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6, "icmpv6"),
        (socket.AF_PACKET, socket.SOCK_RAW, 0, "packet"),
        (socket.AF_PACKET, socket.SOCK_DGRAM, 0, "packet"),
    ],
)
def test_packets_of_its_own_making(
    lab: CaptureHarness, family: socket.AddressFamily, kind: socket.SocketKind, protocol: int, shown: str
) -> None:
    [event] = made(lab, lambda: socket.socket(family, kind, protocol))

    assert (event["operation"], event["protocol"], event["return_code"]) == (4, shown, 0)
    assert event["action"] == 0


def test_unix_sockets_are_not_connections(lab: CaptureHarness, tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "socket")

    def connect() -> None:
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen()
        socket.socket(socket.AF_UNIX).connect(path)
        socket.socket(socket.AF_UNIX).connect_ex("/nowhere")

    assert made(lab, connect) == []
