# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from proctor.audit.spool import Spool
from proctor.captureproto.event_lines import from_fields
from proctor.model.events import Exec, SessionData, SessionStart
from proctor.model.identity import UserIdentity
from proctor.node.record.recorder import Context, NodeFacts, Recorder
from proctor.recording.writer import WRITES, SessionWriter

SID = "a79b86c5-7465-48ad-b2c9-b3c67586d144"
FACTS = NodeFacts(
    server_id="n",
    hostname="worker",
    address="a:22",
    labels={"env": "test"},
    version="14.0.0",
    cluster="purple",
)
ALICE = UserIdentity(username="alice", roles=("access",), logins=("root",), traits={"team": ("a", "b")})
CONTEXT = Context(node=FACTS, user=ALICE, login="root", local="l:22", remote="r:5", sid=SID)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    (tmp_path / "spool").mkdir()
    spool = Spool(tmp_path / "spool", source="node/n", cluster_name="purple")
    yield spool
    spool.close()


@pytest.fixture
def writer(tmp_path: Path) -> SessionWriter:
    return SessionWriter(tmp_path / "recordings", SID, cluster_name="purple")


def spooled(directory: Path) -> list[dict[str, Any]]:
    lines = [
        line
        for path in sorted((directory / "spool").rglob("*"))
        if path.is_file()
        for line in path.read_bytes().splitlines()
    ]
    return [json.loads(line) for line in lines if b'"event"' in line]


async def test_events_say_who_and_where_and_share_one_count(
    tmp_path: Path, spool: Spool, writer: SessionWriter
) -> None:
    recorder = Recorder(CONTEXT, writer, spool, strict=False, failed=pytest.fail)

    recorder.emit(SessionStart(size="80:24"))
    recorder.output(b"$ ")
    fields = {"cgroup_id": 7, "event": "session.command", "code": "T4000I", "uid": "u", "time": _now()}
    recorder.record_lines(from_fields(fields))
    recorder.emit(SessionData(tx=1, rx=2))
    await recorder.finish(WRITES.run)
    recorder.emit(Exec(command="afterwards"))

    start, command, data, late = spooled(tmp_path)
    assert [event["ei"] for event in (start, command, data, late)] == [0, 2, 2147483646, 3]
    assert (start["user"], start["login"], start["user_roles"]) == ("alice", "root", ["access"])
    assert start["user_traits"] == {"team": ["a", "b"]}
    assert (start["addr.local"], start["addr.remote"], start["proto"]) == ("l:22", "r:5", "ssh")
    assert (start["server_id"], start["server_labels"]) == ("n", {"env": "test"})
    assert (command["user"], command["server_hostname"], command["sid"]) == ("alice", "worker", SID)


@pytest.mark.parametrize("strict", [True, False])
async def test_recording_that_fails(
    tmp_path: Path, spool: Spool, writer: SessionWriter, strict: bool
) -> None:
    failures: list[str] = []
    recorder = Recorder(CONTEXT, writer, spool, strict=strict, failed=failures.append)
    writer.close()

    recorder.output(b"lost")
    recorder.emit(Exec(command="kept in the log"))
    await recorder.finish(WRITES.run)

    assert len(failures) == strict
    kept, loss = spooled(tmp_path)
    assert kept["command"] == "kept in the log"
    assert (loss["event"], loss["lost"]) == ("session.loss", {"bytes": 4, "events": 1})
    assert "closed" in loss["reason"]


async def test_full_spool_ends_a_strict_session(tmp_path: Path) -> None:
    failures: list[str] = []
    (tmp_path / "spool").mkdir()
    spool = Spool(tmp_path / "spool", source="node/n", cluster_name="purple")
    recorder = Recorder(CONTEXT, None, spool, strict=True, failed=failures.append)
    spool.close()

    recorder.emit(Exec(command="x"))
    recorder.emit(Exec(command="y"))

    assert len(failures) == 1
    assert "audit events cannot be written" in failures[0]


def _now() -> str:
    return datetime.now(UTC).isoformat()
