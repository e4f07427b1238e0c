# SPDX-License-Identifier: Apache-2.0
import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from proctor.core.errors import BadRequest, Corrupted
from proctor.model.event_types import EventFields
from proctor.recording.format import (
    ENHANCED,
    Decoder,
    RecordingEntry,
    Timeline,
    check_sid,
    file_names,
    index_line,
    member,
)
from testing.programs import require
from testing.records import SID, contents, lines, small_recording

GOLDEN = Path(__file__).parents[2] / "golden/recording"
EVENTS, CHUNKS = f"{SID}-0.events.gz", f"{SID}-0.chunks.gz"


def unpacked(directory: Path) -> dict[str, bytes]:
    return {
        name: gzip.decompress(data) if name.endswith(".gz") else data
        for name, data in contents(directory).items()
    }


def test_the_recording_is_the_golden_one(tmp_path: Path) -> None:
    assert unpacked(small_recording(tmp_path)) == unpacked(GOLDEN)


def test_names_are_those_of_the_guide() -> None:
    assert list(file_names(SID)) == [
        f"{SID}-0.chunks.gz",
        f"{SID}-0.events.gz",
        f"{SID}-0.session.command-events.gz",
        f"{SID}-0.session.disk-events.gz",
        f"{SID}-0.session.network-events.gz",
        f"{SID}.index",
    ]


def test_index_lines() -> None:
    assert json.loads(index_line(SID, "chunks")) == {"file_name": CHUNKS, "type": "chunks", "offset": 0}
    assert json.loads(index_line(SID, "session.disk")) == {
        "file_name": f"{SID}-0.session.disk-events.gz",
        "type": "session.disk",
        "index": 0,
    }


@pytest.mark.parametrize("sid", ["", "../etc/passwd", SID.upper(), SID + "\n", SID[:-1], f"{{{SID}}}"])
def test_what_is_no_session_id_is_refused(sid: str) -> None:
    with pytest.raises(BadRequest):
        check_sid(sid)


def test_zcat_reads_every_file() -> None:
    require("zcat")
    for path in GOLDEN.glob("*.gz"):
        shown = subprocess.run(["zcat", path], capture_output=True, check=True)
        assert shown.stdout == gzip.decompress(path.read_bytes())
        assert not shown.stderr


def test_one_counter_numbers_events_output_and_what_the_kernel_saw() -> None:
    timeline = Timeline.decode(contents(GOLDEN))
    assert [(e.ms, e.event["ei"], e.event["event"], e.data) for e in timeline.entries] == [
        (0, 0, "session.start", b""),
        (0, 1, "print", "$ échö\r\n".encode()),
        (1520, 2, "session.command", b""),
        (1520, 3, "session.network", b""),
        (1770, 4, "resize", b""),
        (1770, 5, "print", b"\x1b[1msunny\x1b[0m\r\n"),
        (1770, 6, "session.end", b""),
    ]
    assert not timeline.torn


def test_print_events_have_the_fields_of_the_format() -> None:
    prints = [event for event in lines(GOLDEN / EVENTS) if event["event"] == "print"]
    when = "2023-07-04T16:42:20Z", "2023-07-04T16:42:21.77Z"
    assert prints == [
        {"bytes": 10, "ci": 0, "ei": 1, "event": "print", "ms": 0, "offset": 0, "time": when[0]},
        {"bytes": 15, "ci": 1, "ei": 5, "event": "print", "ms": 1770, "offset": 10, "time": when[1]},
    ]


def session_events(entries: list[RecordingEntry]) -> list[EventFields]:
    return [entry.event for entry in entries if entry.event["event"] not in ENHANCED]


def test_every_torn_tail_gives_a_beginning_of_the_whole() -> None:
    files = contents(GOLDEN)
    whole = Timeline.decode(files).entries
    for name in (EVENTS, CHUNKS):
        for size in range(1, len(files[name])):
            entries = Timeline.decode(files | {name: files[name][:size]}).entries
            plain = session_events(entries)
            assert plain == session_events(whole)[: len(plain)]
            assert b"".join(e.data for e in whole).startswith(b"".join(e.data for e in entries))


def test_bytes_one_at_a_time_give_the_same_entries() -> None:
    decoder = Decoder()
    found: list[RecordingEntry] = []
    for name, data in contents(GOLDEN).items():
        for byte in data:
            decoder.feed(name, bytes([byte]))
            found += decoder.entries()
    assert not decoder.torn
    assert sorted(found, key=lambda e: e.order) == Timeline.decode(contents(GOLDEN)).entries


def test_output_that_is_late_holds_its_event_back() -> None:
    files = contents(GOLDEN)
    decoder = Decoder()
    decoder.feed(EVENTS, files[EVENTS])
    assert [e.event["event"] for e in decoder.entries()] == ["session.start"]
    decoder.feed(CHUNKS, files[CHUNKS])
    assert [e.event["ei"] for e in decoder.entries()] == [1, 4, 5, 6]


def test_a_damaged_file_gives_what_was_before_the_damage() -> None:
    files = contents(GOLDEN)
    first = len(member(gzip.decompress(files[CHUNKS])[:10]))
    broken = bytearray(files[CHUNKS])
    broken[first + 12] ^= 0xFF
    timeline = Timeline.decode(files | {CHUNKS: bytes(broken)})
    assert timeline.torn
    assert b"".join(e.data for e in timeline.entries) == "$ échö\r\n".encode()
    assert timeline.entries[-1].event["event"] == "session.end"


def test_bombs_are_refused() -> None:
    bomb = member(bytes(1 << 20))
    with pytest.raises(Corrupted, match="larger"):
        Timeline.decode({CHUNKS: bomb * 5}, limit=4 << 20)


def test_foreign_names_are_refused() -> None:
    for name in ("passwd", f"{SID}-1.events.gz", f"{SID}-0.events.gz/..", f"../{SID}.index"):
        with pytest.raises(Corrupted, match="not a file"):
            Timeline.decode({name: b""})


def test_nothing_readable_is_an_error() -> None:
    with pytest.raises(Corrupted, match="nothing"):
        Timeline.decode({EVENTS: b"not gzip at all"})


BAD: list[dict[str, Any]] = [
    {"event": "print", "ei": 1, "bytes": -1, "ci": 0, "ms": 0, "offset": 0},
    {"event": "print", "ei": 1, "bytes": 1 << 60, "ci": 0, "ms": 0, "offset": 0},
    {"event": "print", "ei": 1, "bytes": "1", "ci": 0, "ms": 0, "offset": 0},
    {"event": "print", "ei": 1},
    {"event": "resize", "ei": None},
    {"event": ["resize"], "ei": 1},
    {"event": "resize", "ei": 1, "time": "0001-01-01T00:00:00+23:59"},
    {"event": "resize", "ei": 1, "time": 5},
]


@pytest.mark.parametrize("bad", BAD)
def test_lines_that_are_no_events_are_skipped_and_show(bad: dict[str, Any]) -> None:
    good = {"event": "session.start", "ei": 0, "time": "2023-07-04T16:42:20Z"}
    content = "\n".join(json.dumps({"time": good["time"], **event}) for event in (good, bad)) + "\n"
    timeline = Timeline.decode({EVENTS: member(content.encode())})
    assert [e.event for e in timeline.entries] == [good]
    assert timeline.torn
