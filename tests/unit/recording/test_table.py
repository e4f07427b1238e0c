# SPDX-License-Identifier: Apache-2.0
"""The list of recordings, as the archive and the events of sessions fill it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from proctor.core.clock import format_time
from proctor.core.errors import BadRequest
from proctor.recording.table import ACTIVE, COMPLETE, STATES, UPLOADING, Filter, RecordingTable

NODE, OTHER = "node-1", "node-2"
START = datetime(2023, 7, 4, 16, 42, 20, tzinfo=UTC)


def sid(number: int) -> str:
    return str(UUID(int=number))


def at(minutes: int) -> str:
    return format_time(START + timedelta(minutes=minutes))


def start(number: int, **fields: Any) -> bytes:
    event = {"event": "session.start", "sid": sid(number), "server_id": NODE, "time": at(number)}
    return json.dumps({**event, "user": "alice", "size": "80:25", "login": "root", **fields}).encode()


def end(number: int, **fields: Any) -> bytes:
    event = {"event": "session.end", "sid": sid(number), "server_id": NODE, "time": at(number + 1)}
    about = {"participants": ["alice"], "session_start": at(number), "session_stop": at(number + 1)}
    return json.dumps({**event, **about, "server_hostname": "web", "interactive": True, **fields}).encode()


@pytest.fixture
def table(tmp_path: Path) -> RecordingTable:
    return RecordingTable(tmp_path / "recordings.sqlite")


def held(table: RecordingTable, *numbers: int, server: str = NODE, complete: bool = True) -> None:
    for number in numbers:
        table.archived(sid(number), server, at(number), complete=complete)


def listed(table: RecordingTable, **wanted: Any) -> list[int]:
    found, key = table.page(Filter(**wanted), 1000)
    assert not key
    return [UUID(info.sid).int for info in found]


def test_states_follow_what_arrives_in_any_order(table: RecordingTable) -> None:
    def state(number: int) -> str:
        return table.page(Filter(sid=sid(number), states=STATES), 1)[0][0].state

    held(table, 1, complete=False)
    assert state(1) == ACTIVE
    table.note([start(1)], None)
    assert state(1) == ACTIVE
    table.note([end(1)], None)
    assert state(1) == UPLOADING
    held(table, 1)
    assert state(1) == COMPLETE
    table.note([end(2)], None)
    assert listed(table, states=STATES) == [1]
    held(table, 2, complete=False)
    assert state(2) == UPLOADING


def test_a_recording_whose_end_was_never_reported_is_listed(table: RecordingTable) -> None:
    table.note([start(1)], None)
    held(table, 1)
    held(table, 2, complete=False)
    assert listed(table) == [1]
    (info,), _ = table.page(Filter(), 10)
    assert (list(info.participants), info.login, info.interactive, info.ended) == (
        ["alice"],
        "root",
        True,
        "",
    )
    assert listed(table, states=(ACTIVE,)) == [2]


def test_an_end_says_what_the_beginning_could_not(table: RecordingTable) -> None:
    held(table, 1)
    table.note([start(1), end(1, participants=["alice", "bob"], enhanced_recording=True)], None)
    (info,), _ = table.page(Filter(), 10)
    assert list(info.participants) == ["alice", "bob"]
    assert (info.started, info.ended, info.enhanced) == (at(1), at(2), True)
    table.note([start(1)], None)  # delivered again
    assert list(table.page(Filter(), 10)[0][0].participants) == ["alice", "bob"]


def test_filters(table: RecordingTable) -> None:
    held(table, 1, 2, 4)
    held(table, 3, server=OTHER)
    table.note(
        [
            end(1),
            end(2, participants=["bob", "alice"], interactive=False),
            end(3, participants=["carol"], server_id=OTHER, server_hostname="db"),
            end(4, participants=[]),
        ],
        None,
    )
    assert listed(table) == [4, 3, 2, 1]
    assert listed(table, user="alice") == [2, 1]
    assert listed(table, user="ali") == []
    assert listed(table, host="db") == listed(table, host=OTHER) == [3]
    assert listed(table, kind="command") == [2]
    assert listed(table, kind="interactive", host="web") == [4, 1]
    assert listed(table, from_time=START + timedelta(minutes=3), to_time=START + timedelta(minutes=4)) == [
        3,
        2,
    ]


def test_pages_follow_each_other_while_sessions_end(table: RecordingTable) -> None:
    for number in range(1, 12):
        held(table, number)
        table.note([end(number, session_stop=at(5))], None)  # all at one moment
    seen, key = [], ""
    for step in range(5):
        page, key = table.page(Filter(), 3, key)
        seen += [UUID(info.sid).int for info in page]
        held(table, 100 + step)
        table.note([end(100 + step)], None)
        if not key:
            break
    assert seen == list(range(11, 0, -1))


def test_a_host_speaks_for_its_own_sessions_only(table: RecordingTable) -> None:
    held(table, 1)
    table.note([end(1), end(1, server_id=OTHER, participants=["mallory"])], None)
    assert listed(table, user="mallory") == []
    (info,), _ = table.page(Filter(), 10)
    assert list(info.participants) == ["alice"]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"junk",
        b"[]",
        end(1, sid=5),
        end(1, sid="../../etc/passwd"),
        end(1, participants="all"),
        end(1, participants=[5]),
        end(1, session_stop="soon"),
        end(1, server_id=""),
        b'{"event":"exec","sid":"%s","server_id":"node-1"}' % sid(1).encode(),
    ],
    ids=range(9),
)
def test_nonsense_is_passed_over(table: RecordingTable, nonsense: bytes) -> None:
    held(table, 1, 2)
    table.note([nonsense, end(2)], "2023-07-04/5")
    assert table.position() == "2023-07-04/5"
    assert listed(table, user="alice") == [2]


def test_what_was_removed_is_not_listed_and_can_come_back(table: RecordingTable) -> None:
    held(table, 1, 2)
    table.note([end(1), end(2)], None)
    table.removed([sid(1)])
    assert listed(table) == [2]
    assert table.known() == {sid(2): True}
    held(table, 1)
    assert listed(table, user="alice") == [2, 1]


@pytest.mark.parametrize(
    ("wanted", "key"),
    [
        (Filter(kind="x"), ""),
        (Filter(states=("gone",)), ""),
        (Filter(), "x"),
        (Filter(), "1/../.."),
        (Filter(), f"{'9' * 30}/{sid(1)}"),
    ],
)
def test_what_cannot_be_asked_is_refused(table: RecordingTable, wanted: Filter, key: str) -> None:
    with pytest.raises(BadRequest):
        table.page(wanted, 10, key)


@pytest.mark.parametrize("damage", [b"", b"x" * 50_000])
def test_a_damaged_table_is_begun_again(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "recordings.sqlite"
    table = RecordingTable(path)
    held(table, 1)
    table.note([end(1)], "2023-07-04/9")
    table.close()
    assert RecordingTable(path).position() == "2023-07-04/9"
    path.write_bytes(damage)
    again = RecordingTable(path)
    assert again.position() == ""
    assert again.known() == {}


def loss(number: int, **fields: Any) -> bytes:
    event = {"event": "session.loss", "sid": sid(number), "server_id": NODE, "time": at(number)}
    return json.dumps({**event, "lost": {"events": 3}, **fields}).encode()


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 0, 2], [0, 2, 1]])
def test_what_could_not_be_recorded_shows(table: RecordingTable, order: list[int]) -> None:
    events = [start(1), loss(1), end(1)]
    table.note([events[number] for number in order], None)
    table.note([start(2), loss(2, server_id=OTHER), end(2)], None)
    held(table, 1, 2)
    found, _ = table.page(Filter(), 10)
    assert {UUID(info.sid).int: (info.state, info.truncated) for info in found} == {
        1: (COMPLETE, True),
        2: (COMPLETE, False),
    }
    assert list(found[1].participants) == ["alice"]


def test_recording_without_any_event_is_listed(table: RecordingTable) -> None:
    held(table, 1)
    table.note([loss(2)], None)
    assert listed(table) == [1]
