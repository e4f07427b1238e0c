# SPDX-License-Identifier: Apache-2.0
import ssl
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.proxy.clienthello import Incomplete, NotTls, server_name


def hello(name: str | None, alpn: int = 0) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.set_alpn_protocols([f"protocol-{n}-{'x' * 100}" for n in range(alpn)])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("name", ["teleport.cluster.local", "localhost", "proxy.example.com"])
def test_the_name_a_real_client_asks_for(name: str) -> None:
    assert server_name(hello(name)) == name


def test_a_client_without_a_server_name() -> None:
    assert server_name(hello(None)) == ""


def test_every_beginning_asks_for_more_and_ends_with_the_name() -> None:
    data = hello("teleport.cluster.local", alpn=80)
    position = 1
    while position < len(data):
        with pytest.raises(Incomplete) as incomplete:
            server_name(data[:position])
        assert position < incomplete.value.needed <= len(data)
        position += 37
    assert server_name(data) == "teleport.cluster.local"


def test_a_hello_split_over_records() -> None:
    data = hello("a.cluster.local")
    body = data[5:]
    records = [body[start : start + 50] for start in range(0, len(body), 50)]
    split = b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in records)
    assert server_name(split) == "a.cluster.local"


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n", b"SSH-2.0-OpenSSH", b"\x16\x03\x01\x00\x00", b"\x16\x02"]
)
def test_other_protocols_are_distinguished(data: bytes) -> None:
    with pytest.raises(NotTls):
        server_name(data)


@given(st.binary(max_size=400))
def test_any_bytes_are_judged(data: bytes) -> None:
    with suppress(Incomplete, NotTls):
        assert isinstance(server_name(b"\x16\x03" + data), str)


GOOD = hello("teleport.cluster.local")


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_damaged_hellos_are_judged(position: int, value: int) -> None:
    data = bytearray(GOOD)
    data[position] = value
    with suppress(Incomplete, NotTls):
        assert isinstance(server_name(bytes(data)), str)
