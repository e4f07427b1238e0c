# SPDX-License-Identifier: Apache-2.0
"""Texts of events: samples of every event, case and value are generated with what they are to say."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from proctor.model.event_schema import complaint
from proctor.model.events import EVENTS
from proctor.model.sentences import brief, remark, sentence, severity

SAMPLES: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "golden/events.json").read_text()
)


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_texts_are_those_of_the_sample(sample: dict[str, Any]) -> None:
    event = sample["event"]

    assert (sentence(event), brief(event), remark(event)) == (
        sample["sentence"],
        sample["brief"],
        sample["remark"],
    )
    assert severity(event) == sample["severity"]
    assert sample["sentence"]
    assert not set("{}[]") & set(sample["sentence"])


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_samples_are_valid(sample: dict[str, Any]) -> None:
    if EVENTS[sample["event"]["event"]].CODES:
        assert complaint(sample["event"]) == ""


def test_every_event_has_a_sample() -> None:
    assert {sample["event"]["event"] for sample in SAMPLES.values()} == set(EVENTS)


@pytest.mark.parametrize("event", EVENTS)
def test_whatever_the_fields_are_there_is_a_sentence(event: str) -> None:
    values: list[Any] = [None, 7, [], {}, "text", True, 1.5, -1, [None], {"a": {}}]
    for value in values:
        fields = {name: value for kind in EVENTS.values() for name in kind.__struct_encode_fields__}
        assert sentence({**fields, "event": event})
        assert severity({**fields, "event": event}) in {"information", "warning", "error"}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"event": "something.new", "user": "alice"}, "alice: something.new"),
        ({}, "Somebody: an unknown event"),
        ({"event": "session.network", "operation": 99}, "unknown operation"),
        ({"event": "session.tamper", "technique": "later"}, "unknown technique"),
        ({"event": "sftp", "action": 99, "path": "/x"}, "did an unknown operation on /x"),
    ],
)
def test_what_is_not_known_is_said_to_be_unknown(event: dict[str, Any], expected: str) -> None:
    assert expected in sentence(event)


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("session.network", 0, "curl → 192.0.2.1:80"),
        ("session.network", -errno.EINPROGRESS, "curl → 192.0.2.1:80 (started)"),
        ("session.network", -errno.ECONNREFUSED, "curl → 192.0.2.1:80 (connection refused)"),
        ("session.outcome", 0, "curl → 192.0.2.1:80 (connected)"),
        ("session.outcome", -errno.ETIMEDOUT, "curl → 192.0.2.1:80 (timed out)"),
    ],
)
def test_connections(name: str, code: int, text: str) -> None:
    event = {
        "event": name,
        "program": "curl",
        "dst_addr": "192.0.2.1",
        "dst_port": 80,
        "operation": 0,
        "return_code": code,
    }
    assert brief(event) == text
