# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.capture import CaptureHarness, running_lab
from testing.polling import until


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaptureHarness]:
    with running_lab(tmp_path_factory.mktemp("other")) as lab:
        yield lab


def links(lab: CaptureHarness) -> int:
    """How many programs the lab's service has attached, as the kernel tells."""
    return sum(
        _target(entry) == "anon_inode:bpf_link" for entry in Path(f"/proc/{lab.process.pid}/fd").iterdir()
    )


def _target(descriptor: Path) -> str:
    try:
        return os.readlink(descriptor)
    except FileNotFoundError:  # closed since the directory was read
        return ""


def test_nothing_is_attached_without_a_session(lab: CaptureHarness, other: CaptureHarness) -> None:
    programs = len(lab.status()["programs"])
    until(lambda: links(lab) == links(other) == 0, 10, "idle before")

    with lab.session(["/bin/true"]) as first:
        assert (links(lab), links(other)) == (programs, 0)
        with other.session(["/bin/true"]) as second:
            assert (links(lab), links(other)) == (programs, programs)

    lab.subscriber.closed(first.sid)
    other.subscriber.closed(second.sid)
    until(lambda: links(lab) == links(other) == 0, 10, "idle after")


def test_one_service_goes_on_when_another_detaches(lab: CaptureHarness, other: CaptureHarness) -> None:
    with lab.session(["sh", "-c", "/bin/echo early; read line; /bin/echo late"]) as left:
        right = other.run(["/bin/echo", "other"])
        other.subscriber.closed(right.sid)
        until(lambda: links(other) == 0, 10, "the other is idle")

    assert [event["args"] for event in right.commands] == [["/bin/echo", "other"]]
    marks = [event["args"][1] for event in left.commands if event["path"] == "/bin/echo"]
    assert marks == ["early", "late"]
    assert {event["cgroup_id"] for event in left.events()} == {left.cgroup.id}
