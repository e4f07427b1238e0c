# SPDX-License-Identifier: Apache-2.0
import errno
import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proctor.audit import logs_file
from proctor.audit.log import Query
from proctor.audit.logs_file import MAX_SOURCES, FileLog
from proctor.core.clock import FakeClock
from proctor.core.errors import Unavailable
from proctor.model.events import SessionUpload, UserLogin
from proctor.model.stamp import stamped, summary, to_line

HOST = "1048a649-8f3f-4431-9529-0c53339b65a5"
SOURCE = "node/n/epoch"
TODAY = "2023-07-04.00:00:00.log"


def opened(data_dir: Path, clock: FakeClock | None = None) -> FileLog:
    return FileLog(data_dir / "log", HOST, clock or FakeClock(), cluster_name="purple")


NOW = datetime(2023, 7, 4, 16, 42, 20, tzinfo=UTC)


def joined(*events: bytes) -> bytes:
    """Events as a spool hands them over."""
    return b"".join(event + b"\n" for event in events)


def raw(number: int, size: int = 0) -> bytes:
    event = {"event": "exec", "code": "T3002I", "uid": f"u{number}", "command": "x" * size}
    return to_line(stamped(event, NOW, "purple"))[:-1]


def stored(data_dir: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for path in sorted((data_dir / "log" / HOST).glob("*.log"))
        for line in path.read_bytes().splitlines()
    ]


def uids(data_dir: Path) -> list[str]:
    return [event["uid"] for event in stored(data_dir)]


def crashed(data_dir: Path, copy: Path) -> Path:
    """What a killed auth service would leave: the files as they are, nothing closed."""
    return Path(shutil.copytree(data_dir, copy, symlinks=True))


def earlier(data_dir: Path) -> dict[str, bytes]:
    """What is written after the lines of a batch, as it is before."""
    return {path.name: path.read_bytes() for path in (data_dir / "backend").glob("audit-[cu]*")}


