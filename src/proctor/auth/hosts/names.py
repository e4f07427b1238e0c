# SPDX-License-Identifier: Apache-2.0
"""Names that a host may have at all."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from proctor.core.errors import BadRequest

MAX_HOSTNAME = 253
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LOCAL = ("localhost", "localdomain", "cluster.local", "invalid")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_address(text: str) -> Address | None:
    """An IP address, in brackets or not; IPv4 in IPv6 is the IPv4 address. None for a name."""
    try:
        address = ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def normalize(name: str) -> str:
    """``name`` in the one form in which names are compared: lower case, without a dot at its end.

    Raises BadRequest for what is no host name by RFC 1123 (underscores are let through) or is read as an
    address by some programs (``127.1``, ``0x7f000001``).
    """
    plain = name.lower().removesuffix(".")
    labels = plain.split(".")
    fitting = name.isascii() and len(plain) <= MAX_HOSTNAME and all(map(_LABEL.fullmatch, labels))
    if not fitting or _NUMBER.fullmatch(labels[-1]):
        raise BadRequest(
            f"{name[:MAX_HOSTNAME]!r} is not a name for a host",
            hint="Use letters, digits, '-' and '.', and set it as teleport.nodename or public_addr.",
        )
    return plain


def is_international(name: str) -> bool:
    """Has a normalized name a label of IDNA, which may look like any other name?"""
    return any(label.startswith("xn--") for label in name.split("."))


def is_local(name: str) -> bool:
    """Does a normalized name mean the same host everywhere, or the services of a cluster?"""
    return any(name == local or name.endswith(f".{local}") for local in _LOCAL)


def is_uuid_like(name: str) -> bool:
    """Is the first label of a normalized name a host id, with or without dashes?"""
    return _UUID.fullmatch(name.partition(".")[0]) is not None


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Does one of ``patterns`` (``*`` and ``?`` as in a shell, any case) fit a normalized name?"""
    return any(fnmatchcase(name, pattern.lower().removesuffix(".")) for pattern in patterns)
