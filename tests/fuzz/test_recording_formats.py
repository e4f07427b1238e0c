# SPDX-License-Identifier: Apache-2.0
"""Any bytes decode to something or raise Corrupted; a reader of recordings meets files of hostile nodes."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from proctor.core.errors import Corrupted
from proctor.recording.entry_stream import printed
from proctor.recording.export import Asciicast, plain_text
from proctor.recording.format import Timeline, file_names, member
from proctor.recording.wal import Assembler, Checkpoint, decode_base, encode, records
from testing.records import SID, contents

GOLDEN = contents(Path(__file__).parents[1] / "golden/recording")
STARTED = datetime(2023, 7, 4, tzinfo=UTC)
LIMIT = 1 << 20

names = st.sampled_from(list(file_names(SID)))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
events = st.fixed_dictionaries(
    {},
    optional={
        "event": st.sampled_from(["print", "resize", "session.start", "session.command"]) | values,
        "time": st.just("2023-07-04T16:42:20Z") | st.datetimes().map(lambda t: t.isoformat() + "Z") | values,
        "ei": st.integers(0, 9) | values,
        "ms": st.integers(0, 9) | values,
        "ci": st.integers(0, 9) | values,
        "offset": st.integers(0, 9) | values,
        "bytes": st.integers(0, 9) | values,
        "size": st.just("80:24") | values,
        "argv": values,
    },
)


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    data = bytearray(whole)
    for _ in range(draw(st.integers(0, 3))):
        position = draw(st.integers(0, len(data) - 1))
        data[position] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))]) + draw(st.binary(max_size=8))


@st.composite
def files(draw: st.DrawFn) -> dict[str, bytes]:
    kind = draw(st.sampled_from(["random", "damaged", "events"]))
    if kind == "random":
        return draw(st.dictionaries(names, st.binary(max_size=200), max_size=4))
    if kind == "damaged":
        return {name: draw(damaged(data)) for name, data in GOLDEN.items()}
    lines = draw(st.dictionaries(names, st.lists(events | values, max_size=5), max_size=3))
    return {
        name: member("".join(json.dumps(event) + "\n" for event in batch).encode())
        for name, batch in lines.items()
    }


@given(files())
@settings(deadline=None, max_examples=300)
def test_any_files_decode_or_are_corrupted(given_files: dict[str, bytes]) -> None:
    try:
        timeline = Timeline.decode(given_files, limit=LIMIT)
    except Corrupted:
        return
    orders = [entry.order for entry in timeline.entries]
    assert orders == sorted(orders)
    cast = Asciicast()
    for line in ("".join(map(cast.feed, timeline.entries)) + cast.finish()).splitlines():
        json.loads(line)
    assert json.loads("".join(printed(timeline.entries, "json"))) == [e.event for e in timeline.entries]
    assert "\x1b" not in "".join(plain_text(timeline.entries))
    assert "\x1b" not in "".join(printed(timeline.entries, "text"))


def decoded_journal(data: bytes) -> None:
    assembler = Assembler(Checkpoint(started=STARTED))
    for record in records(data):
        assembler.apply(record)
    assembler.cut(0)


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_journal_ends_somewhere(data: bytes) -> None:
    decoded_journal(data)


@given(st.lists(st.tuples(st.sampled_from([0, 1, 2, 3]), st.binary(max_size=40)), max_size=6))
@settings(deadline=None)
def test_records_with_right_checksums_apply_or_are_corrupted(given_records: list[tuple[int, bytes]]) -> None:
    kind: Callable[..., bytes] = encode
    try:
        decoded_journal(b"".join(kind(tag, payload) for tag, payload in given_records))
    except Corrupted:
        return


@given(st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
@settings(deadline=None)
def test_any_base_decodes_or_is_corrupted(payload: bytes) -> None:
    try:
        decode_base(payload)
    except Corrupted:
        return
