# SPDX-License-Identifier: Apache-2.0
"""The index changes how long a search takes, and never what it finds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proctor.audit.index import bits, store
from proctor.audit.index.conditions import windows
from proctor.audit.index.indexer import Indexer
from proctor.audit.index.store import Index, files
from proctor.audit.log import Page, Query
from proctor.audit.logs_file import FileLog
from proctor.audit.search.deadline import Budget, Cancelled
from proctor.audit.search.log_reader import LogReader
from proctor.audit.search.scan import search
from proctor.core.clock import FakeClock, format_time
from testing.audit import catch_up

HOST = "1048a649-8f3f-4431-9529-0c53339b65a5"
START = datetime(2023, 7, 4, 16, 42, 20, tzinfo=UTC)
DAY = "2023-07-04.00:00:00.log"
UID = "4f3a523f-97d1-4e5a-8c3f-0e5f5b9d{:04x}"

USERS = ("alice", "bob", "al", "root", 'al"ice', "zoë")
PROGRAMS = (
    "/usr/bin/curl", "/etc/shadow", "curl", "[x]*?", 'say "hi"', "ls\\", "a" * 700 + "needle", "-", "",
)  # fmt: skip
TEXTS = (
    "curl", "/usr/bin", "etc", "needle", '"hi', 'user":"al', '"user":"alice"', '"path":"/etc/shadow","pid":',
    ":22,", "22", "4f3a523f", "4f3a523", UID.format(3), "97d1", "2023-07-04", "16:42", "[x]*", "*", "?", "\\",
    "zoë", "ë", "argv", '"pid":22,"s', '"pid":22,"server_h', '"addr.remote":"10.0.0', 'addr.remote":"10',
    '"ei":7,"event":"x"', '"uid":"4f3', '"time":"2023',
     '"ei":1,', "ei", "uid", "T", "absent", 'absent"', '"', "", "a" * 600, ":", "0.0.1",
)  # fmt: skip

events = st.fixed_dictionaries(
    {
        "event": st.sampled_from(("session.command", "session.disk", "user.login", "x")),
        "user": st.sampled_from(USERS),
        "path": st.sampled_from(PROGRAMS),
        "argv": st.lists(st.sampled_from((*PROGRAMS, "4f3a523f", "2023-07-04")), max_size=2),
        "pid": st.sampled_from((22, 220, 4711)),
        "ei": st.integers(0, 30),
        "sid": st.sampled_from(("", "86aca627", "ca82b98d")),
        "server_id": st.sampled_from(("", "node-id-1", "node-id-2")),
        "server_hostname": st.sampled_from(("", "web", "node-id-1")),
        "addr.remote": st.sampled_from(("10.0.0.1:22", "[2001:db8::1]:22")),
    }
)
moments = st.none() | st.integers(-2, 40).map(lambda hours: START + timedelta(hours=hours))
queries = st.builds(
    Query,
    from_time=moments,
    to_time=moments,
    event_types=st.lists(st.sampled_from(("session.command", "user.login", "none")), max_size=2).map(tuple),
    sid=st.sampled_from(("", "", "86aca627", "86aca")),
    user=st.sampled_from(("", "", *USERS, "nobody")),
    host=st.sampled_from(("", "", "web", "node-id-1", "node")),
    text=st.sampled_from(TEXTS) | st.text(alphabet='acu/"e:,x', max_size=4),
    limit=st.integers(1, 5),
    ascending=st.booleans(),
)


def opened(directory: Path, clock: FakeClock | None = None) -> FileLog:
    return FileLog(directory / "log", HOST, clock or FakeClock(), cluster_name="purple")


def keep(log: FileLog, clock: FakeClock, number: int, fields: dict[str, Any]) -> None:
    # Some hosts deliver late.
    late = timedelta(hours=5) if number % 7 == 3 else timedelta()
    uid = UID.format(number) if number % 5 else f"own-{number}"
    log.append_own({"code": "T0", "uid": uid, "time": format_time(clock.now() - late), **fields})


def filled(directory: Path, count: int = 30) -> FileLog:
    clock = FakeClock()
    log = opened(directory, clock)
    for number in range(count):
        keep(log, clock, number, {"event": "x", "user": USERS[number % 2], "path": f"/p/{number}"})
    return log


def linear(log: FileLog, query: Query) -> Page:
    reader = LogReader(log.directory, log.directory / "none")
    return reader.search(log.extents(), query)


def pages(log: FileLog, query: Query, *, indexed: bool) -> Iterator[Page]:
    """All pages of a query."""
    while True:
        page = log.search(query) if indexed else linear(log, query)
        yield page
        if not page.next_key:
            return
        query = Query(**{**vars(query), "start_key": page.next_key})


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(events, min_size=1, max_size=25), st.lists(queries, min_size=8, max_size=8), st.data())
def test_results_are_those_of_a_search_without_index(
    tmp_path_factory: pytest.TempPathFactory,
    stored: list[dict[str, Any]],
    asked: list[Query],
    data: st.DataObject,
) -> None:
    clock = FakeClock()
    log = opened(tmp_path_factory.mktemp("log"), clock)
    for number, fields in enumerate(stored):
        keep(log, clock, number, fields)
        clock.advance(data.draw(st.sampled_from((0, 0, 1, 3600, 40_000))))
        if data.draw(st.booleans()):
            catch_up(log, smallest=data.draw(st.integers(1, 6)))
    for query in asked:
        assert list(pages(log, query, indexed=True)) == list(pages(log, query, indexed=False))
    log.close()


def test_lines_are_read_only_where_the_index_points_to(tmp_path: Path) -> None:
    log = filled(tmp_path)
    catch_up(log)
    path = log.directory / DAY
    content = path.read_bytes()
    path.write_bytes(content.replace(b"/p/7", b"/q/7"))
    assert [json.loads(line)["path"] for line in log.search(Query(text="/p/2", limit=1)).events] == ["/p/29"]
    assert not log.search(Query(text="/q/7")).events
    assert not log.search(Query(text="/p/7")).events


@pytest.mark.parametrize("damage", ["empty", "garbage", "header", "middle", "deleted", "format"])
def test_a_damaged_index_costs_time_only_and_is_made_again(tmp_path: Path, damage: str) -> None:
    log = filled(tmp_path, 300)
    catch_up(log)
    path = log.index_path
    if damage == "middle":
        size = path.stat().st_size
        with path.open("r+b") as file:
            for start in range(8192, size, 8192):
                file.seek(start + 100)
                file.write(b"\xaa" * 8000)
    elif damage == "deleted":
        path.unlink()
    elif damage == "format":
        index = Index.writer(path)
        index.database.execute("PRAGMA user_version = 99")
        index.close()
    else:
        content = {"empty": b"", "garbage": b"x" * 100_000, "header": b"\0" * 100 + path.read_bytes()[100:]}
        path.write_bytes(content[damage])
    for query in (Query(user="bob"), Query(text="/p/77"), Query(text="none")):
        assert log.search(query).events == linear(log, query).events
    catch_up(log)
    again = Index.reader(path)
    assert again is not None
    assert again.segments()
    assert log.search(Query(text="/p/77")).events == linear(log, Query(text="/p/77")).events


def test_postings_that_do_not_fit_their_checksum_are_noticed(tmp_path: Path) -> None:
    log = filled(tmp_path)
    catch_up(log)
    index = Index.writer(log.index_path)
    index.database.execute("UPDATE postings SET events = CAST('l' || x'0000' || x'00000000' AS BLOB)")
    index.close()
    reader = LogReader(log.directory, log.index_path)
    assert len(reader.search(log.extents(), Query(user="bob")).events) == 15
    assert reader.damaged


def test_a_day_that_became_shorter_is_indexed_again(tmp_path: Path) -> None:
    log = filled(tmp_path)
    catch_up(log, smallest=5)
    log.close()
    path = log.directory / DAY
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:12]))
    again = opened(tmp_path)
    assert again.search(Query(text="/p/2")).events == linear(again, Query(text="/p/2")).events
    again.append_own({"event": "x", "code": "T0", "user": "alice", "path": "/p/fresh"})
    catch_up(again)
    for text in ("/p/fresh", "/p/11", "/p/20"):
        assert again.search(Query(text=text)).events == linear(again, Query(text=text)).events


def test_a_day_that_was_removed_is_forgotten_with_its_terms(tmp_path: Path) -> None:
    clock = FakeClock()
    log = opened(tmp_path, clock)
    for number in range(4):
        log.append_own({"event": "x", "code": "T0", "user": "alice", "path": f"/only/{number}"})
        clock.advance(86_400)
    log.append_own({"event": "x", "code": "T0", "user": "alice", "path": "/last"})
    catch_up(log)
    (log.directory / "2023-07-05.00:00:00.log").unlink()
    assert len(log.search(Query(user="alice")).events) == 4
    catch_up(log)
    index = Index.reader(log.index_path)
    assert index is not None
    assert index.term("/only/1") is None
    assert not index.containing("only/1", 10)
    assert index.term("/only/2") is not None
    assert index.term("alice") is not None
    assert {segment.file for segment in index.segments()} == {e.name for e in log.extents()}


def test_work_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    log = filled(tmp_path)
    extents = {extent.name: extent.size for extent in log.extents()}
    indexer = Indexer(log.index_path, log.directory, smallest=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bits, "encode", _fail)
        with pytest.raises(KeyboardInterrupt):
            indexer.step(extents)
    assert not indexer.files()
    assert indexer.step(extents)
    assert not indexer.step(extents)
    assert len(log.search(Query(text="/p/1")).events) == 11
    indexer.close()


def _fail(*_arguments: object) -> bytes:
    raise KeyboardInterrupt


def test_a_few_lines_of_the_current_day_wait(tmp_path: Path) -> None:
    log = filled(tmp_path)
    catch_up(log, smallest=31)
    index = Index.reader(log.index_path)
    assert index is not None
    assert not index.segments()
    assert len(log.search(Query(text="/p/1")).events) == 11


def test_pages_stay_what_they_are_while_events_arrive_and_are_indexed(tmp_path: Path) -> None:
    clock = FakeClock()
    log = opened(tmp_path, clock)
    for number in range(20):
        keep(log, clock, number, {"event": "x", "user": "alice"})
    first = log.search(Query(user="alice", limit=7))
    for number in range(20, 40):
        keep(log, clock, number, {"event": "x", "user": "alice"})
        catch_up(log, smallest=3)
    rest = log.search(Query(user="alice", limit=100, start_key=first.next_key))
    uids = [json.loads(line)["uid"] for line in (*first.events, *rest.events)]
    assert len(set(uids)) == len(uids) == 20


def test_a_search_out_of_time_says_so_and_goes_on_later(tmp_path: Path) -> None:
    log = filled(tmp_path, 600)
    found: list[bytes] = []
    query = Query(text="/p/1", limit=1000)
    for _ in range(10):
        page = search_with(log, query, Budget(0.0))
        found += page.events
        if not page.next_key:
            break
        assert page.incomplete
        query = Query(**{**vars(query), "start_key": page.next_key})
    assert sorted(found) == sorted(linear(log, Query(text="/p/1", limit=1000)).events)


class HalfSpent(Budget):
    """There is time for the work, and none to prepare it."""

    half_spent = True


def test_a_text_that_takes_long_to_look_up_is_left_to_the_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "STEPS", 1)
    log = filled(tmp_path)
    catch_up(log)
    reader = LogReader(log.directory, log.index_path)
    for query in (Query(text="/p/1"), Query(user="bob", text="p/"), Query(text="no")):
        page = reader.search(log.extents(), query, HalfSpent())
        assert page == linear(log, query)
    assert not reader.damaged


def test_the_next_search_has_its_own_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "STEPS", 1)
    log = filled(tmp_path)
    catch_up(log)
    reader = LogReader(log.directory, log.index_path)
    assert reader.search(log.extents(), Query(text="/p/1"), Budget(0.0)).incomplete
    assert len(reader.search(log.extents(), Query(text="/p/1")).events) == 11
    assert not reader.damaged


def test_a_cancelled_search_ends(tmp_path: Path) -> None:
    log = filled(tmp_path, 600)
    with pytest.raises(Cancelled):
        search_with(log, Query(text="absent"), Budget(None, lambda: True))
    catch_up(log)
    with pytest.raises(Cancelled):
        search_with(log, Query(text="absent"), Budget(None, lambda: True))


def search_with(log: FileLog, query: Query, budget: Budget) -> Page:
    return LogReader(log.directory, log.index_path).search(log.extents(), query, budget)


def test_regions_that_vanish_are_passed_over(tmp_path: Path) -> None:
    log = filled(tmp_path)
    reader = LogReader(log.directory, log.index_path)
    extents = log.extents()
    (log.directory / DAY).unlink()
    assert reader.search(extents, Query()).events == []
    assert search([], Query()).events == []


def test_days_that_vanish_while_they_are_indexed_are_passed_over(tmp_path: Path) -> None:
    log = filled(tmp_path)
    extents = {"2023-07-03.00:00:00.log": 500, **{extent.name: extent.size for extent in log.extents()}}
    indexer = Indexer(log.index_path, log.directory, smallest=1)
    assert indexer.step(extents)
    assert not indexer.step(extents)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("proctor.audit.index.indexer.check_sum", _vanished)
        log.append_own({"event": "x", "code": "T0"})
        assert not indexer.step({extent.name: extent.size for extent in log.extents()})
    indexer.close()


def _vanished(*_arguments: object) -> bytes:
    raise FileNotFoundError


def test_an_index_that_is_being_made_is_not_used_yet(tmp_path: Path) -> None:
    log = filled(tmp_path)
    sqlite3.connect(log.index_path).close()
    log.index_path.touch()
    reader = LogReader(log.directory, log.index_path)
    assert len(reader.search(log.extents(), Query(user="bob")).events) == 15
    assert not reader.damaged
    catch_up(log)
    assert len(reader.search(log.extents(), Query(user="bob")).events) == 15


def test_the_index_is_private(tmp_path: Path) -> None:
    log = filled(tmp_path)
    catch_up(log)
    for file in files(log.index_path):
        assert not file.exists() or file.stat().st_mode & 0o077 == 0


@given(st.sets(st.integers(0, 99)))
def test_sets_survive_their_encoding(members: set[int]) -> None:
    runs = [n for n in range(101) if (n in members) != (n - 1 in members)]
    assert len(runs) % 2 == 0
    mask = bits.decode(bits.encode(runs, 100), 100)
    assert list(bits.members(mask, ascending=True)) == sorted(members)
    assert list(bits.members(mask, ascending=False)) == sorted(members, reverse=True)


@given(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40)))
def test_merged_runs_have_the_members_of_both(one: set[int], other: set[int]) -> None:
    def runs(members: set[int]) -> list[int]:
        return [n for n in range(42) if (n in members) != (n - 1 in members)]

    assert bits.merged(runs(one), runs(other)) == runs(one | other)


@given(st.text(alphabet="abc", min_size=500, max_size=1500), st.data())
def test_each_part_of_a_long_piece_lies_in_a_window(piece: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(piece) - 256))
    needle = piece[start : start + 256]
    assert any(needle in window for window in windows(piece))
