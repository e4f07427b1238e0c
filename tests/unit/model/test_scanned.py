from __future__ import annotations

from datetime import UTC, datetime

import pytest

from proctor.model.stamp import Stamp, scanned, stamped, to_line

NOW = datetime(2023, 7, 4, 16, 42, 20, tzinfo=UTC)
FIELDS = {
    "code": "T4001I",
    "event": "session.disk",
    "path": "/é\n\x1f",
    "uid": "u",
    "nested": {"b": [1, -2.5e3]},
}
LINE = to_line(stamped(FIELDS, NOW, "purple"))[:-1]


def test_line_of_ours_is_stored_as_it_is() -> None:
    assert scanned(LINE) == Stamp("u", NOW)


@pytest.mark.parametrize(
    "value",
    [
        b"0",
        b"-1.5e+3",
        b"true",
        b"null",
        b"[]",
        b"{}",
        b'[{"a":"\\u00e9\\\\"},[1,2]]',
        "é𝄞".encode().join([b'"'] * 2),
    ],
)
def test_any_value(value: bytes) -> None:
    assert scanned(LINE.replace(b'"purple"', b'"purple","clutter":' + value))


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        (b'"uid":"u"', b'"uid":"u","uid":"v"'),
        (b'"uid":"u"', b'"uid":"u","a":1'),
        (b'"uid":"u"', b'"u\\u0069d":"v","uid":"u"'),
        (b'"uid":"u"', b'"uid":"\\u0075"'),
        (b'"uid":"u"', b'"uid":""'),
        (b'"uid":"u"', b'"uid":7'),
        (b'"uid":"u"', b'"uix":"u"'),
        (b'"ei":0', b'"ei":"0"'),
        (b'"ei":0', b'"ei":-1'),
        (b'"ei":0', b'"ei":01'),
        (b'"ei":0', b'"ei":0.5'),
        (b'"ei":0', b'"ei":99999999999'),
        (b"20Z", b"20.000Z"),
        (b"20Z", b"20"),
        (b"20Z", b"20+00:00"),
        (b"2023-07", b"2023-77"),
        (b'"code":', b'"code": '),
        (b'"code":', b'"code":\n'),
        (b"-2500.0", b"- 1"),
        (b"-2500.0", b"1."),
        (b"-2500.0", b"1e"),
        (b"-2500.0", b"+1"),
        (b"-2500.0", b"nul"),
        (b"-2500.0", b"NaN"),
        (b"-2500.0", b"1,"),
        (b"-2500.0", b"[" * 20 + b"]" * 20),
        (b"\\n", b"\n"),
        (b"\\n", b"\\x"),
        (b"\\n", b"\\u12g4"),
        (b"\\n", b"\\ud800"),
        ("é".encode(), b"\xe9"),
        ("é".encode(), b"\xed\xa0\x80"),
        ("é".encode(), b"\xc0\xaf"),
        (b"}", b""),
        (LINE, LINE + b"}"),
        (LINE, LINE + b"\n"),
        (LINE, b"[" + LINE + b"]"),
        (LINE, b"{}"),
        (LINE, b""),
    ],
)
def test_what_must_be_decoded(found: bytes, instead: bytes) -> None:
    assert LINE.count(found) == 1 or found == b"}"
    assert scanned(LINE.replace(found, instead)) is None


def test_too_long_a_line_must_be_cut() -> None:
    assert scanned(LINE.replace(b"/", b"/" * (1 << 20))) is None
