# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from proctor.capture.state.blocks import HEADER_BYTES, Blocks


def write(directory: Path, number: int, records: bytes) -> None:
    (directory / f"{number:016x}").write_bytes(bytes([number]) * HEADER_BYTES + records)


def test_blocks_that_are_done_with_are_removed_and_the_rest_is_gone_on_with(tmp_path: Path) -> None:
    for number in (9, 10, 11):
        write(tmp_path, number, b"x" * number)
    (tmp_path / "new").write_bytes(b"half")  # its process was killed before it was a block

    left = Blocks(tmp_path, 10).left()

    assert left.blocks == [(10, 10), (11, 11)]
    assert left.number == 12
    assert left.ends == bytes([11]) * HEADER_BYTES
    assert not (tmp_path / f"{9:016x}").exists()


def test_the_last_block_says_where_rings_are_even_when_it_is_done_with(tmp_path: Path) -> None:
    write(tmp_path, 4, b"records")

    left = Blocks(tmp_path, 5).left()

    assert left.blocks == []
    assert left.number == 5
    assert left.ends == bytes([4]) * HEADER_BYTES


def test_nothing_is_there_at_first(tmp_path: Path) -> None:
    left = Blocks(tmp_path / "blocks", 3).left()

    assert (left.number, left.blocks, left.ends) == (3, [], b"")
