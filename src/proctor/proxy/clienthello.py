# SPDX-License-Identifier: Apache-2.0
"""The server name in a TLS ClientHello (RFC 8446 §4.1.2, RFC 6066 §3), without doing any TLS."""

from __future__ import annotations

from collections.abc import Iterator

HANDSHAKE, CLIENT_HELLO, SERVER_NAME, HOST_NAME = 22, 1, 0, 0
RECORD_HEADER = 5
MAX_HELLO = 64 * 1024


class Incomplete(Exception):
    """The bytes are the beginning of a ClientHello; at least ``needed`` bytes are."""

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


class NotTls(ValueError):
    """The bytes are not a ClientHello."""


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, length: int) -> bytes:
        end = self._position + length
        if end > len(self._data):
            raise NotTls("a length points past the end")
        part = self._data[self._position : end]
        self._position = end
        return part

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        return self.take(self.number(size))

    def more(self) -> bool:
        return self._position < len(self._data)


def server_name(data: bytes) -> str:
    """The name asked for, or an empty string when the client names none.

    Raises Incomplete when ``data`` ends too early, NotTls when it is something else.
    """
    hello = _Cursor(_handshake(data))
    hello.take(2 + 32)
    hello.vector(1)
    hello.vector(2)
    hello.vector(1)
    if not hello.more():
        return ""
    extensions = _Cursor(hello.vector(2))
    while extensions.more():
        kind, body = extensions.number(2), extensions.vector(2)
        if kind == SERVER_NAME:
            return _host_name(body)
    return ""


def _host_name(body: bytes) -> str:
    names = _Cursor(_Cursor(body).vector(2))
    while names.more():
        kind, name = names.number(1), names.vector(2)
        if kind == HOST_NAME:
            return name.decode("ascii", "replace").lower()
    return ""


def _handshake(data: bytes) -> bytes:
    """The body of the ClientHello, which may be spread over several records."""
    message = b""
    for fragment in _records(data):
        message += fragment
        if message[:1] != bytes([CLIENT_HELLO]):
            raise NotTls("not a ClientHello")
        if len(message) >= 4:
            length = int.from_bytes(message[1:4], "big")
            if length > MAX_HELLO:
                raise NotTls("the ClientHello is too large")
            if len(message) >= 4 + length:
                return message[4 : 4 + length]
    raise Incomplete(len(data) + 1)


def _records(data: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(data):
        header = data[position : position + RECORD_HEADER]
        if header[0] != HANDSHAKE or (len(header) > 1 and header[1] != 3):
            raise NotTls("not a TLS handshake")
        if len(header) < RECORD_HEADER:
            raise Incomplete(position + RECORD_HEADER)
        length = int.from_bytes(header[3:], "big")
        if not 0 < length <= 2**14 + 256:
            raise NotTls("a record of impossible length")
        end = position + RECORD_HEADER + length
        if end > len(data):
            raise Incomplete(end)
        yield data[position + RECORD_HEADER : end]
        position = end
