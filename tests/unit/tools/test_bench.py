# SPDX-License-Identifier: Apache-2.0
"""Start of the benchmarks: whose start-up files are hidden, and when."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench import __main__ as bench
from proctor.capture.kernel.capability_report import CapabilityReport


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Files over which something was mounted."""
    paths: list[str] = []
    monkeypatch.setattr(subprocess, "run", lambda argv, check: paths.append(argv[-1]))
    monkeypatch.setattr(bench, "probe", CapabilityReport)
    monkeypatch.setattr(bench, "BENCHMARKS", {"nothing": lambda directory, quick: None})
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".bashrc").touch()
    return paths


def test_shells_of_the_machine_are_left_alone(mounted: list[str]) -> None:
    assert bench.main(["nothing"]) == 0
    assert mounted == []


def test_bare_shell_in_a_namespace_whose_parent_is_unreadable(mounted: list[str]) -> None:
    assert bench.main(["--bare-shell", "nothing"]) == 0
    assert mounted == [str(Path.home() / ".bashrc")]
