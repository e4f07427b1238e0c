# SPDX-License-Identifier: Apache-2.0
"""Directories of daemons as root may leave them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from proctor.capture.delegation.job_attribution import _no_directory


@pytest.mark.parametrize("kind", ["missing", "file", "loop", "below a file"])
def test_directories_that_are_none(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "cron.d"
    if kind == "loop":
        path.symlink_to(path)
    elif kind != "missing":
        path.touch()
    with _no_directory():
        os.scandir(path / "x" if kind == "below a file" else path)


def test_what_is_wrong_with_the_host_is_reported() -> None:
    with pytest.raises(PermissionError), _no_directory():
        raise PermissionError
    with pytest.raises(OSError, match="28"), _no_directory():
        raise OSError(28, "28")