def restore(data_dir: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (data_dir / "backend" / name).write_bytes(content)


def test_the_tree_is_that_of_the_guide(tmp_path: Path) -> None:
    opened(tmp_path).close()
    log = tmp_path / "log"
    assert sorted(str(path.relative_to(log)) for path in log.rglob("*")) == [
        HOST,
        f"{HOST}/{TODAY}",
        f"{HOST}/sessions",
        f"{HOST}/sessions/default",
        "events.log",
        "playbacks",
        "playbacks/sessions",
        "playbacks/sessions/default",
        "upload",
        "upload/sessions",
        "upload/sessions/default",
    ]
    assert os.readlink(log / "events.log") == str(log / HOST / TODAY)


def test_a_new_day_has_a_new_file_and_the_link_follows(tmp_path: Path) -> None:
    clock = FakeClock()
    log = opened(tmp_path, clock)
    log.append_own(UserLogin(user="alice"))
    clock.advance(86400)
    log.append_own(UserLogin(user="bob"))
    names = sorted(path.name for path in (tmp_path / "log" / HOST).glob("*.log"))
    assert names == [TODAY, "2023-07-05.00:00:00.log"]
    assert (tmp_path / "log/events.log").resolve().name == names[1]
    assert [event["user"] for event in stored(tmp_path)] == ["alice", "bob"]


def test_lines_are_json_with_sorted_keys(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.append(
        SOURCE,
        1,
        b'{"uid":"1","event":"x","code":"T","time":"2023-07-04T16:42:20Z","a":{"c":1,"b":2}}\n',
    )
    line = (tmp_path / "log/events.log").read_text()
    assert line == (
        '{"a":{"b":2,"c":1},"cluster_name":"purple","code":"T","ei":0,"event":"x",'
        '"time":"2023-07-04T16:42:20Z","uid":"1"}\n'
    )


@pytest.mark.parametrize("known", [True, False])
def test_events_with_a_summary_are_numbered_as_those_without(tmp_path: Path, known: bool) -> None:
    lines = joined(raw(1), raw(2))
    log = opened(tmp_path)

    assert log.append(SOURCE, 1, lines, summary(lines, log.uid_key) if known else None) == 2
    lines = joined(raw(2), raw(3))
    assert log.append(SOURCE, 2, lines, summary(lines, log.uid_key) if known else None) == 3
    assert uids(tmp_path) == ["u1", "u2", "u3"]


@pytest.mark.parametrize("keep", range(4))
def test_a_crash_between_storing_and_acknowledging_doubles_nothing(tmp_path: Path, keep: int) -> None:
    log = opened(tmp_path / "a")
    log.append(SOURCE, 1, joined(raw(1)))
    path = tmp_path / "a/log" / HOST / TODAY
    before, files = path.stat().st_size, earlier(tmp_path / "a")
    log.append(SOURCE, 2, joined(raw(2), raw(3), raw(4)))
    copy = crashed(tmp_path / "a", tmp_path / "b")
    restore(copy, files)
    written = path.read_bytes()[before:].splitlines(keepends=True)
    os.truncate(copy / "log" / HOST / TODAY, before + len(b"".join(written[:keep])))
    again = opened(copy)
    assert again.append(SOURCE, 2, joined(raw(2), raw(3), raw(4), raw(5))) == 5
    assert uids(copy) == ["u1", "u2", "u3", "u4", "u5"]


def test_events_in_doubt_are_remembered_over_several_crashes(tmp_path: Path) -> None:
    log = opened(tmp_path)
    cursors = (tmp_path / "backend/audit-cursors").read_bytes()
    log.append(SOURCE, 1, joined(raw(1), raw(2)))
    (tmp_path / "backend/audit-cursors").write_bytes(cursors)
    for _ in range(3):
        again = opened(tmp_path)
    again.append_own(UserLogin())
    again.close()
    last = opened(tmp_path)
    assert last.append(SOURCE, 1, joined(raw(1), raw(2))) == 2
    assert len(uids(tmp_path)) == 3


@pytest.mark.timeout(400)  # hundreds of logs are opened, each with its memory of 32 MiB
def test_a_crash_at_every_byte_of_a_batch_loses_and_doubles_nothing(tmp_path: Path) -> None:
    log = opened(tmp_path / "a")
    log.append(SOURCE, 1, joined(raw(1)))
    path = tmp_path / "a/log" / HOST / TODAY
    before, files = path.stat().st_size, earlier(tmp_path / "a")
    log.append(SOURCE, 2, joined(raw(2), raw(3)))
    after = path.stat().st_size
    for size in range(before, after + 1):
        copy = crashed(tmp_path / "a", tmp_path / "copies" / str(size))
        restore(copy, files)
        os.truncate(copy / "log" / HOST / TODAY, size)
        again = opened(copy)
        whole = path.read_bytes()[:size].rpartition(b"\n")[0]
        assert again.torn_bytes == size - len(whole) - 1
        assert again.append(SOURCE, 2, joined(raw(2), raw(3))) == 3
        again.close()
        assert uids(copy) == ["u1", "u2", "u3"]
        torn = (copy / "backend/audit-torn").read_bytes() if again.torn_bytes else b""
        assert torn.rstrip(b"\n") == path.read_bytes()[len(whole) + 1 : size]


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("together", [False, True])
def test_a_uid_is_stored_once(tmp_path: Path, restarted: bool, together: bool) -> None:
    log = opened(tmp_path)
    log.append(SOURCE, 1, joined(raw(1), raw(2)))
    if restarted:
        log.close()
        log = opened(tmp_path)
    batches = [joined(raw(3), raw(1), raw(3))] if together else [joined(raw(3)), joined(raw(1), raw(3))]
    number = 3
    for batch in batches:
        number = log.append(SOURCE, number, batch) + 1

    assert number == 6
    assert [event["uid"] for event in stored(tmp_path) if event["event"] == "exec"] == ["u1", "u2", "u3"]
    reasons = [event["reason"] for event in stored(tmp_path) if event["event"] == "audit.gap"]
    assert reasons == [
        "event 4 has the uid of an event stored before: u1",
        "event 5 has the uid of an event stored before: u3",
    ]


def test_the_uid_of_an_event_of_the_service_itself_is_taken(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.append_own(UserLogin(uid="u1"))
    log.append(SOURCE, 1, joined(raw(1)))
    assert [event["event"] for event in stored(tmp_path)] == ["user.login", "audit.gap"]


def test_acknowledged_numbers_survive_every_crash(tmp_path: Path) -> None:
    log = opened(tmp_path)
    for number in range(1, 30):
        log.append(SOURCE, number, joined(raw(number, size=100_000)))
    again = opened(tmp_path)
    assert again.append(SOURCE, 29, joined(raw(29))) == 29
    assert again.append(SOURCE, 30, joined(raw(30))) == 30
    assert uids(tmp_path) == [f"u{number}" for number in range(1, 31)]


def test_an_own_event_with_a_uid_is_stored_once_over_a_crash(tmp_path: Path) -> None:
    event = SessionUpload(uid="once")
    opened(tmp_path).append_own(event)
    again = opened(tmp_path)
    again.append_own(event)
    again.close()
    opened(tmp_path).append_own(event)
    assert uids(tmp_path) == ["once"]


def test_a_log_that_became_shorter_says_so(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.append_own(UserLogin(user="alice"))
    log.append_own(UserLogin(user="mallory"))
    log.close()
    path = tmp_path / "log" / HOST / TODAY
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    opened(tmp_path)
    assert [event["event"] for event in stored(tmp_path)] == ["user.login", "audit.gap"]
    assert "were written" in stored(tmp_path)[1]["reason"]


def test_a_full_disk_acknowledges_nothing_and_keeps_the_log_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = opened(tmp_path)
    log.append(SOURCE, 1, joined(raw(1)))
    pwrite = os.pwrite

    def half_then_full(descriptor: int, data: memoryview, offset: int) -> int:
        if len(data) < 200:
            raise OSError(errno.ENOSPC, "No space left on device")
        return pwrite(descriptor, data[: len(data) // 2], offset)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", half_then_full)
        with pytest.raises(Unavailable, match="No space left"):
            log.append(SOURCE, 2, joined(raw(2, size=500), raw(3)))
        with pytest.raises(Unavailable):
            log.append_own(UserLogin())
    assert log.append(SOURCE, 2, joined(raw(2), raw(3))) == 3
    assert uids(tmp_path) == ["u1", "u2", "u3"]
    log.close()
    assert not opened(tmp_path).torn_bytes


def test_a_clock_that_goes_back_hides_nothing(tmp_path: Path) -> None:
    clock = FakeClock()
    log = opened(tmp_path, clock)
    log.append_own(UserLogin(uid="first"))
    clock.advance(86400)
    log.append_own(UserLogin(uid="tomorrow"))
    clock.advance(-86400 + 60)
    log.append_own(UserLogin(uid="back"))
    clock.advance(86400)
    log.append_own(UserLogin(uid="again"))
    log.close()
    again = opened(tmp_path, clock)
    assert len(again.search(Query()).events) == 4
    early = again.search(Query(to_time=FakeClock().now() + timedelta(seconds=1)))
    assert [json.loads(line)["uid"] for line in early.events] == ["first"]


def test_search_does_not_open_files_of_other_days(tmp_path: Path) -> None:
    clock = FakeClock()
    log = opened(tmp_path, clock)
    log.append_own(UserLogin(uid="old"))
    clock.advance(86400)
    log.append_own(UserLogin(uid="new"))
    (tmp_path / "log" / HOST / TODAY).unlink()
    (tmp_path / "log" / HOST / TODAY).mkdir()
    found = log.search(Query(from_time=clock.now()))
    assert [json.loads(line)["uid"] for line in found.events] == ["new"]
    with pytest.raises(Unavailable, match="cannot be read"):
        log.search(Query())


def test_unreadable_lines_are_skipped_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = opened(tmp_path)
    log.append_own(UserLogin(uid="a"))
    log.close()
    with (tmp_path / "log" / HOST / TODAY).open("ab") as file:
        file.write(b"garbage\n{}\n\xff\n")
    again = opened(tmp_path)
    again.append_own(UserLogin(uid="b"))
    found = again.search(Query(ascending=True))
    assert [json.loads(line)["uid"] for line in found.events] == ["a", "b"]
    assert "skipped 3 lines" in caplog.text


def test_progress_is_saved_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs_file, "SAVE_BYTES", 1000)
    log = opened(tmp_path)
    for number in range(1, 50):
        log.append(SOURCE, number, joined(raw(number)))
    assert (tmp_path / "backend/audit-cursors").stat().st_size < 500
    saved = json.loads((tmp_path / "backend/audit-log.json").read_text())
    assert saved["cursors"][SOURCE] > 40


def test_a_data_directory_that_cannot_be_used_is_named_as_the_reason(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"a file in the way")
    with pytest.raises(Unavailable, match="Not a directory"):
        opened(tmp_path)


def test_sources_of_a_host_are_bounded(tmp_path: Path) -> None:
    """A host names its sources; those that it used last are known, and so are those of other hosts."""
    log = opened(tmp_path)
    other, first = "node/other/epoch", "node/n/0"
    log.append(other, 1, joined(raw(0)))
    for number in range(1, MAX_SOURCES + 5):
        log.append(f"node/n/{number}/{'x' * number}", 1, joined(raw(number)))
        log.append(first, number, joined(raw(10_000 + number)))
    log.close()

    log = opened(tmp_path)
    assert len(log._progress.cursors) <= MAX_SOURCES + 2
    assert log.append(first, 1, joined(raw(1))) == MAX_SOURCES + 4, "the last one is known"
    assert log.append(other, 1, joined(raw(0))) == 1
    log.close()
