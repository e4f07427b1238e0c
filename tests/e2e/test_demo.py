# SPDX-License-Identifier: Apache-2.0
"""The demo runs without the tests."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from testing.commands import ROOT, environment

LEFT_OUT = shutil.ignore_patterns(
    ".*", "__pycache__", "build", "dist", "docs", "node_modules", "tests", "web"
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the checkout without ``tests``, with the virtual environment of this one."""
    copy = tmp_path / "checkout"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT, symlinks=True)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    return copy


@pytest.mark.timeout(300)
def test_demo_needs_no_tests(kernel: None, checkout: Path, tmp_path: Path) -> None:
    report = tmp_path / "events.json"
    argv = [str(checkout / ".venv/bin/python"), "-m", "tools.demo", "--once", "--json", str(report)]
    done = subprocess.run(
        argv,
        cwd=checkout,
        env=environment(tmp_path) | {"PYTHONPATH": str(checkout / "src")},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert not (checkout / "tests").exists()
    assert {"session.command", "session.network"} <= {
        event["event"] for event in json.loads(report.read_text())
    }
