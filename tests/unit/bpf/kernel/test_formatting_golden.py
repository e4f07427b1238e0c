"""The compiled formatter against decode.py, for as long as both exist."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from proctor.bpf import _native
from proctor.bpf.kernel import abi, decode
from proctor.bpf.kernel.abi import Flag, Kind
from proctor.core.clock import format_time
from proctor.model.serde import to_json
from tests.support.kernel_records import command, header, tampering

PREFIX = b"01234567-89ab-cdef-0123-"
BOOT = datetime(2023, 7, 4, 16, 42, 20, 123456, tzinfo=UTC)
BOOT_US = (BOOT - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def native(record: bytes, detached: bool = False) -> dict[str, Any] | None:
    block = abi.LENGTH.pack(len(record)) + record
    end, groups, undecoded, _ = _native.format_records(
        block, 0, 10, 1 << 20, BOOT_US, lambda number: (PREFIX, 255, detached)
    )
    assert end == len(block)
    if undecoded:
        assert all(not lines for _, lines, _, _ in groups)
        return None
    ((_, lines, _, _),) = groups
    assert lines.count(b"\x1f") == 6
    text = lines.replace(b"\x1f", b"")
    fields: dict[str, Any] = json.loads(text)
    assert text == to_json(dict(sorted(fields.items()))) + b"\n"
    return fields


def python(record: bytes, detached: bool = False) -> dict[str, Any] | None:
    try:
        found = decode.decode(record)
    except ValueError:
        return None
    fields = dict(found.fields)
    fields["uid"] = PREFIX.decode() + f"{255:012x}"
    fields["time"] = format_time(BOOT + timedelta(microseconds=found.time // 1000))
    if detached:
        fields["detached"] = True
    return fields


def check(record: bytes, detached: bool = False) -> None:
    assert native(record, detached) == python(record, detached)


pieces = st.one_of(
    st.binary(max_size=30),
    st.text(max_size=20).map(lambda t: t.encode("utf-8", "surrogatepass")),
    st.sampled_from(
        [
            b"\\x41",
            b"\\",
            b"\xff",
            b"/usr/lib/ld-linux.so.2",
            b"/lib/ld.so",
            b"memfd:x",
            b"pts12",
            b"./a",
            b"/",
        ]
    ),
)
texts = st.lists(pieces, max_size=4).map(b"".join)
nonul = texts.map(lambda raw: raw.replace(b"\n", b""))
env = texts.map(lambda raw: raw.replace(b"\\", b"/"))


@settings(max_examples=3000, deadline=None)
@given(
    texts, texts, nonul, texts, texts, texts, env, st.integers(0, 63), st.sampled_from([0, -2]), st.booleans()
)
def test_command(
    args: bytes,
    path: bytes,
    exe: bytes,
    cwd: bytes,
    interp: bytes,
    tty: bytes,
    env: bytes,
    flags: int,
    result: int,
    detached: bool,
) -> None:
    tty = tty if tty.count(b"pt") < 2 else b""
    if b"pts" in tty and not tty.startswith(b"pts"):
        tty = b"tty1"
    tty = tty.decode("ascii", "ignore").encode()
    check(
        command(
            args,
            path=path,
            exe=exe,
            cwd=cwd,
            interpreter=interp,
            tty=tty,
            env=env,
            flags=Flag(flags),
            result=result,
        ),
        detached,
    )


@settings(max_examples=2000, deadline=None)
@given(
    st.lists(st.integers(0, 0xFFFF), min_size=5, max_size=5),
    st.sampled_from([2, 10, 7]),
    st.integers(0, 4),
    st.one_of(
        st.binary(min_size=32, max_size=32),
        st.lists(st.sampled_from([0, 0, 0, 1, 255]), min_size=32, max_size=32).map(bytes),
    ),
)
def test_network(numbers: list[int], family: int, operation: int, addresses: bytes) -> None:
    numbers[0], numbers[1] = operation, family
    check(header(Kind.NETWORK) + abi.ENDPOINTS.pack(*numbers, addresses[:16], addresses[16:]))
    mapped = b"\0" * 10 + b"\xff\xff" + addresses[:4]
    check(header(Kind.NETWORK) + abi.ENDPOINTS.pack(*numbers, addresses[:16], mapped))
    check(header(Kind.NETWORK) + abi.ENDPOINTS.pack(*numbers, bytes(16), mapped))


@settings(max_examples=2000, deadline=None)
@given(st.integers(0, 20), st.integers(0, 70), st.integers(0, 3), texts, st.booleans())
def test_tampering(technique: int, argument: int, target: int, text: bytes, detached: bool) -> None:
    check(tampering(technique, argument=argument, target=target, text=text, result=-1), detached)


@settings(max_examples=3000, deadline=None)
@given(
    st.sampled_from(list(Kind)),
    st.integers(0, 63),
    st.integers(-4096, 4096),
    st.binary(max_size=200),
    st.integers(0, 1 << 62),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=16),
)
def test_any(kind: Kind, flags: int, result: int, body: bytes, time: int, audit: int, program: bytes) -> None:
    head = abi.HEADER.pack(time % 10**19, 2**64 - 1, 1, kind, flags, 1, 2, 3, 4, audit, result, program)
    check(head + body)
    check(head + abi.DISK.pack(5, len(body)) + body)
    check(head[: len(body)])
