"""Any bytes are a record or a ValueError."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from proctor.bpf.kernel import abi, decode
from proctor.bpf.kernel.abi import Flag, Kind
from proctor.bpf.kernel.text import to_bytes
from proctor.model.serde import to_json
from tests.support.kernel_records import command, connection, header, opened

bodies = st.binary(max_size=200)
kinds = st.sampled_from(list(Kind))
sixteen = st.integers(0, 0xFFFF)


def check(raw: bytes) -> None:
    try:
        record = decode.decode(raw)
    except ValueError:
        return
    json.loads(to_json(record.fields))


@given(st.binary(max_size=400))
def test_any_bytes(raw: bytes) -> None:
    check(raw)


@given(kinds, st.integers(0, 31), st.integers(-4096, 4096), bodies)
def test_any_body(kind: Kind, flags: int, result: int, body: bytes) -> None:
    check(header(kind, flags=Flag(flags), result=result) + body)


@given(st.lists(sixteen, min_size=6, max_size=6), st.integers(0, 1 << 32), bodies)
def test_any_sizes(sizes: list[int], args: int, body: bytes) -> None:
    check(header(Kind.COMMAND) + abi.COMMAND.pack(*sizes, args & 0xFFFFFFFF, 0) + body)


@given(st.lists(sixteen, min_size=5, max_size=5), st.binary(min_size=32, max_size=32))
def test_any_endpoints(numbers: list[int], addresses: bytes) -> None:
    check(header(Kind.NETWORK) + abi.ENDPOINTS.pack(*numbers, addresses[:16], addresses[16:]))


@given(st.data())
def test_any_cut_and_any_flip(data: st.DataObject) -> None:
    whole = data.draw(
        st.sampled_from([command(b"ls\0-la\0", env=b"LD_X=1\0"), opened(b"/etc"), connection("::1", "::2")])
    )
    flipped = bytearray(whole)
    flipped[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(0, 255))
    check(bytes(flipped[: data.draw(st.integers(0, len(whole)))]))


@given(st.lists(st.binary(max_size=50).filter(lambda part: b"\0" not in part), min_size=1))
def test_arguments_come_back(args: list[bytes]) -> None:
    record = decode.decode(command(b"".join(part + b"\0" for part in args)))
    assert [to_bytes(text) for text in record.fields["args"]] == args


@given(st.binary(max_size=200))
def test_any_block(raw: bytes) -> None:
    try:
        parts = [bytes(part) for part in decode.split(raw)]
    except ValueError:
        return
    assert b"".join(abi.LENGTH.pack(len(part)) + part for part in parts) == raw
