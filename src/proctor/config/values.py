# SPDX-License-Identifier: Apache-2.0
"""Kinds of values that a configuration file may hold, each with its reader and its name for people."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from proctor.core.net import ANY, Address, is_ip
from proctor.model.resources import parse_duration

_YES = frozenset({"y", "yes", "yeah", "true", "on", "1"})
_NO = frozenset({"n", "no", "nope", "false", "off", "0"})
UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_PIN = re.compile(r"sha256:[0-9a-f]{64}")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_HOST_NAME = re.compile(rf"(?=.{{1,254}}\Z){_LABEL}(?:\.{_LABEL})*\.?")
"""Limits of RFC 1035, section 2.3.4: 63 characters of a label, 253 of a name."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,30}\*?")
AUTO_PAGES = 0
MAX_PAGES = 1 << 18


@dataclass(frozen=True)
class ScalarType:
    """Conversion of a scalar's text to a value: ``read`` raises ValueError with the reason."""

    expected: str
    read: Callable[[str], Any]


def read_flag(text: str) -> bool:
    """``yes``, ``no``, ``true``, ``false``, ``on``, ``off``, ``1``, ``0``, in any case."""
    lowered = text.lower()
    if lowered in _YES:
        return True
    if lowered in _NO:
        return False
    raise ValueError(f"{text!r} is neither yes nor no")


def read_variable(text: str) -> str:
    """A variable of the environment, at most 31 characters, or what several begin with and ``*``."""
    if not _VARIABLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a variable")
    return text


def read_address(text: str, default_port: int) -> Address:
    """``host``, ``host:port``, ``[ipv6]:port``, ``ipv6``, with or without ``tcp://`` or ``https://``."""
    bare = re.sub(r"^(tcp|https)://(.*?)/?$", r"\2", text)
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?", bare)
    if bracketed is not None:
        host, port = bracketed.groups()
        if not is_ip(host):
            raise ValueError(f"{host!r} is not an IPv6 address")
    elif bare.count(":") > 1:
        host, port = bare, None
        if not is_ip(host):
            raise ValueError(f"{text!r} is neither host:port nor an IPv6 address")
    else:
        host, _, port = bare.partition(":")
        if host and not is_ip(host) and not _HOST_NAME.fullmatch(host):
            raise ValueError(f"{host!r} is not a host name or address")
        if not host and not port:
            raise ValueError("the address is empty")
        if ":" in bare and not port:
            raise ValueError(f"{text!r} has no port after the colon")
    return Address(host or ANY, read_port(port) if port else default_port)


def read_port(text: str) -> int:
    """A TCP port; 0 lets the system choose one."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10) or int(text) > 65535:
        raise ValueError(f"{text!r} is not a port number")
    return int(text)


def read_pages(text: str) -> int:
    """A power of two of 4 KiB pages, or ``auto`` (0)."""
    if text == "auto":
        return AUTO_PAGES
    if not (text.isascii() and text.isdecimal() and len(text) < 19) or int(text) == 0:
        raise ValueError(f"{text!r} is not a number of pages")
    pages = int(text)
    if pages > MAX_PAGES:
        raise ValueError(f"{pages} pages are more than the limit of {MAX_PAGES}")
    if pages & (pages - 1):
        below = 1 << (pages.bit_length() - 1)
        raise ValueError(f"{pages} is not a power of two; the nearest are {below} and {below * 2}")
    return pages


def read_pin(text: str) -> str:
    """``sha256:`` and 64 hexadecimal digits, or the absolute path of a file that holds such lines."""
    if text.startswith("/"):
        return text
    if _PIN.fullmatch(text.lower()):
        return text.lower()
    raise ValueError(f"{text!r} is not a CA pin")


def _address(default_port: int) -> ScalarType:
    return ScalarType(
        f"host:port such as 192.0.2.1:{default_port} or [2001:db8::1]:{default_port}",
        lambda text: read_address(text, default_port),
    )


def read_second_factor(text: str) -> str:
    """``otp``, ``on``, ``optional``, ``off``, ``webauthn``, ``u2f``; booleans are ``on`` and ``off``."""
    if text in {"otp", "optional", "webauthn", "u2f"}:
        return text
    return "on" if read_flag(text) else "off"


def read_mfa_requirement(text: str) -> bool:
    """Yes or no, or the kind of key that is required."""
    return True if text.startswith("hardware_key") or text == "multi-factor" else read_flag(text)


def read_directory(text: str) -> str:
    """An absolute path; a relative one counts from the current directory, as in Teleport."""
    if ".." in text.split("/"):
        raise ValueError(f"{text!r} leads through a parent directory")
    return os.path.abspath(text)


def read_severity(text: str) -> str:
    """A name of a level of the log, in any case, as Python's ``logging`` writes it."""
    names = {"ERR": "ERROR", "WARNING": "WARN", "TRACE": "DEBUG"}
    level = names.get(text.upper(), text.upper())
    if level not in {"DEBUG", "INFO", "WARN", "ERROR"}:
        raise ValueError(f"{text!r} is not a level")
    return level


DURATION = ScalarType("a duration such as 30s, 5m, 12h or never", parse_duration)
PAGES = ScalarType("a power of two of 4 KiB pages such as 8 or 128, or auto", read_pages)

SecondFactor = Annotated[str, ScalarType("otp, on, optional, off, webauthn or u2f", read_second_factor)]
MfaRequirement = Annotated[bool, ScalarType("yes, no or hardware_key", read_mfa_requirement)]
Severity = Annotated[str, ScalarType("debug, info, warn or error", read_severity)]
Directory = Annotated[str, ScalarType("a path", read_directory)]
Duration = Annotated[int, DURATION]
"""Seconds; 0 is never."""
Pages = Annotated[int, PAGES]
"""4 KiB pages; AUTO_PAGES lets the capture service choose."""
VariablePattern = Annotated[
    str, ScalarType("the name of a variable, or the beginning of one and *", read_variable)
]
Pin = Annotated[
    str, ScalarType("sha256: and 64 hexadecimal digits, or the path of a file of such lines", read_pin)
]
NodeAddress = Annotated[Address, _address(3022)]
ProxySshAddress = Annotated[Address, _address(3023)]
TunnelAddress = Annotated[Address, _address(3024)]
AuthAddress = Annotated[Address, _address(3025)]
WebAddress = Annotated[Address, _address(3080)]
PeerAddress = Annotated[Address, _address(3021)]
DiagAddress = Annotated[Address, _address(3000)]
