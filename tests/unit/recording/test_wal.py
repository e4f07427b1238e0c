# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime

import pytest

from proctor.core.errors import Corrupted
from proctor.recording.wal import (
    MAX_RECORD,
    PRINT_BYTES,
    Assembler,
    Checkpoint,
    Record,
    Tag,
    decode_base,
    encode,
    encode_base,
    encode_event,
    encode_output,
    records,
)

STARTED = datetime(2023, 7, 4, 16, 42, 20, tzinfo=UTC)
LINE = b'{"ei":0,"event":"resize","time":"2023-07-04T16:42:20Z"}\n'
JOURNAL = (
    encode_base(Checkpoint(started=STARTED))
    + encode_output(5, b"hello")
    + encode_event("events", LINE, numbered=True)
    + encode(Tag.MARK)
)


def test_bytes_of_the_records() -> None:
    assert encode(Tag.MARK) == bytes.fromhex("000000004b0bbe3703")
    assert encode_output(5, b"hi") == bytes.fromhex(
        "00 00 00 0a 35 88 94 94 01 00 00 00 00 00 00 00 05 68 69"
    )
    assert encode_event("events", b"{}", numbered=False) == bytes.fromhex(
        "00 00 00 03 89 c5 cb 9c 02 81 7b 7d"
    )


def test_records_come_back() -> None:
    found = list(records(JOURNAL))
    assert [record.tag for record in found] == [Tag.BASE, Tag.OUTPUT, Tag.EVENT, Tag.MARK]
    assert found[-1].end == len(JOURNAL)
    assert decode_base(found[0].payload) == Checkpoint(started=STARTED)


def test_a_torn_tail_at_every_offset_gives_the_whole_records_before_it() -> None:
    ends = [0, *(record.end for record in records(JOURNAL))]
    for size in range(len(JOURNAL)):
        found = list(records(JOURNAL[:size]))
        assert len(found) == sum(1 for end in ends[1:] if end <= size)


def test_every_flipped_bit_ends_the_journal_before_it() -> None:
    ends = [record.end for record in records(JOURNAL)]
    for position in range(len(JOURNAL)):
        damaged = bytearray(JOURNAL)
        damaged[position] ^= 0x10
        assert [r.end for r in records(bytes(damaged))] == [end for end in ends if end <= position]


def test_hostile_lengths_end_the_journal() -> None:
    assert not list(records((MAX_RECORD + 1).to_bytes(4, "big") + bytes(5) + bytes(100)))
    assert not list(records(b"\xff" * 100))


@pytest.mark.parametrize(
    "record",
    [
        Record(Tag.OUTPUT, b"", 9),
        Record(Tag.OUTPUT, bytes(7), 9),
        Record(Tag.EVENT, b"", 9),
        Record(Tag.EVENT, b"\x05{}", 9),
        Record(Tag.EVENT, b"\x01{}", 9),
        Record(Tag.EVENT, b"\x01no json", 9),
    ],
)
def test_records_that_no_writer_wrote_are_refused(record: Record) -> None:
    with pytest.raises(Corrupted):
        Assembler(Checkpoint(started=STARTED)).apply(record)


def test_neighbouring_output_becomes_one_print() -> None:
    assembler = Assembler(Checkpoint(started=STARTED))
    assembler.output(0, b"a")
    assembler.output(49, b"b")
    assembler.output(50, b"c")
    cut = assembler.cut(9)
    assert cut.contents["chunks"] == b"abc"
    assert [b'"bytes":2' in line for line in cut.contents["events"].splitlines()] == [True, False]
    assert (cut.base.ei, cut.base.ci, cut.base.offset, cut.base.position) == (2, 2, 3, 9)


def test_prints_are_never_longer_than_their_limit() -> None:
    assembler = Assembler(Checkpoint(started=STARTED))
    assembler.output(0, b"x")
    assembler.output(0, bytes(2 * PRINT_BYTES + 1))
    assembler.output(0, bytes(PRINT_BYTES - 1))
    cut = assembler.cut(0)
    lines = cut.contents["events"].splitlines()
    lengths = [int(line.split(b'"bytes":')[1].split(b",")[0]) for line in lines]
    assert lengths == [1, PRINT_BYTES, PRINT_BYTES, PRINT_BYTES]
    assert sum(lengths) == cut.base.offset == len(cut.contents["chunks"])


def test_an_event_closes_the_print_before_it() -> None:
    assembler = Assembler(Checkpoint(started=STARTED))
    assembler.output(0, b"a")
    assert assembler.next_ei == 1
    assembler.event("events", LINE, numbered=True)
    assembler.event("events", LINE, numbered=False)
    assert assembler.next_ei == 2
    assert b'"print"' in assembler.cut(0).contents["events"].splitlines()[0]


def test_replay_gives_what_writing_gave() -> None:
    written = Assembler(Checkpoint(started=STARTED))
    written.output(5, b"hello")
    written.event("events", LINE, numbered=True)
    replayed = Assembler(Checkpoint(started=STARTED))
    cuts = [cut for record in records(JOURNAL) if (cut := replayed.apply(record))]
    assert cuts == [written.cut(len(JOURNAL))]
