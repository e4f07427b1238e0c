# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from pathlib import Path

import pytest

from proctor.core import linux

PROC_SUPER_MAGIC = 0x9FA0


def test_file_system_of_a_path() -> None:
    assert linux.filesystem("/proc") == PROC_SUPER_MAGIC


def test_failure_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        linux.filesystem(tmp_path / "absent")
    assert caught.value.filename == str(tmp_path / "absent")


def test_blocks_are_allocated_behind_the_end(tmp_path: Path) -> None:
    with (tmp_path / "f").open("wb") as file:
        linux.allocate(file.fileno(), 0, 1 << 16)
        status = os.fstat(file.fileno())
    assert (status.st_size, status.st_blocks * 512) == (0, 1 << 16)
