# SPDX-License-Identifier: Apache-2.0
import random
from datetime import date
from pathlib import Path

import pytest

from proctor.audit import dayfiles
from proctor.audit.dayfiles import DayFile, day_files, day_name, lines_backward, lines_forward


def test_names_are_those_of_the_guide() -> None:
    assert day_name(date(2020, 1, 13)) == "2020-01-13.00:00:00.log"


def test_only_day_files_are_listed_oldest_first(tmp_path: Path) -> None:
    for name in (
        "2020-01-14.00:00:00.log",
        "2020-01-13.00:00:00.log",
        "x.log",
        "2020-01-13.00:00:00.log.gz.new",
    ):
        (tmp_path / name).touch()
    (tmp_path / "sessions").mkdir()
    assert day_files(tmp_path) == ["2020-01-13.00:00:00.log", "2020-01-14.00:00:00.log"]


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64, 1 << 18])
def test_both_directions_give_the_same_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(dayfiles, "_BLOCK", block)
    chance = random.Random(block)
    lines = [b"x" * chance.choice([0, 1, 2, 5, 40]) for _ in range(60)]
    path = tmp_path / "lines"
    path.write_bytes(b"".join(line + b"\n" for line in lines) + b"torn")
    size = path.stat().st_size
    forward = list(lines_forward(path, 0, size))
    assert [line for _, line in forward] == lines
    assert list(lines_backward(path, 0, size)) == forward[::-1]
    offset = forward[30][0]
    assert list(lines_forward(path, offset, size)) == forward[30:]
    assert list(lines_backward(path, 0, offset)) == forward[29::-1]


def test_a_torn_tail_at_every_offset_is_cut_at_the_last_line(tmp_path: Path) -> None:
    whole = b'{"a":1}\n{"b":2}\n'
    for size in range(len(whole) + 1):
        path = tmp_path / str(size)
        path.write_bytes(whole[:size])
        file = DayFile(path)
        torn = file.cut_torn_tail()
        file.close()
        kept = path.read_bytes()
        assert kept + torn == whole[:size]
        assert kept == b"" or kept.endswith(b"\n")
        assert b"\n" not in torn


def test_files_are_readable_by_their_group_only(tmp_path: Path) -> None:
    DayFile(tmp_path / "f").close()
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o640
