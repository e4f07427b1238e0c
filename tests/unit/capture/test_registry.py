# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from proctor.capture.kernel.abi import RecordKind
from proctor.capture.registry import CapturedSession, Phase, Registry
from proctor.captureproto.capture_messages import decode
from proctor.core import wire
from proctor.core.errors import AlreadyExists, LimitExceeded, NotFound
from proctor.model.serde import to_builtins

SID = "86aca627-971d-4883-854d-d309ba04c658"
ONE_COMMAND = Counter({RecordKind.COMMAND: 1})


def sent(session: CapturedSession) -> list[dict[str, Any]]:
    """What a subscriber gets now."""
    messages = []
    while (kept := session.unsent()) is not None:
        assert wire.body_length(kept.frame[: wire.HEADER.size]) == len(kept.frame) - wire.HEADER.size
        messages.append(to_builtins(decode(kept.frame[wire.HEADER.size :])))
    return messages


@pytest.fixture
def registry() -> Registry:
    return Registry(max_sessions=2, memory_limit=1000)


@pytest.fixture
def session(registry: Registry) -> CapturedSession:
    return registry.add(SID, Path("/cgroup"), 7)


def test_messages_are_numbered_and_sent_once(session: CapturedSession) -> None:
    session.put_events(b'{"event":"session.command"}\n', ONE_COMMAND, {})
    session.put_drained({"disk": 3})

    assert sent(session) == [
        {
            "op": "events",
            "sid": SID,
            "seq": 1,
            "counts": {"command": 1},
            "lost": {},
            "lines": base64.b64encode(b'{"event":"session.command"}\n').decode(),
        },
        {"op": "drained", "sid": SID, "seq": 2, "lost": {"disk": 3}, "account": None},
    ]
    assert sent(session) == []


def test_actions_of_daemons_have_names_of_their_own(session: CapturedSession) -> None:
    first, other = session.owner(), session.owner(1, b",x")
    session.put_events(b"", ONE_COMMAND, {}, 1)

    assert first.prefix != other.prefix
    assert session.owner() == first
    assert session.owner(1, b",x") == other._replace(number=other.number + 1)


def test_new_subscriber_gets_what_is_not_acknowledged(session: CapturedSession) -> None:
    for _ in range(3):
        session.put_events(b"", Counter(), {})
    first = sent(session)
    session.acknowledge(2)
    session.resend()

    assert sent(session) == first[2:]
    assert session.waiting == 1


def test_what_was_not_delivered_cannot_be_acknowledged(session: CapturedSession) -> None:
    for _ in range(3):
        session.put_events(b"", Counter(), {})
    session.acknowledge(3)
    assert session.waiting == 3

    session.unsent()
    session.acknowledge(2**60)
    assert session.waiting == 2

    session.resend()
    session.acknowledge(2)
    assert session.waiting == 2, "a new subscriber was given nothing yet"


def test_batches_beyond_the_limit_are_dropped_and_counted(session: CapturedSession) -> None:
    session.put_events(b"x" * 600, ONE_COMMAND, {})
    session.put_events(b"x" * 600, ONE_COMMAND, {})
    session.put_drained({})
    first = sent(session)
    session.acknowledge(1)
    session.put_events(b"x" * 600, ONE_COMMAND, {})

    assert session.dropped == ONE_COMMAND
    assert session.delivered == Counter({RecordKind.COMMAND: 2})
    assert [message["seq"] for message in (*first, *sent(session))] == [1, 2, 3]


def test_uids_of_events_differ(registry: Registry, session: CapturedSession) -> None:
    other = registry.add(SID.replace("8", "9"), Path("/other"), 8)
    uids = [session.event_uid() for _ in range(100)] + [other.event_uid() for _ in range(100)]

    assert len(set(uids)) == 200
    assert {UUID(uid).version for uid in uids} == {4}


def test_numbers_are_never_given_twice(registry: Registry, session: CapturedSession) -> None:
    registry.remove(session)
    again = registry.add(SID, Path("/cgroup"), 7)

    assert again.number != session.number
    assert registry.numbered(session.number) is None
    assert registry.numbered(again.number) is registry.get(SID) is again


def test_refusals(registry: Registry, session: CapturedSession) -> None:
    with pytest.raises(AlreadyExists):
        registry.add(SID, Path("/cgroup"), 7)
    registry.add(SID.replace("8", "9"), Path("/cgroup"), 8)
    with pytest.raises(LimitExceeded, match="2 recorded sessions"):
        registry.add(SID.replace("8", "7"), Path("/cgroup"), 9)
    with pytest.raises(NotFound):
        registry.get("nothing")


def test_settled_sessions_are_forgotten(registry: Registry, session: CapturedSession) -> None:
    session.put_drained({})
    session.unsent()
    registry.acknowledge(SID, 1)
    assert list(registry) == [session]

    session.phase = Phase.CLOSED
    session.put_closed({})
    session.unsent()
    assert registry.live() == []
    registry.acknowledge(SID, 2)
    registry.acknowledge("unknown", 1)

    assert list(registry) == []
