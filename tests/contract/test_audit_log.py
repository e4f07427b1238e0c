# SPDX-License-Identifier: Apache-2.0
"""What every audit log does, whatever it is made of."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from proctor.audit.log import MAX_LIMIT, AuditLog, Page, Query
from proctor.audit.logs_file import FileLog
from proctor.core.clock import FakeClock, format_time
from proctor.core.errors import BadRequest
from proctor.model.events import SessionCommand, SessionEnd, SessionUpload, UserLogin
from testing.audit import catch_up

SOURCE = "node/531dc1de-c2c9-49bd-a0e3-4f4f3a523f5f/0011223344556677"
SID = "86aca627-971d-4883-854d-d309ba04c658"
OTHER = "ca82b98d-1d30-11ea-8244-cafde5327a6c"


def file_log(directory: Path, clock: FakeClock) -> AuditLog:
    return FileLog(directory / "log", "1048a649-8f3f-4431-9529-0c53339b65a5", clock, cluster_name="purple")


class IndexedLog(FileLog):
    """All but the last event stored between two searches is looked up in the index."""

    def search(self, query: Query) -> Page:
        catch_up(self, spare=1)
        return super().search(query)


def indexed_log(directory: Path, clock: FakeClock) -> AuditLog:
    return IndexedLog(directory / "log", "1048a649-8f3f-4431-9529-0c53339b65a5", clock, cluster_name="purple")


LOGS: list[Callable[[Path, FakeClock], AuditLog]] = [file_log, indexed_log]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=LOGS)
def log(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[AuditLog]:
    opened: AuditLog = request.param(tmp_path, clock)
    yield opened
    opened.close()


def joined(*events: bytes) -> bytes:
    """Events as a spool hands them over."""
    return b"".join(event + b"\n" for event in events)


def raw(number: int, **fields: Any) -> bytes:
    event = {"event": "session.command", "code": "T4000I", "uid": f"uid-{number}", "ei": number, "sid": SID}
    return json.dumps({**event, "time": "2023-07-04T16:42:20Z", **fields}).encode()


def found(log: AuditLog, **query: Any) -> list[dict[str, Any]]:
    query.setdefault("ascending", True)
    return [json.loads(line) for line in log.search(Query(**query)).events]


def uids(log: AuditLog, **query: Any) -> list[str]:
    return [event["uid"] for event in found(log, **query)]


def test_an_own_event_is_found_as_it_was_returned(log: AuditLog) -> None:
    stored = log.append_own(UserLogin(user="alice"))
    assert stored["cluster_name"] == "purple"
    assert stored["time"] == "2023-07-04T16:42:20Z"
    assert found(log) == [stored]


def test_an_own_event_with_a_uid_is_stored_once(log: AuditLog) -> None:
    event = SessionUpload(uid="5f0b", sid=SID, url="file:///x")
    for _ in range(3):
        log.append_own(event)
    (stored,) = found(log)
    assert set(stored) == {"cluster_name", "code", "ei", "event", "sid", "time", "uid", "url"}
    assert (stored["ei"], stored["code"]) == (2147483647, "T2005I")


def test_batches_are_acknowledged_with_their_last_number(log: AuditLog) -> None:
    assert log.append(SOURCE, 1, joined(raw(1), raw(2))) == 2
    assert log.append(SOURCE, 3, joined(raw(3))) == 3
    assert log.append(SOURCE, 4, b"") == 3
    assert log.append("node/x/y", 1, joined(raw(9))) == 1
    assert uids(log) == ["uid-1", "uid-2", "uid-3", "uid-9"]


def test_what_is_delivered_again_is_dropped(log: AuditLog) -> None:
    log.append(SOURCE, 1, joined(raw(1), raw(2)))
    assert log.append(SOURCE, 1, joined(raw(1), raw(2))) == 2
    assert log.append(SOURCE, 2, joined(raw(2), raw(3))) == 3
    assert uids(log) == ["uid-1", "uid-2", "uid-3"]


def test_a_hole_in_the_numbers_is_itself_recorded(log: AuditLog) -> None:
    log.append(SOURCE, 1, joined(raw(1)))
    assert log.append(SOURCE, 5, joined(raw(5))) == 5
    assert uids(log, event_types=("session.command",)) == ["uid-1", "uid-5"]
    (gap,) = found(log, event_types=("audit.gap",))
    assert (gap["code"], gap["lost"], gap["source"]) == ("TP4901W", 3, SOURCE)


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"{",
        b"[]",
        b"5",
        b'{"event":"x"}',
        b'{"event":"x","code":1}',
        b'{"event":"x","code":"T","time":"soon"}',
        b'{"event":"x","code":"T","a":"\xff"}',
        b"[" * 100_000,
        b'{"event":"x","code":"T","a":"' + b"x" * (3 << 20) + b'"}',
    ],
    ids=range(10),
)
def test_what_is_no_event_is_counted_and_does_not_block(log: AuditLog, bad: bytes) -> None:
    assert log.append(SOURCE, 1, joined(raw(1), bad, raw(3))) == 3
    assert uids(log, event_types=("session.command",)) == ["uid-1", "uid-3"]
    (gap,) = found(log, event_types=("audit.gap",))
    assert gap["lost"] == 1
    assert "event 2 is malformed" in gap["reason"]


def test_long_events_stay_whole(log: AuditLog) -> None:
    log.append_own(SessionCommand(argv=["x" * 200_000]))
    (event,) = found(log)
    assert event["argv"] == ["x" * 200_000]


def test_bad_numbers_and_names_are_refused(log: AuditLog) -> None:
    for source, first in ((SOURCE, 0), (SOURCE, 1 << 63), ("", 1), ("x" * 300, 1), ("a\nb", 1)):
        with pytest.raises(BadRequest):
            log.append(source, first, joined(raw(1)))


def test_search_by_each_field(log: AuditLog, clock: FakeClock) -> None:
    log.append_own(UserLogin(uid="login", user="alice"))
    clock.advance(60)
    log.append_own(SessionCommand(uid="curl", sid=SID, user="alice", argv=["https://wttr.in"]))
    clock.advance(60)
    log.append_own(SessionEnd(uid="end", sid=OTHER, user="bob"))
    middle = clock.now() - timedelta(seconds=60)
    assert uids(log, event_types=("user.login", "session.end")) == ["login", "end"]
    assert uids(log, sid=SID) == ["curl"]
    assert uids(log, user="alice") == ["login", "curl"]
    assert uids(log, text="wttr.in") == ["curl"]
    assert uids(log, from_time=middle) == ["curl", "end"]
    assert uids(log, to_time=middle) == ["login", "curl"]
    assert uids(log, from_time=middle, to_time=middle, user="alice") == ["curl"]
    assert uids(log, ascending=False) == ["end", "curl", "login"]
    assert uids(log, user="ali") == []


def test_a_page_is_sorted_by_time_and_counter(log: AuditLog) -> None:
    late, early = "2023-07-04T16:42:20.54Z", "2023-07-04T16:42:20.5Z"
    log.append(SOURCE, 1, joined(raw(1, time=late, ei=7), raw(2, time=late, ei=3), raw(3, time=early, ei=9)))
    assert uids(log) == ["uid-3", "uid-2", "uid-1"]
    assert uids(log, ascending=False) == ["uid-1", "uid-2", "uid-3"]


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_follow_each_other_without_gap_or_double(
    log: AuditLog, clock: FakeClock, limit: int, ascending: bool
) -> None:
    for number in range(12):
        log.append_own(UserLogin(uid=f"{number:02}", user="alice" if number % 3 else "bob"))
        clock.advance(9 * 3600)
    key, seen = "", []
    for _ in range(13):
        page = log.search(Query(user="alice", limit=limit, start_key=key, ascending=ascending))
        assert len(page.events) <= limit
        seen += [json.loads(line)["uid"] for line in page.events]
        if not (key := page.next_key):
            break
    expected = [f"{number:02}" for number in range(12) if number % 3]
    assert seen == (expected if ascending else expected[::-1])


def test_events_stored_days_after_they_happened_are_found_by_their_time(
    log: AuditLog, clock: FakeClock
) -> None:
    happened = clock.now()
    clock.advance(3 * 86400)
    log.append(SOURCE, 1, joined(raw(1, time=format_time(happened))))
    clock.advance(86400)
    log.append_own(UserLogin(uid="now"))
    assert uids(log, to_time=happened) == ["uid-1"]
    assert uids(log, from_time=happened + timedelta(days=2)) == ["now"]


def test_bad_queries_are_refused(log: AuditLog) -> None:
    for query in (
        Query(limit=-1),
        Query(limit=MAX_LIMIT + 1),
        Query(start_key="../x/1"),
        Query(start_key="2023-07-04/"),
    ):
        with pytest.raises(BadRequest):
            log.search(query)


def test_a_page_fits_into_a_message_and_goes_on(log: AuditLog) -> None:
    for number in range(12):
        log.append_own(SessionCommand(uid=str(number), argv=["x" * 400_000]))
    page = log.search(Query())
    assert 0 < sum(map(len, page.events)) < 4 << 20
    assert page.next_key
