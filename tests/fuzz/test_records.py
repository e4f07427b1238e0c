# SPDX-License-Identifier: Apache-2.0
"""Any bytes become a line of JSON or a complaint."""

from __future__ import annotations

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from proctor.capture.kernel import abi
from proctor.capture.kernel.abi import Flag, RecordKind
from proctor.captureproto.byte_text import to_bytes
from proctor.captureproto.event_lines import SLOT
from proctor.model.serde import to_json
from testing.kernel_records import block_of, command, connection, event_of, formatted, header, opened

bodies = st.binary(max_size=200)
kinds = st.sampled_from(list(RecordKind))
sixteen = st.integers(0, 0xFFFF)


def check(raw: bytes) -> None:
    part = formatted(block_of(raw))
    assert part.undecoded + sum(batch.lines.count(SLOT * 2) for batch in part.batches) == 1
    for batch in part.batches:
        for line in batch.lines.replace(SLOT, b"").splitlines():
            assert line == to_json(dict(sorted(json.loads(line).items())))


@given(st.binary(max_size=400))
def test_any_bytes(raw: bytes) -> None:
    check(raw)


@given(kinds, st.integers(0, 511), st.integers(-4096, 4096), bodies)
def test_any_body(kind: RecordKind, flags: int, result: int, body: bytes) -> None:
    check(header(kind, flags=Flag(flags), result=result) + body)


@given(st.lists(sixteen, min_size=7, max_size=7), st.integers(0, 1 << 32), bodies)
def test_any_sizes(sizes: list[int], args: int, body: bytes) -> None:
    check(header(RecordKind.COMMAND) + abi.COMMAND.pack(*sizes, args & 0xFFFFFFFF, 0, 0, b"") + body)


@given(st.lists(sixteen, min_size=6, max_size=6), st.binary(min_size=32, max_size=32))
def test_any_endpoints(numbers: list[int], addresses: bytes) -> None:
    check(header(RecordKind.NETWORK) + abi.ENDPOINTS.pack(*numbers, addresses[:16], addresses[16:]))


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
    event = event_of(command(b"".join(part + b"\0" for part in args)))
    assert [to_bytes(text) for text in event["args"]] == args


@given(st.binary(max_size=200))
def test_any_block(raw: bytes) -> None:
    with suppress(ValueError):
        assert formatted(raw).end == len(raw)
