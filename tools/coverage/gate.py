# SPDX-License-Identifier: Apache-2.0
"""Compare what the unit suites cover with the floors in ``floors.toml``, which may only rise.

Python is measured by coverage.py (statements and branches of the unit suite), TypeScript by V8
(statements), C by gcov (lines). ``floors.toml`` also lists the Python modules that no file of the
unit suite imports; a module that is missing from the list needs a test, and an entry that is no
longer true must go.
"""

from __future__ import annotations

import ast
import json
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tools import sources
from tools.runner.paths import BUILD, ROOT, WEB

FLOORS = Path(__file__).with_name("floors.toml")
SOURCES = ROOT / "src"
UNIT_TESTS = (ROOT / "tests/unit", ROOT / "tests/contract", ROOT / "tests/fuzz")
# Tests that depend on timing cover some lines in some runs only.
TOLERANCE = 0.5


class Report(NamedTuple):
    """Where a tool leaves its report, and the path of keys to the percentage in it."""

    path: Path
    keys: tuple[str, ...]


REPORTS: Mapping[str, Report] = {
    "python": Report(BUILD / "reports/coverage-python.json", ("totals", "percent_covered")),
    "typescript": Report(WEB / "coverage/coverage-summary.json", ("total", "statements", "pct")),
    "c": Report(BUILD / "reports/coverage-c.json", ("percent_covered",)),
}


def measured(reports: Mapping[str, Report] = REPORTS) -> dict[str, float]:
    """Read the percentage of each language; languages without a report are left out."""
    return {name: _percentage(report) for name, report in reports.items() if report.path.exists()}


def _percentage(report: Report) -> float:
    value = json.loads(report.path.read_text())
    for key in report.keys:
        value = value[key]
    return float(value)


def coverage_problems(figures: Mapping[str, float], floors: Mapping[str, float]) -> Iterator[str]:
    """Yield a sentence for each language that is below its floor or was not measured."""
    for name, floor in floors.items():
        if name not in figures:
            yield f"coverage of {name} was not measured"
        elif figures[name] < floor - TOLERANCE:
            yield f"coverage of {name} is {figures[name]:.1f} %, below its floor of {floor:.1f} %: add tests"


def modules(package: Path = SOURCES) -> Iterator[str]:
    """Yield the dotted name of each module that people write."""
    for path in sources.modules(package):
        if path.name != "__init__.py":
            yield ".".join(path.relative_to(package).with_suffix("").parts)


def imported(tests: Iterable[Path] = UNIT_TESTS) -> set[str]:
    """Collect the dotted names that the files below ``tests`` import, names inside modules included."""
    names: set[str] = set()
    for path in (file for directory in tests for file in directory.rglob("*.py")):
        for node in sources.nodes(path):
            if isinstance(node, ast.ImportFrom) and node.module:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
    return names


def module_problems(untested: set[str], listed: set[str]) -> Iterator[str]:
    """Yield a sentence for each difference between the modules without a unit test and the list."""
    for name in sorted(untested - listed):
        yield f"{name}: no unit test imports this module; write one"
    for name in sorted(listed - untested):
        yield f"{name}: has a unit test or is gone; remove it from {FLOORS.relative_to(ROOT)}"


def main() -> int:
    """Print the figures beside their floors, and all problems; 1 when there is one."""
    configuration = tomllib.loads(FLOORS.read_text())
    floors, listed = configuration["percent"], set(configuration["modules"]["without_unit_test"])
    figures = measured()
    untested = set(modules()) - imported()
    for name, floor in floors.items():
        print(f"  {name:<12}{figures.get(name, 0):>7.1f} %   floor {floor:.1f} %")
    print(f"  {len(untested)} modules without a unit test of their own")
    problems = [*coverage_problems(figures, floors), *module_problems(untested, listed)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0
