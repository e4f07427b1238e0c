# SPDX-License-Identifier: Apache-2.0
"""Compressed days: the same content, at any offset, and no moment at which a day is missing."""

from __future__ import annotations

import gzip
import random
import shutil
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import pytest

from proctor.audit import compressed
from proctor.audit.compressed import BLOCK, CompressedDay, compress, compressed_path, expand
from proctor.audit.dayfiles import DayFile, count_lines, lines_backward, lines_forward, open_day
from proctor.audit.finished import remove_day
from proctor.audit.log import Query
from proctor.audit.logs_file import FileLog
from proctor.core.clock import FakeClock
from proctor.model.events import UserLogin
from testing.audit import catch_up
from testing.crashes import killed_at_each_step

HOST = "1048a649-8f3f-4431-9529-0c53339b65a5"
DAY = "2023-07-04.00:00:00.log"


def day(directory: Path, size: int) -> tuple[Path, bytes]:
    chance = random.Random(size)
    path = directory / DAY
    lines, total = [], 0
    while total < size:
        lines.append(b'{"event":"x","n":%d,"text":"%s"}\n' % (total, b"ab" * chance.randrange(60)))
        total += len(lines[-1])
    content = b"".join(lines)
    path.write_bytes(content)
    return path, content


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 77])
def test_any_part_reads_as_before(tmp_path: Path, size: int) -> None:
    path = tmp_path / DAY
    content = random.Random(size).randbytes(size)
    path.write_bytes(content)
    assert compress(path)
    assert not path.exists()
    chance = random.Random(1)
    with CompressedDay(compressed_path(path)) as read:
        assert read.size == size
        read.verify()
        assert read.read(size + 10, 0) == content
        for _ in range(50):
            start, length = chance.randrange(size + 2), chance.randrange(3 * BLOCK)
            assert read.read(length, start) == content[start : start + length]


def test_other_programs_read_it(tmp_path: Path) -> None:
    path, content = day(tmp_path, 3 * BLOCK)
    compress(path)
    assert gzip.decompress(compressed_path(path).read_bytes()) == content
    assert subprocess.run(["zcat", compressed_path(path)], capture_output=True, check=True).stdout == content
    assert compressed_path(path).stat().st_mode & 0o777 == 0o640


def test_lines_are_the_same_in_both_forms(tmp_path: Path) -> None:
    path, content = day(tmp_path, 6 * BLOCK)
    size, lines = len(content), content.count(b"\n")
    forward = list(lines_forward(path, 0, size))
    assert count_lines(path) == lines
    compress(path)
    assert list(lines_forward(path, 0, size)) == forward
    assert list(lines_backward(path, 0, size)) == forward[::-1]
    assert count_lines(path) == lines
    offset = forward[200][0]
    assert list(lines_forward(path, offset, size)) == forward[200:]


def test_a_table_longer_than_one_extra_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "_MOST_LENGTHS", 2)
    path, content = day(tmp_path, 7 * BLOCK)
    compress(path)
    with open_day(path) as read:
        assert read.read(len(content), 0) == content


def test_a_page_needs_a_few_blocks_of_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, content = day(tmp_path, 100 * BLOCK)
    compress(path)
    unpacked: list[bytes] = []

    def counted(data: bytes, wbits: int) -> bytes:
        unpacked.append(data)
        return zlib.decompress(data, wbits)

    monkeypatch.setattr(compressed, "decompress", counted)
    lines = lines_backward(path, 0, len(content))
    assert [next(lines) for _ in range(100)]
    assert len(unpacked) <= 6


@pytest.mark.parametrize("damage", ["byte", "cut"])
def test_damage_is_an_error_and_never_other_content(tmp_path: Path, damage: str) -> None:
    path, content = day(tmp_path, 4 * BLOCK)
    compress(path)
    stored = bytearray(compressed_path(path).read_bytes())
    for position in range(0, len(stored), 211):
        broken = bytearray(stored[:position] if damage == "cut" else stored)
        if damage == "byte":
            broken[position] ^= 0xFF
        compressed_path(path).write_bytes(broken)
        with suppress(OSError), open_day(path) as read:
            assert read.read(len(content), 0) == content  # what was changed does not matter


