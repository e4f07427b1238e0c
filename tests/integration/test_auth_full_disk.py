# SPDX-License-Identifier: Apache-2.0
"""An auth service whose disk is full: nothing is acknowledged that is not stored, and it recovers."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from proctor.core.clock import SYSTEM
from proctor.core.errors import ProctorError, Unavailable
from proctor.model.stamp import stamped, to_line
from proctor.rpc._pb import auth_pb2
from proctor.rpc._pb import record_pb2 as pb
from testing.auth import RunningAuth, running_auth
from testing.disks import fill, tmpfs, use_up_inodes
from tests.integration.test_auth_records import SID, Node, stream

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, and a small file system")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system for the data directory."""
    with tmpfs(tmp_path / "disk", 96 << 20, inodes=512) as place:
        yield place


@pytest.fixture
async def auth(disk: Path) -> AsyncIterator[RunningAuth]:
    async with running_auth(disk / "data") as running:
        yield running


def event(node: Node, number: int) -> bytes:
    """An event of about a kilobyte."""
    fields = {**node.command(), "command": f"{number} " + "x" * 1000}
    return to_line(stamped(fields, SYSTEM.now(), "purple"))[:-1]


def batch(node: Node, first: int, lines: list[bytes]) -> pb.EventBatch:
    """``lines`` as the spool of ``node`` sends them."""
    source = f"node/{node.host_id}/1"
    return pb.EventBatch(source=source, first_sequence=first, lines=b"".join(line + b"\n" for line in lines))


async def test_events_are_stored_once_whatever_the_disk_does(auth: RunningAuth, disk: Path) -> None:
    """The disk is full at many points; what was refused is sent again, as a spool does."""
    node = await Node.join(auth)
    await node.attest(SID)
    sent: list[bytes] = []
    refused = 0
    for leave in [*range(12), 0, 1]:
        filler = fill(disk, leave)
        for number in range(8):
            lines = [event(node, number) for _ in range(3)]
            frame = batch(node, len(sent) + 1, lines)
            try:
                (ack,) = await stream(auth, node.credentials, "audit.Emit", frame)
            except Unavailable:
                refused += 1
                filler.unlink(missing_ok=True)
                (ack,) = await stream(auth, node.credentials, "audit.Emit", frame)
            sent += lines
            assert ack.sequence == len(sent)
        filler.unlink(missing_ok=True)

    assert not auth.events("audit.gap"), auth.events("audit.gap")[0]
    stored = Counter(found["uid"] for found in auth.events("exec"))
    assert stored == Counter(json.loads(line)["uid"] for line in sent)
    assert refused > 5


async def test_recordings_wait_for_the_disk(auth: RunningAuth, disk: Path) -> None:
    node = await Node.join(auth)
    start = pb.UploadFrame(sid=SID, start=pb.UploadStart(server_id=node.host_id))
    await stream(auth, node.credentials, "recordings.Upload", start)
    for leave in range(8):
        filler = fill(disk, leave)
        with pytest.raises(Unavailable, match="No space left"):
            await node.record(SID, os.urandom(4096 * (leave + 1)) * 4)
        filler.unlink()
        for path in parts(disk):
            path.unlink()
    await node.record(SID, b"x" * 100_000)
    (info,) = (await auth.call(auth.admin, "recordings.List", pb.ListRecordingsRequest())).recordings
    assert info.sid == SID


def parts(disk: Path) -> list[Path]:
    """What the archive has of the recording."""
    return list(disk.rglob(f"{SID}-0*"))


@pytest.mark.parametrize("exhaust", [fill, use_up_inodes], ids=["blocks", "inodes"])
async def test_what_is_not_in_the_log_is_not_done(auth: RunningAuth, disk: Path, exhaust: Any) -> None:
    """Changes are refused with a reason; reading works; all works when there is space."""
    taken: Path = exhaust(disk)
    refusals = [error for number in range(8) if (error := await refusal(auth, f"user-{number}"))]
    assert all("No space left" in error.message or "disk is full" in error.message for error in refusals)
    assert all("Free some space" in error.hint for error in refusals)
    assert len(refusals) == 8 or exhaust is use_up_inodes
    users = await auth.call(auth.admin, "auth.ListDocuments", auth_pb2.DocumentRequest(kind="user"))
    assert users

    await asyncio.to_thread(free, taken)
    await create(auth, "late")
    assert "late" in [event["name"] for event in auth.events("user.create")]


def free(taken: Path) -> None:
    """Remove a file, or a directory of files."""
    for path in taken.iterdir() if taken.is_dir() else [taken]:
        path.unlink()


async def refusal(auth: RunningAuth, name: str) -> ProctorError | None:
    """Why ``name`` cannot be created."""
    try:
        await create(auth, name)
    except ProctorError as error:
        return error
    return None


async def create(auth: RunningAuth, name: str) -> None:
    await auth.call(auth.admin, "auth.CreateUser", auth_pb2.CreateUserRequest(name=name, roles=["access"]))


async def test_service_that_cannot_start_on_a_full_disk_says_why(disk: Path) -> None:
    async with running_auth(disk / "data"):
        pass
    filler = fill(disk)
    with pytest.raises(Unavailable, match="cannot be used") as refused:
        async with running_auth(disk / "data"):
            pass
    assert "Free some space" in refused.value.hint
    filler.unlink()
    async with running_auth(disk / "data") as auth:
        await create(auth, "late")
