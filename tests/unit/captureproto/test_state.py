# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from proctor.captureproto.state import MEMBERS, StatePaths


def pin(generation: Path, content: bytes) -> None:
    (generation / "links").mkdir(parents=True)
    (generation / "links" / MEMBERS).write_bytes(content)


def test_members_come_from_the_newest_generation(tmp_path: Path) -> None:
    paths = StatePaths(tmp_path)
    pin(paths.programs / "9", b"old")
    pin(paths.programs / "10", b"new")

    assert paths.members() == b"new"
    assert [path.name for path in paths.generations()] == ["10", "9"]


def test_generation_without_the_iterator_is_skipped(tmp_path: Path) -> None:
    paths = StatePaths(tmp_path)
    (paths.programs / "2").mkdir(parents=True)
    pin(paths.programs / "1", b"found")

    assert paths.members() == b"found"


def test_files_of_the_kernel_are_no_generations(tmp_path: Path) -> None:
    paths = StatePaths(tmp_path)
    (paths.programs / "maps.debug").mkdir(parents=True)

    with pytest.raises(FileNotFoundError):
        paths.members()
