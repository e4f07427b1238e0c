# SPDX-License-Identifier: Apache-2.0
import errno
import os
import socket
import ssl

import pytest

from proctor.core.net import (
    Address,
    connection_failure,
    format_address,
    host_of,
    is_wildcard,
    reachable_host,
    split_address,
)

GRPC = "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:9: {}"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "connection refused: nothing listens there"),
        (GRPC.format("Failed to connect to remote host: Connection refused"), "connection refused"),
        (GRPC.format("Failed to connect to remote host: Timeout occurred: timed out"), "no answer in time"),
        ("Deadline Exceeded", "no answer in time"),
        (socket.gaierror(-3, "Temporary failure in name resolution"), "the name cannot be resolved"),
        ("DNS resolution failed for x:1: C-ares status is not ARES_SUCCESS", "the name cannot be resolved"),
        (
            "Tls handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:100000f7:SSL routines",
            "it does not speak TLS there",
        ),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:992)"), "not speak TLS"),
        ("[('SSL routines', '', 'wrong version number')]", "it does not speak TLS there"),
        (
            OSError(98, "error while attempting to bind on address ('::', 22): address already in use"),
            "in use",
        ),
        (OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH)), "there is no route to it"),
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "Too many open files"),
        ("[Errno 71] Protocol error", "Protocol error"),
        ("Socket closed", "the connection was closed"),
        ("", "the connection was closed"),
    ],
)
def test_reasons(error: Exception | str, reason: str) -> None:
    text = connection_failure(error)
    assert reason in text
    assert not any(word in text for word in ("Errno", "_ssl.c", "ipv4:", "TSI", "SSL_ERROR"))


@pytest.mark.parametrize(
    ("host", "wildcard", "reachable"),
    [
        ("0.0.0.0", True, "127.0.0.1"),
        ("::", True, "::1"),
        ("", True, "127.0.0.1"),
        ("192.0.2.1", False, "192.0.2.1"),
        ("::1", False, "::1"),
    ],
)
def test_wildcards_are_reached_by_loopback(host: str, wildcard: bool, reachable: str) -> None:
    assert (is_wildcard(host), reachable_host(host)) == (wildcard, reachable)


@pytest.mark.parametrize(
    ("host", "text"), [("::1", "[::1]:22"), ("127.0.0.1", "127.0.0.1:22"), ("a.example", "a.example:22")]
)
def test_an_address_is_split_as_it_was_formatted(host: str, text: str) -> None:
    assert format_address(host, 22) == str(Address(host, 22)) == text
    assert split_address(text, 1) == (host, 22)


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("192.0.2.1:50000", "192.0.2.1"),
        ("192.0.2.1:0", "192.0.2.1"),
        ("[2001:db8::1]:50000", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[fe80::1%eth0]:50000", "fe80::1%eth0"),
        ("web-1", "web-1"),
        ("", ""),
    ],
)
def test_the_host_of_a_peer_is_without_port_and_brackets(address: str, host: str) -> None:
    assert host_of(address) == host
