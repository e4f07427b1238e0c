# SPDX-License-Identifier: Apache-2.0
"""Measure which lines of the C extensions the unit suite executes, with gcov."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tools.runner.console import step
from tools.runner.paths import BUILD, PYTHON, ROOT

OVERLAY = BUILD / "coverage/src"
REPORT = BUILD / "reports/coverage-c.json"
# The suites that call the extensions.
TESTS = (
    "tests/unit/capture",
    "tests/unit/captureproto",
    "tests/unit/model",
    "tests/unit/audit",
    "tests/unit/recording",
    "tests/fuzz",
)


def measure() -> None:
    """Build the extensions with counters into a copy of the package, run the tests, write the report.

    Raises RunError when the build or a test fails.
    """
    shutil.rmtree(OVERLAY, ignore_errors=True)
    shutil.copytree(ROOT / "src", OVERLAY, ignore=shutil.ignore_patterns("__pycache__", "_web"))
    for extension in OVERLAY.rglob("*.abi3.so"):
        extension.unlink()
    variables = [f"SRC={OVERLAY}", f"PYTHON={PYTHON}", "CC=gcc --coverage -fprofile-update=atomic"]
    make: list[str | Path] = ["make", "-C", ROOT / "native", *variables]
    step("extensions with counters", make)
    pytest: list[str | Path] = [PYTHON, "-B", "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider"]
    step("unit tests of extensions", [*pytest, *TESTS], env={"PYTHONPATH": str(OVERLAY)})
    executed, lines = _count()
    report = {"executed": executed, "lines": lines, "percent_covered": 100 * executed / lines}
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report))


def _count() -> tuple[int, int]:
    """Count executed and all lines of ``native/``."""
    executed: set[tuple[str, int]] = set()
    lines: set[tuple[str, int]] = set()
    for path, number, count in _lines():
        lines.add((path, number))
        if count:
            executed.add((path, number))
    return len(executed), len(lines)


def _lines() -> Iterator[tuple[str, int, int]]:
    """Yield file, line and number of executions as ``gcov --json-format`` reports them."""
    notes = [str(path) for path in OVERLAY.rglob("*.gcno")]
    argv = ["gcov", "--json-format", "--stdout", *notes]
    output = subprocess.run(argv, cwd=ROOT / "native", capture_output=True, text=True, check=True).stdout
    for document in filter(None, output.splitlines()):
        for file in json.loads(document)["files"]:
            path = os.path.normpath(Path(ROOT, "native", file["file"]))
            if Path(path).is_relative_to(ROOT / "native"):
                yield from ((path, line["line_number"], line["count"]) for line in file["lines"])
