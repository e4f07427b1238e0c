# SPDX-License-Identifier: Apache-2.0
"""Messages of capture about one session: stored before they are acknowledged, losses said, ends reported."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proctor.audit.spool import Spool
from proctor.captureproto.capture_messages import Closed, Drained, KernelEvents, LossAccounting
from proctor.captureproto.event_lines import from_fields
from proctor.core.errors import Unavailable
from proctor.core.tasks import WorkQueue
from proctor.node.record.deliveries import DeliveryLog
from proctor.node.record.delivery import STOPPED, DeliveryStorage, SessionDelivery
from proctor.node.record.recorder import Context, NodeFacts, Recorder

SID = "a79b86c5-7465-48ad-b2c9-b3c67586d144"
FACTS = NodeFacts(
    server_id="n", hostname="worker", address="a", labels={}, version="14.0.0", cluster="purple"
)


class Lab:
    """A session's delivery to a real spool, without a recording."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.acknowledged: list[int] = []
        self.failures: list[str] = []
        self.closed = 0
        self.queue = WorkQueue("writes")
        self.spool = Spool(directory / "spool", source="node/n", cluster_name="purple")
        self.notes = DeliveryLog(directory / "notes")
        storage = DeliveryStorage(
            queue=self.queue,
            deliveries=self.notes,
            acknowledge=lambda message: self.acknowledged.append(message.seq),  # type: ignore[union-attr]
        )
        self.delivery = SessionDelivery(SID, storage, self._close)
        context = Context(node=FACTS, user=None, login="root", local="", remote="", sid=SID)
        self.recorder = Recorder(context, None, self.spool, strict=True, failed=self.failures.append)

    def _close(self) -> None:
        self.closed += 1

    async def handle(self, *messages: KernelEvents | Drained | Closed) -> None:
        for message in messages:
            self.delivery.handle(message)
        await self.settled()

    async def settled(self) -> None:
        """Everything that was put is done, and what follows from it."""
        for _ in range(3):
            await self.queue.run(lambda: None)

    def spooled(self, name: str) -> list[dict[str, Any]]:
        files = sorted((self._directory / "spool").glob("*.ndjson"))
        lines = [line for file in files for line in file.read_bytes().splitlines() if line.startswith(b"{")]
        return [event for event in map(json.loads, lines) if event["event"] == name]


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    (tmp_path / "spool").mkdir()
    lab = Lab(tmp_path)
    yield lab
    lab.queue.close()
    lab.spool.close()


def batch(seq: int, *, lost: dict[str, int] | None = None) -> KernelEvents:
    fields = {
        "cgroup_id": 7,
        "event": "session.command",
        "code": "T4000I",
        "uid": f"ae255a72-386d-4c13-a817-{seq:012d}",
        "time": "2026-11-23T06:41:31.82Z",
        "program": f"number {seq}",
    }
    return KernelEvents(sid=SID, seq=seq, lines=from_fields(fields), counts={"command": 1}, lost=lost or {})


def programs(lab: Lab) -> list[str]:
    return [event["program"] for event in lab.spooled("session.command")]


async def test_messages_wait_for_the_recorder_and_keep_their_order(lab: Lab) -> None:
    await lab.handle(batch(1), batch(2), Drained(sid=SID, seq=3))
    assert (lab.acknowledged, programs(lab), lab.delivery.drained.is_set()) == ([], [], False)
    lab.delivery.attach(lab.recorder)
    lab.delivery.handle(batch(4))
    await lab.settled()
    assert lab.acknowledged == [1, 2, 3, 4]
    assert programs(lab) == ["number 1", "number 2", "number 4"]
    assert lab.delivery.drained.is_set()


async def test_message_that_was_stored_is_acknowledged_again_and_not_stored(lab: Lab) -> None:
    lab.delivery.attach(lab.recorder)
    await lab.handle(batch(1), batch(1), batch(2), batch(1))
    assert (programs(lab), lab.acknowledged) == (["number 1", "number 2"], [1, 1, 2, 1])
    await lab.handle(Drained(sid=SID, seq=3, account=LossAccounting(delivered={"command": 2})))
    (ledger,) = lab.spooled("session.ledger")
    assert ledger["stored"] == {"command": 2}
    assert "lost" not in ledger


async def test_message_that_cannot_be_stored_is_not_acknowledged(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_intent: object) -> None:
        raise Unavailable("the disk is gone")

    lab.delivery.attach(lab.recorder)
    with monkeypatch.context() as patch:
        patch.setattr(lab.notes, "note", refuse)
        await lab.handle(batch(1))
    assert (lab.acknowledged, lab.delivery.seq) == ([], 0)
    await lab.handle(batch(1))
    assert (lab.acknowledged, lab.delivery.seq) == ([1], 1)


async def test_only_new_losses_are_reported_and_end_a_strict_session(lab: Lab) -> None:
    lab.delivery.attach(lab.recorder)
    await lab.handle(
        batch(1, lost={"command": 2}),
        batch(2, lost={"command": 2}),
        batch(3, lost={"command": 2, "disk": 1}),
        batch(4, lost={"command": 1, "disk": 1}),
    )
    assert [event["lost"] for event in lab.spooled("session.loss")] == [{"command": 2}, {"disk": 1}]
    assert len(lab.failures) == 1
    assert lab.acknowledged == [1, 2, 3, 4]


async def test_second_account_is_written_when_it_says_more(lab: Lab) -> None:
    lab.delivery.attach(lab.recorder)
    account = LossAccounting(delivered={"command": 1})
    await lab.handle(batch(1), Drained(sid=SID, seq=2, account=account))
    await lab.handle(Closed(sid=SID, seq=3, account=account))
    assert (len(lab.spooled("session.ledger")), lab.closed) == (1, 1)


async def test_what_was_done_after_the_end_has_an_account_of_its_own(lab: Lab) -> None:
    lab.delivery.attach(lab.recorder)
    await lab.handle(batch(1), Drained(sid=SID, seq=2, account=LossAccounting(delivered={"command": 1})))
    final = Closed(sid=SID, seq=4, account=LossAccounting(delivered={"command": 2}))
    await lab.handle(batch(3), final, final)
    assert [event["stored"] for event in lab.spooled("session.ledger")] == [{"command": 1}, {"command": 2}]


async def test_session_that_is_not_recorded_any_more_says_why(lab: Lab) -> None:
    lab.delivery.attach(lab.recorder)
    closed = Closed(sid=SID, seq=1, reason="the cgroup is gone")
    await lab.handle(closed, closed)
    assert [event["reason"] for event in lab.spooled("session.loss")] == ["the cgroup is gone"]
    assert lab.failures == ["the cgroup is gone"]
    assert lab.delivery.drained.is_set()


async def test_end_of_capture_is_reported_once(lab: Lab) -> None:
    lab.delivery.break_off()
    assert not lab.delivery.broken, "nothing has begun"
    lab.delivery.attach(lab.recorder)
    lab.delivery.break_off()
    lab.delivery.break_off()
    await lab.settled()
    assert [event["reason"] for event in lab.spooled("session.loss")] == [STOPPED]
    assert (lab.failures, lab.delivery.drained.is_set()) == ([STOPPED], True)
