# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core.clock import format_time, parse_time
from proctor.model.stamp import Stamp, scanned, stamped, summary, to_line

NOW = datetime(2023, 7, 4, 16, 42, 20, tzinfo=UTC)
KEY = bytes(range(16))
FIELDS = {
    "code": "T4001I",
    "event": "session.disk",
    "path": "/é\n\x1f",
    "uid": "u",
    "nested": {"b": [1, -2.5e3]},
}
LINE = to_line(stamped(FIELDS, NOW, "purple"))[:-1]


def test_own_line_is_stored_as_it_is() -> None:
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
        b'[{"a":"\\u001b\\\\"},[1,2]]',
        *(b'"\\%c"' % escape for escape in b'"\\bfnrt'),
        *(b'"\\u%04x"' % code for code in range(0x20) if chr(code) not in "\b\f\n\r\t"),
        "é𝄞".encode().join([b'"'] * 2),
    ],
)
def test_any_value(value: bytes) -> None:
    assert scanned(LINE.replace(b'"purple"', b'"purple","clutter":' + value))


@pytest.mark.parametrize(
    "escape",
    [
        "/",
        "u0061",
        "u00e9",
        "u202e",
        "u002f",
        "u0022",
        "u007f",
        "u000a",
        "u0008",
        "u001B",
        "ud800",
        "u",
        "u001",
    ],
)
def test_no_other_spelling(escape: str) -> None:
    """Searches compare bytes: what is spelled otherwise would not be found."""
    value = f'"cat\\{escape}"'.encode()
    assert scanned(LINE.replace(b'"purple"', b'"purple","clutter":' + value)) is None
    assert summary(LINE.replace(b'"purple"', b'"purple","clutter":' + value) + b"\n", KEY) is None


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
    changed = LINE.replace(found, instead)
    assert scanned(changed) is None
    assert summary(LINE + b"\n" + changed + b"\n", KEY) is None


def test_too_long_a_line_must_be_cut() -> None:
    line = LINE.replace(b"/", b"/" * (1 << 20))
    assert scanned(line) is None
    assert summary(line + b"\n", KEY) is None


def line_of(moment: datetime, cluster: str = "purple", **fields: Any) -> bytes:
    return to_line(stamped({**FIELDS, **fields}, moment, cluster))


moments = st.datetimes(datetime(1970, 1, 1), datetime(9998, 12, 31)).map(  # noqa: DTZ001 - made aware below
    lambda moment: moment.replace(tzinfo=UTC)
)


@given(st.lists(moments, min_size=1, max_size=20))
def test_summary(given_moments: list[datetime]) -> None:
    found = summary(b"".join(map(line_of, given_moments)), KEY)

    assert found is not None
    assert found.total == len(given_moments)
    times = [parse_time(format_time(moment)) for moment in given_moments]
    assert (found.first, found.last) == (min(times), max(times))


def test_summary_of_who_and_what() -> None:
    lines = line_of(NOW) + line_of(NOW, event="exec", server_id="node") + line_of(NOW, cluster="green")

    found = summary(lines, KEY)

    assert found is not None
    assert found.events == {"session.disk", "exec"}
    assert {context.server_id for context in found.contexts} == {"", "node"}
    assert found.clusters == {"purple", "green"}


@pytest.mark.parametrize(
    "lines",
    [
        b"",
        LINE,
        LINE + b"\n\n",
        LINE[:-1] + b',"server_id":5}\n',
        line_of(NOW, server_id="x").replace(b'"x"', b"7"),
        line_of(NOW, server_id="x").replace(b'"x"', b'"\\u0041"'),
        b"".join(line_of(NOW, event=f"e{number}") for number in range(257)),
    ],
)
def test_no_summary(lines: bytes) -> None:
    assert summary(lines, KEY) is None


@pytest.mark.parametrize(
    "time",
    [
        "2023-02-29T00:00:00Z",
        "2023-04-31T00:00:00Z",
        "1969-12-31T00:00:00Z",
        "2023-07-04T24:00:00Z",
        "2023-07-04T16:60:00Z",
        "2023-07-04T16:42:60Z",
        "2023-07-04T16:42:20.Z",
        "2023-07-04T16:42:20.10Z",
        "2023-07-04T16:42:20.1234Z",
        "2023-07-04 16:42:20Z",
        "2023/07/04T16:42:20Z",
        "2023-07-04T16:42:20z",
        "2023-07-04T1:042:20Z",
    ],
)
def test_times_in_another_form(time: str) -> None:
    line = LINE.replace(b"2023-07-04T16:42:20Z", time.encode())

    assert scanned(line) is None
    assert summary(line + b"\n", KEY) is None
