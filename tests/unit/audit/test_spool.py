# SPDX-License-Identifier: Apache-2.0
import asyncio
import errno
import json
import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from proctor.audit import segments
from proctor.audit.segments import SegmentReader, Segments
from proctor.audit.spool import Spool
from proctor.core.clock import FakeClock
from proctor.core.errors import BadRequest, Unavailable
from proctor.model.events import Exec


def opened(directory: Path) -> Spool:
    return Spool(directory, source="node/n", cluster_name="purple", clock=FakeClock())


def kept(directory: Path) -> list[dict[str, Any]]:
    with closing(Segments(directory)) as queue:
        return [json.loads(line) for line in SegmentReader(queue, queue.done).take(1 << 30).splitlines()]


def test_an_event_is_on_disk_as_it_was_returned(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    one = spool.append(Exec(command="true"))
    two, three = spool.extend([Exec(command="a"), Exec(command="b")])
    assert (one["cluster_name"], one["time"]) == ("purple", "2023-07-04T16:42:20Z")
    assert kept(tmp_path) == [one, two, three]
    assert spool.pending == 3


def test_a_batch_with_something_else_is_refused_as_a_whole(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    with pytest.raises(BadRequest):
        spool.extend([Exec(), {"event": "x"}])
    assert spool.pending == 0


def test_a_torn_tail_at_every_offset_is_cut(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    spool = opened(origin)
    written = [spool.append(Exec(command=str(number))) for number in range(3)]
    (segment,) = origin.glob("*.ndjson")
    content = segment.read_bytes()
    for size in range(len(content) + 1):
        copy = tmp_path / str(size)
        shutil.copytree(origin, copy)
        os.truncate(copy / segment.name, size)
        again = opened(copy)
        whole = content[:size].count(b"\n")
        assert again.pending == whole
        late = again.append(Exec(command="late"))
        assert kept(copy) == [*written[:whole], late]
        again.close()


def test_bytes_that_a_power_failure_left_as_zeros_are_cut(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    written = spool.append(Exec())
    (segment,) = tmp_path.glob("*.ndjson")
    with segment.open("ab") as file:
        file.write(bytes(100) + b"\n")
    assert kept(tmp_path) == [written]
    assert segment.with_suffix(".torn").read_bytes() == bytes(100) + b"\n"


def test_a_lost_directory_gets_a_new_name(tmp_path: Path) -> None:
    first = opened(tmp_path / "a").source
    assert opened(tmp_path / "a").source == first
    assert first.startswith("node/n/")
    shutil.rmtree(tmp_path / "a")
    assert opened(tmp_path / "a").source != first


def test_numbers_go_on_after_everything_was_acknowledged(tmp_path: Path) -> None:
    queue = Segments(tmp_path)
    queue.append(b"{}\n" * 5, 5)
    queue.finish(5)
    queue.close()
    again = Segments(tmp_path)
    assert (again.last, again.done) == (5, 5)
    (tmp_path / f"{1:020d}.ndjson").unlink()
    assert Segments(tmp_path).last == 5


def test_acknowledged_segments_are_removed_and_numbers_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 100)
    queue = Segments(tmp_path)
    for number in range(1, 101):
        queue.append(b'{"n":%d}\n' % number, 1)
    assert len(list(tmp_path.glob("*.ndjson"))) > 5
    queue.finish(60)
    (tmp_path / "done").write_bytes(b"")
    again = Segments(tmp_path)
    assert 45 < again.done <= 60
    assert again.last == 100
    reader = SegmentReader(again, 60)
    taken = b""
    while lines := reader.take(30):
        assert len(lines) <= 30
        taken += lines
    assert taken == b"".join(b'{"n":%d}\n' % number for number in range(61, 101))


def test_a_reader_follows_what_is_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 40)
    queue = Segments(tmp_path)
    reader = SegmentReader(queue, 0)
    for number in range(50):
        queue.append(b'{"n":%d}\n' % number, 1)
        assert reader.take(1) == b'{"n":%d}\n' % number
        assert reader.take(1) == b""


def test_a_full_disk_refuses_counts_and_reports_the_loss_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = opened(tmp_path)
    spool.append(Exec(command="before"))

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        for batch in ([Exec()], [Exec(), Exec()]):
            with pytest.raises(Unavailable, match="No space left") as refusal:
                spool.extend(batch)
    assert refusal.value.hint
    assert (spool.full, spool.lost, spool.pending) == (True, 3, 1)
    spool.append(Exec(command="after"))
    assert not spool.full
    before, gap, after = kept(tmp_path)
    assert (before["command"], after["command"]) == ("before", "after")
    assert (gap["event"], gap["lost"], gap["source"]) == ("audit.gap", 3, spool.source)


async def test_flushed_tells_whether_all_was_acknowledged(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    assert await spool.flushed(0.01)
    spool.append(Exec())
    assert not await spool.flushed(0.01)


async def test_events_may_come_from_any_thread(tmp_path: Path) -> None:
    spool = opened(tmp_path)

    def emit() -> None:
        for _ in range(100):
            spool.append(Exec())

    await asyncio.gather(*(asyncio.to_thread(emit) for _ in range(4)))
    assert len({event["uid"] for event in kept(tmp_path)}) == 400
