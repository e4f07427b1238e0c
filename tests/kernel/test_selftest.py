# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proctor.capture.kernel import kernel_features
from proctor.capture.kernel.kernel_features import HOOKS
from testing.capture import CaptureHarness

COMMAND = (str(Path(sys.executable).with_name("teleport")), "debug", "capture")


def examined(without: str = "") -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [*COMMAND, "--format=json"],
        env=os.environ | {kernel_features.SWITCH: without},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return done.returncode, json.loads(done.stdout)


def unseen(findings: dict[str, Any]) -> list[str]:
    return [one["title"] for one in findings["outcomes"] if one["promised"] and not one["seen"]]


@pytest.mark.parametrize("without", ["", "task_storage", "casts", "loop"])
def test_everything_promised_is_seen(without: str) -> None:
    status, findings = examined(without)

    assert unseen(findings) == []
    assert not [one for one in findings["outcomes"] if one["impossible"]]
    assert (status, findings["ok"]) == (0, True)


def test_what_is_promised_and_not_seen_is_a_failure() -> None:
    status, findings = examined("cgroup_hooks")

    assert unseen(findings) == ["datagram, IPv4", "datagram, IPv6"]
    assert len(findings["report"]["limits"]) == len(HOOKS)
    assert (status, findings["ok"]) == (1, False)


def test_for_people() -> None:
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "executed program" in done.stdout
    assert done.stdout.endswith("Everything that enhanced recording promises is recorded here.\n")


def test_a_session_beside_it_is_not_disturbed(lab: CaptureHarness) -> None:
    with lab.session(["sh", "-c", "/bin/echo before; read line; /bin/echo after"]) as session:
        status, _ = examined()

    assert status == 0
    marks = [event["args"][1] for event in session.commands if event["path"] == "/bin/echo"]
    assert marks == ["before", "after"]
    assert {event["cgroup_id"] for event in session.events()} == {session.cgroup.id}
