# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import errno
from typing import Any

import pytest

from proctor.capture.selftest.actions import ACTIONS
from proctor.capture.selftest.expectations import PROBES, Event, judge

OPENED = {"event": "session.disk", "path": "/tmp/x/opened", "return_code": 3}
ACCEPTED = {
    "event": "session.network",
    "operation": 2,
    "version": 4,
    "protocol": "tcp",
    "return_code": 0,
}


def seen(events: list[Event]) -> list[str]:
    return [outcome.title for outcome in judge(events, {}) if outcome.seen]


def test_every_action_is_looked_for() -> None:
    assert {probe.action for probe in PROBES} == ACTIONS.keys()
    assert len({probe.title for probe in PROBES}) == len(PROBES)


@pytest.mark.parametrize(
    ("event", "title"),
    [
        (OPENED, "opened file"),
        (OPENED | {"path": "/tmp/x/opened-uring", "via": "io_uring"}, "file opened by io_uring"),
        (
            OPENED | {"path": "/tmp/x/absent-file", "return_code": -errno.ENOENT},
            "file that could not be opened",
        ),
        (ACCEPTED, "accepted connection"),
        (ACCEPTED | {"operation": 0, "return_code": -errno.ECONNREFUSED}, "connection that was refused"),
        (
            {"event": "session.command", "return_code": 0, "args": ["sh", "-c", ": executed"]},
            "executed program",
        ),
    ],
)
def test_an_event_belongs_to_one_probe(event: dict[str, Any], title: str) -> None:
    assert seen([event]) == [title]


@pytest.mark.parametrize("changed", [{"path": "/tmp/x/other"}, {"return_code": -2}, {"via": "io_uring"}])
def test_another_event_does_not_count(changed: dict[str, Any]) -> None:
    assert seen([OPENED | changed]) == []


def test_what_could_not_be_done_is_no_failure() -> None:
    outcomes = {outcome.action: outcome for outcome in judge([], {"send_v6": "No such device"})}

    assert outcomes["send_v6"].ok
    assert not outcomes["send_v4"].ok
    assert outcomes["escape"].ok, "beyond the promise"
