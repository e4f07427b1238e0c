# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib

import pytest
from asyncssh.packet import String

from proctor.core.errors import BadRequest
from proctor.sshkit.exchange import read_exchange

COOKIE = bytes(range(16))
CLIENT_INIT = b"\x14" + b"c" * 50
SERVER_INIT = b"\x14" + COOKIE + b"names"
PREFIX = b"".join(map(String, (b"SSH-2.0-c", b"SSH-2.0-s", CLIENT_INIT)))
GOOD = PREFIX + String(SERVER_INIT) + String(b"the host key") + b"method's own"


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
def test_parts_of_the_server(name: str) -> None:
    exchange = read_exchange(GOOD, name)

    assert (exchange.cookie, exchange.host_key) == (COOKIE, b"the host key")
    assert exchange.digest == hashlib.new(name, GOOD).digest()


@pytest.mark.parametrize("name", ["sha1", "md5", "SHA256", "", "shake_128"])
def test_weak_or_unknown_hashes(name: str) -> None:
    with pytest.raises(BadRequest, match="is not signed"):
        read_exchange(GOOD, name)


def test_no_part_of_it_will_do() -> None:
    for length in range(len(PREFIX + String(SERVER_INIT) + String(b"the host key"))):
        with pytest.raises(BadRequest):
            read_exchange(GOOD[:length], "sha256")


@pytest.mark.parametrize("init", [b"", b"\x14", b"\x14" + COOKIE[:15], b"\x15" + COOKIE + b"names"])
def test_other_messages_than_kexinit(init: bytes) -> None:
    with pytest.raises(BadRequest, match="has no KEXINIT"):
        read_exchange(PREFIX + String(init) + String(b"key"), "sha256")


def test_length_is_bounded() -> None:
    with pytest.raises(BadRequest, match="too long"):
        read_exchange(GOOD + b"x" * (1 << 20), "sha256")