def test_a_day_that_is_written_is_left_alone(tmp_path: Path) -> None:
    path, content = day(tmp_path, BLOCK)
    file = DayFile(path)
    assert not compress(path)
    assert not remove_day(path)
    assert path.read_bytes() == content
    file.close()
    assert compress(path)


def test_a_kill_at_any_step_loses_nothing(tmp_path: Path) -> None:
    kept, content = day(tmp_path, 3 * BLOCK)
    place = tmp_path / "log"
    path = place / DAY

    def prepare() -> None:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        shutil.copy(kept, path)

    steps = []
    for step in killed_at_each_step(prepare, lambda: compress(path)):
        steps.append(step)
        with open_day(path) as read:
            assert read.read(len(content), 0) == content
        if path.exists():
            assert compress(path)
        with open_day(path) as read:
            assert read.read(len(content), 0) == content
        assert [each.name for each in place.iterdir()] == [compressed_path(path).name]
    assert len(steps) > 8


def test_a_kill_while_a_day_is_expanded_loses_nothing(tmp_path: Path) -> None:
    kept, content = day(tmp_path, 2 * BLOCK)
    compress(kept)
    place = tmp_path / "log"
    path = place / DAY

    def prepare() -> None:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        shutil.copy(compressed_path(kept), place)

    for _ in killed_at_each_step(prepare, lambda: expand(path)):
        file = DayFile(path)
        file.append(b"more\n")
        file.close()
        with open_day(path) as read:
            assert read.read(2 * len(content), 0) == content + b"more\n"


def test_a_kill_while_a_day_is_removed_leaves_all_or_nothing(tmp_path: Path) -> None:
    kept, content = day(tmp_path, BLOCK)
    place = tmp_path / "log"
    path = place / DAY

    def prepare() -> None:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        shutil.copy(kept, path)
        compressed_path(path).write_bytes(b"left by a crash")

    for _ in killed_at_each_step(prepare, lambda: remove_day(path)):
        if path.exists():
            assert path.read_bytes() == content
        remove_day(path)
        assert not list(place.iterdir())


def test_the_process_that_compresses(tmp_path: Path) -> None:
    path, _ = day(tmp_path, BLOCK)
    subprocess.run([sys.executable, "-P", "-m", "proctor.audit.compressed", str(path)], check=True)
    assert compressed_path(path).exists()


def events_of(log: FileLog, **wanted: object) -> list[bytes]:
    return log.search(Query(limit=1000, **wanted)).events  # type: ignore[arg-type]


def test_searches_the_index_and_a_restart_take_both_forms(tmp_path: Path) -> None:
    clock = FakeClock()
    log = FileLog(tmp_path / "log", HOST, clock, cluster_name="purple")
    for number in range(40):
        log.append_own(UserLogin(user=f"user-{number % 4}"))
        clock.advance(3600 * 3)
    before = {user: events_of(log, user=user) for user in ("user-1", "user-2")}
    extents, everything = log.extents(), events_of(log)
    catch_up(log)
    for stored in log.finished():
        assert compress(log.directory / stored.name)
    assert log.extents() == extents
    assert [stored.compressed for stored in log.finished()] == [True] * 5
    assert {user: events_of(log, user=user) for user in before} == before
    log.index_path.unlink()
    catch_up(log)  # made again, from compressed days
    assert {user: events_of(log, user=user) for user in before} == before
    assert events_of(log) == everything
    log.close()
    again = FileLog(tmp_path / "log", HOST, clock, cluster_name="purple")
    assert events_of(again) == everything
    again.close()


def test_a_clock_that_goes_back_to_a_compressed_day(tmp_path: Path) -> None:
    clock = FakeClock()
    log = FileLog(tmp_path / "log", HOST, clock, cluster_name="purple")
    log.append_own(UserLogin(user="first"))
    clock.advance(86400)
    log.append_own(UserLogin(user="second"))
    assert compress(log.directory / DAY)
    clock.advance(-86400)
    log.append_own(UserLogin(user="third"))
    assert len(events_of(log)) == 3
    assert len((log.directory / DAY).read_bytes().splitlines()) == 2
    assert not compressed_path(log.directory / DAY).exists()
    log.close()
