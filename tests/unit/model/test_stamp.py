# SPDX-License-Identifier: Apache-2.0
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from proctor.core.errors import BadRequest
from proctor.model.events import SessionCommand, UserLogin
from proctor.model.stamp import MAX_LINE, count_lines, stamped, to_line

MOMENT = datetime(2023, 7, 4, 16, 42, 20, 540000, tzinfo=UTC)


def test_fills_what_is_missing_and_keeps_what_is_there() -> None:
    fields = stamped(UserLogin(user="alice"), MOMENT, "purple")
    assert fields["time"] == "2023-07-04T16:42:20.54Z"
    assert fields["cluster_name"] == "purple"
    assert len(fields["uid"]) == 36
    again = stamped(fields, MOMENT.replace(year=2030), "green")
    assert again == fields


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"event": ""}, "without event"),
        ({"code": None}, "without code"),
        ({"uid": 7}, "uid is not text"),
        ({"ei": "1"}, "ei is not a number"),
        ({"ei": True}, "ei is not a number"),
        ({"time": "yesterday"}, "time is not a time"),
        ({"time": "2023-07-04T16:42:20"}, "time is not a time"),
        ({"time": "0001-01-01T00:00:00+23:59"}, "time is not a time"),
        ({"time": "9999-12-31T23:59:59-23:59"}, "time is not a time"),
        ({"time": [1]}, "time is not text"),
    ],
)
def test_refuses_what_is_not_an_event(change: dict[str, Any], complaint: str) -> None:
    fields = {"event": "user.login", "code": "T1000I"} | change
    with pytest.raises(BadRequest, match=complaint):
        stamped(fields, MOMENT, "")


def test_times_become_canonical() -> None:
    fields = stamped({"event": "e", "code": "c", "time": "20230704T184220.540+02:00"}, MOMENT, "")
    assert fields["time"] == "2023-07-04T16:42:20.54Z"


def test_refuses_more_fields_than_any_event_has() -> None:
    with pytest.raises(BadRequest, match="more than"):
        stamped({"event": "e", "code": "c"} | {str(n): n for n in range(300)}, MOMENT, "")


@pytest.mark.parametrize(
    "fields",
    [
        {"k" * 2 * MAX_LINE: 1},
        {"truncated": ["x" * 30] * (MAX_LINE // 16)},
        {"truncated": 5, "k" * MAX_LINE: "v"},
    ],
)
def test_an_event_that_cannot_be_cut_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="too large"):
        to_line(fields)


def test_a_line_is_sorted_json() -> None:
    line = to_line({"b": 1, "a": {"d": 1, "c": "ä\n"}})
    assert line == '{"a":{"c":"ä\\n","d":1},"b":1}\n'.encode()


def test_file_names_that_are_not_unicode_keep_their_bytes() -> None:
    name = b"/tmp/\xff\xfe".decode("utf-8", "surrogateescape")
    fields = json.loads(to_line(SessionCommand(path=name, argv=[name]).to_dict()))
    assert fields["path"] == "/tmp/\\udcff\\udcfe"
    assert fields["argv"] == [fields["path"]]


def test_long_events_are_cut_and_say_so() -> None:
    event = SessionCommand(path="/bin/echo", argv=["x" * 1000] * 3000, env={"LD_PRELOAD": "y" * 2 * MAX_LINE})
    line = to_line(event.to_dict())
    assert len(line) <= MAX_LINE
    fields = json.loads(line)
    assert set(fields["truncated"]) == {"argv", "env"}
    assert fields["path"] == "/bin/echo"
    assert fields["argv"]


@pytest.mark.parametrize("lines", [b"", b"\n", b"a", b"a\nb", b"\na\n\n", b"a\0\n" * 1000])
def test_newlines_are_counted(lines: bytes) -> None:
    assert count_lines(lines) == lines.count(b"\n")
