from __future__ import annotations

import ctypes
import errno
import os
import socket
from collections.abc import Callable

import pytest

from tests.support.capture import Event, Lab

ADDRESSES = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
VERSIONS = {socket.AF_INET: 4, socket.AF_INET6: 6}
CLONE_NEWNET = 0x40000000
both = pytest.mark.parametrize("family", ADDRESSES, ids=["IPv4", "IPv6"])


def made(lab: Lab, act: Callable[[], object]) -> list[Event]:
    return lab.run(act, ["network"]).connections


def listener(family: socket.AddressFamily) -> socket.socket:
    server = socket.socket(family)
    server.bind((ADDRESSES[family], 0))
    server.listen()
    return server


@both
def test_connection(lab: Lab, family: socket.AddressFamily) -> None:
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
def test_refused(lab: Lab, family: socket.AddressFamily) -> None:
    with listener(family) as server:
        port = server.getsockname()[1]

    [event] = made(lab, lambda: socket.socket(family).connect_ex((ADDRESSES[family], port)))

    assert event["return_code"] == -errno.ECONNREFUSED
    assert (event["dst_addr"], event["dst_port"]) == (ADDRESSES[family], port)
    assert event["src_addr"] == ADDRESSES[family]
    assert event["src_port"] > 0


@both
def test_without_waiting(lab: Lab, family: socket.AddressFamily) -> None:
    with listener(family) as server:
        port = server.getsockname()[1]

        def connect_twice() -> None:
            client = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            client.connect_ex((ADDRESSES[family], port))
            client.connect_ex((ADDRESSES[family], port))

        [event] = made(lab, connect_twice)

    assert event["return_code"] in (0, -errno.EINPROGRESS)
    assert event["dst_port"] == port


def test_without_waiting_refused(lab: Lab) -> None:
    with listener(socket.AF_INET) as server:
        port = server.getsockname()[1]

    def connect_until_refused() -> None:
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        while client.connect_ex(("127.0.0.1", port)) != errno.ECONNREFUSED:
            pass

    assert len(made(lab, connect_until_refused)) == 1


def test_unreachable(lab: Lab) -> None:
    def without_network() -> None:
        ctypes.CDLL(None).unshare(CLONE_NEWNET)
        socket.socket().connect_ex(("192.0.2.1", 80))

    [event] = made(lab, without_network)

    assert event["return_code"] == -errno.ENETUNREACH
    assert (event["dst_addr"], event["dst_port"]) == ("192.0.2.1", 80)


def test_mapped_address_is_ipv4(lab: Lab) -> None:
    with listener(socket.AF_INET) as server:
        port = server.getsockname()[1]
        [event] = made(lab, lambda: socket.socket(socket.AF_INET6).connect(("::ffff:127.0.0.1", port)))

    assert (event["version"], event["dst_addr"], event["src_addr"]) == (4, "127.0.0.1", "127.0.0.1")


@both
def test_datagrams_once_per_destination(lab: Lab, family: socket.AddressFamily) -> None:
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


def test_datagram_socket_that_connects(lab: Lab) -> None:
    def connect() -> None:
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.connect(("127.0.0.1", 9))
        client.send(b"x")

    [event] = made(lab, connect)

    assert (event["operation"], event["protocol"], event["dst_port"]) == (0, "udp", 9)


def test_fast_open(lab: Lab) -> None:
    with listener(socket.AF_INET) as server:
        address = server.getsockname()
        [event] = made(lab, lambda: socket.socket().sendto(b"x", socket.MSG_FASTOPEN, address))

    assert (event["operation"], event["protocol"], event["dst_port"]) == (0, "tcp", address[1])
    assert event["return_code"] == 0


def test_accepted(lab: Lab) -> None:
    def serve_itself() -> None:
        server = listener(socket.AF_INET)
        client = socket.create_connection(server.getsockname())
        server.accept()
        os.write(client.fileno(), b"x")

    connect, accept = made(lab, serve_itself)

    assert accept["operation"] == 2
    assert (accept["src_port"], accept["dst_port"]) == (connect["dst_port"], connect["src_port"])


def test_unix_sockets_are_not_connections(lab: Lab, tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "socket")

    def connect() -> None:
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen()
        socket.socket(socket.AF_UNIX).connect(path)
        socket.socket(socket.AF_UNIX).connect_ex("/nowhere")

    assert made(lab, connect) == []
