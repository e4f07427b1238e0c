# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from proctor.capture.kernel.abi import RecordKind
from proctor.capture.registry import Phase, Registry
from proctor.capture.state.journal import Position, StateJournal, StoredMessage
from proctor.core.errors import Unavailable

SID = "86aca627-971d-4883-854d-d309ba04c658"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(path: Path) -> Iterator[StateJournal]:
    journal = StateJournal(path)
    yield journal
    journal.close()


def again(journal: StateJournal, path: Path) -> StateJournal:
    """What the next process finds when this one is killed now."""
    journal.close()
    return StateJournal(path)


def test_what_was_not_committed_was_not_done(journal: StateJournal, path: Path) -> None:
    journal.set_fact(Position(3, 7))
    journal.add_message(1, StoredMessage(1, b"one"))
    journal.commit()
    journal.set_fact(Position(4))
    journal.add_message(1, StoredMessage(2, b"two"))

    found = again(journal, path)

    assert found.fact(Position) == Position(3, 7)
    assert list(found.messages(1)) == [StoredMessage(1, b"one")]
    found.close()


def test_one_process_at_a_time(journal: StateJournal, path: Path) -> None:
    journal.commit()
    with pytest.raises(Unavailable, match="locked"):
        StateJournal(path)


def test_acknowledged_messages_are_gone(journal: StateJournal, path: Path) -> None:
    for seq in (1, 2, 3):
        journal.add_message(1, StoredMessage(seq, b"x"))
    journal.add_message(2, StoredMessage(1, b"y"))
    journal.acknowledge(1, 2)
    journal.commit()

    found = again(journal, path)

    assert [message.seq for message in found.messages(1)] == [3]
    assert [message.seq for message in found.messages(2)] == [1]
    found.close()


def test_sessions_go_on_where_they_were(journal: StateJournal, path: Path) -> None:
    registry = Registry(max_sessions=2, memory_limit=1000, journal=journal)
    session = registry.add(SID, Path("/cgroup"), 7, strict=True)
    session.put_events(b"lines\n", Counter({RecordKind.COMMAND: 2}), {})
    session.put_drained({"disk": 1})
    session.phase = Phase.DETACHED
    owner = session.owner()
    registry.commit()

    found = Registry(max_sessions=2, memory_limit=1000, journal=again(journal, path))
    found.restore(registry.last_number)
    restored = found.get(SID)

    assert restored.identity == session.identity
    assert restored.phase is Phase.DETACHED
    assert restored.owner() == owner
    assert restored.delivered == Counter({RecordKind.COMMAND: 2})
    assert (restored.waiting, restored.backlog) == (session.waiting, session.backlog)
    assert restored.unsent() == session.unsent()
    assert found.add(SID.replace("8", "9"), Path("/other"), 8).number == session.number + 1
    found.journal.close()


def test_forgotten_sessions_are_not_restored(journal: StateJournal, path: Path) -> None:
    registry = Registry(max_sessions=2, memory_limit=1000, journal=journal)
    session = registry.add(SID, Path("/cgroup"), 7)
    session.phase = Phase.CLOSED
    session.put_closed({})
    registry.commit()
    assert session.unsent()
    assert registry.acknowledge(SID, 1)
    registry.commit()

    found = again(journal, path)

    assert not list(found.sessions())
    assert not list(found.messages(session.number))
    found.close()
