# SPDX-License-Identifier: Apache-2.0
"""Addresses of services, and why a connection failed, in the same words whichever library reports it."""

from __future__ import annotations

import ipaddress
import re

import msgspec

from proctor.core.errors import BadRequest

ANY = "0.0.0.0"  # noqa: S104 - services listen on all addresses by default
_LOOPBACK = {"": "127.0.0.1", ANY: "127.0.0.1", "::": "::1"}

# What the C library, OpenSSL and gRPC say in errors that carry no number, or whose number is lost on the way.
_REASONS = tuple(
    (re.compile(pattern, re.IGNORECASE), reason)
    for pattern, reason in (
        (r"connection refused", "connection refused: nothing listens there"),
        (
            r"name resolution|name or service not known|getaddrinfo|domain name|DNS|no address associated",
            "the name cannot be resolved",
        ),
        (r"timed? ?out|deadline exceeded", "no answer in time"),
        (r"certificate verify failed|certificate_verify_failed|unknown ca", "its certificate is not trusted"),
        (
            r"wrong.version|http_request|packet.length|record.layer|TSI_PROTOCOL|handshake|SSL routines",
            "it does not speak TLS there; this may be the port of another service",
        ),
        (r"no route to host|unreachable", "there is no route to it"),
        (r"reset by peer|socket closed|closed|EOF|broken pipe|GOAWAY", "the connection was closed"),
        (r"address already in use", "the address is in use by another program"),
        (r"cannot assign requested address", "this host does not have the address"),
        (r"permission denied", "permission denied"),
    )
)
_ERRNO = re.compile(r"^\[(?:Errno|SSL)[^\]]*\]\s*")


def connection_failure(error: Exception | str) -> str:
    """A reason without numbers, names of functions or nested texts of libraries."""
    text = str(error)
    for pattern, reason in _REASONS:
        if pattern.search(text):
            return reason
    known = getattr(error, "strerror", None)
    return str(known) if known else _ERRNO.sub("", text) or "the connection was closed"


class Address(msgspec.Struct, frozen=True, order=True):
    """A host (name, IPv4 or IPv6 without brackets) and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return format_address(self.host, self.port)


def format_address(host: str, port: int) -> str:
    """``host:port``, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def split_address(address: str, default_port: int) -> tuple[str, int]:
    """Host and port of ``host``, ``host:port`` or ``[v6]:port``; raises BadRequest."""
    host, text = _parts(address)
    port = str(default_port) if text is None else text
    if not host or not (port.isascii() and port.isdecimal() and len(port) < 6) or not 0 < int(port) < 65536:
        raise BadRequest(
            f"{address!r} is not an address", hint="Expected host:port, for example 127.0.0.1:3025"
        )
    return host, int(port)


def host_of(address: str) -> str:
    """The host of such an address, without checks: of a peer, which a library reports."""
    return _parts(address)[0]


def _parts(address: str) -> tuple[str, str | None]:
    host, separator, port = address.rpartition(":")
    if not separator or address.endswith("]") or (":" in host and not host.startswith("[")):
        return address.strip("[]"), None
    return host.strip("[]"), port


def is_ip(text: str) -> bool:
    """Is ``text`` an IPv4 or IPv6 address, without brackets?"""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_wildcard(host: str) -> bool:
    """Does a listener on ``host`` accept on all addresses, so that nothing can be dialled by it?"""
    return host in _LOOPBACK


def reachable_host(host: str) -> str:
    """An address of this host at which a listener on ``host`` is reached: loopback for a wildcard."""
    return _LOOPBACK.get(host, host)
