"""Why a connection failed, in the same words whichever library reports it."""

from __future__ import annotations

import re

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
