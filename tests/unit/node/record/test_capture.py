# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from proctor.audit.spool import Spool
from proctor.captureproto.capture_messages import Closed, Delivery, Drained, KernelEvents, Subscribed
from proctor.captureproto.client import CaptureClient
from proctor.captureproto.event_lines import from_fields
from proctor.core.tasks import WorkQueue
from proctor.model.identity import UserIdentity
from proctor.node.record.capture import CaptureSubscription
from proctor.node.record.contexts import Contexts
from proctor.node.record.deliveries import DeliveryLog
from proctor.node.record.recorder import Context, NodeFacts, Recorder
from proctor.recording.writer import SessionWriter, recover
from testing.polling import auntil

SID = "a79b86c5-7465-48ad-b2c9-b3c67586d144"
FACTS = NodeFacts(
    server_id="n", hostname="worker", address="a", labels={}, version="14.0.0", cluster="purple"
)


class ScriptedCapture:
    """A capture service that says what the test wants."""

    away = 0.0

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self.acknowledged: list[tuple[str, int]] = []

    async def subscribe(self, _sessions: object) -> AsyncIterator[Delivery]:
        while True:
            yield await self.queue.get()

    async def hung_up(self, seconds: float) -> None:
        """It has."""

    def acknowledge(self, delivery: KernelEvents | Drained | Closed) -> None:
        self.acknowledged.append((delivery.sid, delivery.seq))


