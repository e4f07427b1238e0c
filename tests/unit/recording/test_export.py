# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

import pytest

from proctor.model.event import copied
from proctor.recording.export import Asciicast, plain_text, terminal_size
from proctor.recording.format import RecordingEntry, Timeline
from testing.records import contents

ENTRIES = Timeline.decode(contents(Path(__file__).parents[2] / "golden/recording")).entries


def output(ms: int, data: bytes) -> RecordingEntry:
    return RecordingEntry(ms, {"event": "print", "ei": ms, "time": "2023-07-04T16:42:20Z"}, data)


def test_a_cast_has_header_output_and_resizes() -> None:
    cast = Asciicast()
    lines = ("".join(map(cast.feed, ENTRIES)) + cast.finish()).splitlines()
    assert json.loads(lines[0]) == {
        "version": 2,
        "width": 80,
        "height": 24,
        "timestamp": 1688488940,
        "env": {"TERM": "xterm-256color"},
    }
    assert [json.loads(line) for line in lines[1:]] == [
        [0.0, "o", "$ échö\r\n"],
        [1.77, "r", "100x30"],
        [1.77, "o", "\x1b[1msunny\x1b[0m\r\n"],
    ]


def test_characters_split_between_outputs_stay_whole() -> None:
    data = "añ€𝄞z".encode()
    cast = Asciicast()
    text = "".join(cast.feed(output(n, data[n : n + 1])) for n in range(len(data))) + cast.finish()
    assert "".join(json.loads(line)[2] for line in text.splitlines()[1:]) == "añ€𝄞z"


def test_bytes_that_are_no_text_are_replaced_not_lost() -> None:
    cast = Asciicast()
    text = cast.feed(output(0, b"a\xffb\xe2\x82")) + cast.finish()
    assert [json.loads(line)[2] for line in text.splitlines()[1:]] == ["a\ufffdb", "\ufffd"]


def test_times_never_go_back() -> None:
    cast = Asciicast()
    text = cast.feed(output(100, b"a")) + cast.feed(output(50, b"b"))
    assert [json.loads(line)[0] for line in text.splitlines()[1:]] == [0.1, 0.1]


@pytest.mark.parametrize("size", ["", "80", "0:24", "80:-1", "80:24:1", "999999:1", 5, None])
def test_sizes_that_are_none(size: object) -> None:
    assert terminal_size(copied({"size": size})) is None


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        (b"\x1b[1;31mred\x1b[0m\r\n", "red\n"),
        (b"\x1b]0;title\x07text", "text"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1bPq#0\x1b\\x", "x"),
        (b"\x1b(B\x1b=\x1b>ok", "ok"),
        (b"a\tb\x07\x00\x7f", "a\tb"),
        (b"progress 1%\rprogress 2%\r\n", "progress 1%progress 2%\n"),
        (b"cut \x1b[", "cut "),
        (b"cut \x1b", "cut "),
        ("ü\x9b1m".encode(), "ü1m"),
    ],
)
def test_plain_text_has_no_escapes(raw: bytes, plain: str) -> None:
    assert "".join(plain_text([output(0, raw)])) == plain


def test_escapes_split_between_outputs_are_removed() -> None:
    raw = b"\x1b[1;31mred\x1b[0m \xc3\xa9\r\nnext"
    assert "".join(plain_text(output(n, raw[n : n + 1]) for n in range(len(raw)))) == "red é\nnext"


def test_endless_lines_take_no_endless_memory() -> None:
    pieces = list(plain_text(output(n, b"x" * 10_000) for n in range(50)))
    assert len(pieces) > 5
    assert "".join(pieces) == "x" * 500_000