class Lab:
    """A feed between a scripted capture and a real recording and spool, which survive ``crash``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "spool").mkdir()
        self.failures: list[str] = []
        self.writer: SessionWriter | None = SessionWriter(directory / "recordings", SID)
        self.boot()

    def boot(self) -> None:
        self.spool = Spool(self.directory / "spool", source="node/n", cluster_name="purple")
        self.capture = ScriptedCapture()
        self.queue = WorkQueue("writes")
        self.feed = CaptureSubscription(
            cast(CaptureClient, self.capture),
            DeliveryLog(self.directory / "notes"),
            lambda sid: self.recorder(sid, None),
            Contexts(self.directory / "contexts"),
            self.queue,
        )
        self.task = asyncio.ensure_future(self.feed.run())

    def recorder(self, sid: str, writer: SessionWriter | None) -> Recorder:
        user = UserIdentity(username="alice", roles=(), logins=())
        context = Context(node=FACTS, user=user, login="root", local="l", remote="r", sid=sid)
        return Recorder(context, writer, self.spool, strict=True, failed=self.failures.append)

    async def crash(self) -> None:
        """The process dies, and comes back with what it finds on disk."""
        self.task.cancel()
        await self.settled()
        self.queue.close()
        self.spool.close()
        (found,) = recover(self.directory / "recordings", cluster_name="purple", emit=lambda _event: None)
        self.writer = found.writer
        self.boot()

    async def say(self, *deliveries: Delivery) -> None:
        before = len(self.capture.acknowledged)
        for delivery in deliveries:
            self.capture.queue.put_nowait(delivery)
        await auntil(lambda: len(self.capture.acknowledged) == before + len(deliveries))

    async def settled(self) -> None:
        """Everything that was put is done, and what follows from it."""
        for _ in range(3):
            await self.queue.run(lambda: None)

    def spooled(self, name: str = "session.command") -> list[dict[str, Any]]:
        lines = [
            line
            for path in sorted((self.directory / "spool").rglob("*"))
            if path.is_file()
            for line in path.read_bytes().splitlines()
        ]
        events = [json.loads(line) for line in lines if line.startswith(b'{"') and b'"event"' in line]
        return [event for event in events if event["event"] == name]


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.task.cancel()
    lab.queue.close()
    lab.spool.close()
    if lab.writer is not None:
        lab.writer.close()


_uids: Iterator[int] = iter(range(10**6))


def batch(seq: int, *programs: str, lost: dict[str, int] | None = None) -> KernelEvents:
    events = [
        {
            "cgroup_id": 7,
            "event": "session.command",
            "code": "T4000I",
            "uid": f"ae255a72-386d-4c13-a817-{next(_uids):012d}",
            "time": "2026-11-23T06:41:31.82Z",
            "program": program,
        }
        for program in programs
    ]
    lines = b"".join(map(from_fields, events))
    return KernelEvents(sid=SID, seq=seq, lines=lines, counts={"command": len(events)}, lost=lost or {})


async def test_events_are_held_until_the_session_has_begun(lab: Lab) -> None:
    lab.feed.expect(SID)
    lab.capture.queue.put_nowait(batch(1, "bash"))
    await auntil(lab.capture.queue.empty)
    assert not lab.spooled()

    lab.feed.attach(SID, lab.recorder(SID, lab.writer))
    await lab.settled()

    (event,) = lab.spooled()
    assert (event["program"], event["user"], event["login"], event["sid"]) == ("bash", "alice", "root", SID)
    assert lab.capture.acknowledged == [(SID, 1)]


async def test_drained_is_waited_for(lab: Lab) -> None:
    lab.feed.attach(SID, lab.recorder(SID, lab.writer))
    assert not await lab.feed.drained(SID, 0)

    await lab.say(batch(1, "bash"), Drained(sid=SID, seq=2))

    assert await lab.feed.drained(SID, 0)
    await lab.say(Closed(sid=SID, seq=3))
    assert await lab.feed.drained(SID, 0)


async def test_drained_is_waited_for_while_events_come(lab: Lab) -> None:
    lab.feed.attach(SID, lab.recorder(SID, lab.writer))
    waiting = asyncio.ensure_future(lab.feed.drained(SID, 2.0))
    for seq in range(1, 6):
        await lab.say(batch(seq, "ls"))
        await asyncio.wait({waiting}, timeout=0.5)
    await lab.say(Drained(sid=SID, seq=6))

    assert await waiting


async def test_message_that_comes_again_is_stored_once(lab: Lab) -> None:
    lab.feed.attach(SID, lab.recorder(SID, lab.writer))
    message = batch(1, "bash", "ls")

    await lab.say(message, message, batch(2, "cat"))

    assert [(event["program"], event["ei"]) for event in lab.spooled()] == [
        ("bash", 0),
        ("ls", 1),
        ("cat", 2),
    ]


@pytest.mark.parametrize("step", ["noted", "recorded", "spooled"])
async def test_crash_between_steps_is_finished_when_the_message_comes_again(lab: Lab, step: str) -> None:
    recorder = lab.recorder(SID, lab.writer)
    lab.feed.attach(SID, recorder)
    assert lab.writer is not None
    lab.writer.output(b"$ ")
    message = batch(1, "bash", "ls")
    with pytest.MonkeyPatch.context() as patch:
        if step == "noted":
            patch.setattr(Recorder, "record_lines", lambda *_: "")
        if step == "recorded":
            patch.setattr(Recorder, "_keep_lines", lambda *_: True)
        await lab.say(message)

    await lab.crash()
    lab.feed.attach(SID, lab.recorder(SID, lab.writer))
    await lab.say(message, batch(2, "cat"))

    assert [(event["program"], event["ei"]) for event in lab.spooled()] == [
        ("bash", 1),
        ("ls", 2),
        ("cat", 3),
    ]
    assert lab.writer is not None
    assert lab.writer.next_ei == 4


async def test_losses_are_reported_once_each(lab: Lab) -> None:
    lab.feed.attach(SID, lab.recorder(SID, lab.writer))

    await lab.say(
        batch(1, "a", lost={"command": 3}),
        batch(2, "b", lost={"command": 3}),
        batch(3, "c", lost={"command": 5}),
    )

    assert [event["lost"] for event in lab.spooled("session.loss")] == [{"command": 3}, {"command": 2}]


async def test_restarted_capture_ends_strict_sessions(lab: Lab) -> None:
    lab.feed.attach(SID, lab.recorder(SID, lab.writer))
    for instance in ("one", "two"):
        lab.capture.queue.put_nowait(
            Subscribed(instance=instance, sessions=[SID] if instance == "one" else [])
        )

    await auntil(lambda: lab.failures)

    assert "no longer records this session" in lab.failures[0]
    assert lab.spooled("session.loss")
    assert await lab.feed.drained(SID, 0)


async def test_unclaimed_sessions_go_to_the_log(lab: Lab) -> None:
    await lab.say(batch(1, "late"))

    (event,) = lab.spooled()
    assert (event["program"], event["server_id"]) == ("late", "n")
