# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

from tools.coverage import gate


def test_coverage_below_its_floor_is_a_problem() -> None:
    problems = list(gate.coverage_problems({"python": 60.0, "c": 70.1}, {"python": 61.0, "c": 70.0}))
    assert problems == ["coverage of python is 60.0 %, below its floor of 61.0 %: add tests"]


def test_coverage_that_was_not_measured_is_a_problem() -> None:
    assert list(gate.coverage_problems({}, {"c": 1.0})) == ["coverage of c was not measured"]


def test_percentage_is_read_from_the_report_of_each_tool(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"totals": {"percent_covered": 61.5}}))
    missing = gate.Report(tmp_path / "missing.json", ("x",))

    found = gate.measured({"python": gate.Report(report, ("totals", "percent_covered")), "c": missing})

    assert found == {"python": 61.5}


def test_module_without_a_test_must_get_one() -> None:
    assert list(gate.module_problems({"proctor.new"}, set())) == [
        "proctor.new: no unit test imports this module; write one"
    ]


def test_list_of_modules_only_shrinks() -> None:
    problems = list(gate.module_problems(set(), {"proctor.old"}))
    assert problems == ["proctor.old: has a unit test or is gone; remove it from tools/coverage/floors.toml"]


def test_modules_and_imports_are_found(tmp_path: Path) -> None:
    sources, tests = tmp_path / "src", tmp_path / "tests"
    (sources / "proctor/rpc/_pb").mkdir(parents=True)
    tests.mkdir()
    for name in ("__init__.py", "one.py", "two.py", "rpc/_pb/generated.py"):
        (sources / "proctor" / name).write_text("")
    (tests / "test_one.py").write_text("from proctor import one\nimport proctor.three\n")

    assert list(gate.modules(sources)) == ["proctor.one", "proctor.two"]
    assert {"proctor.one", "proctor.three"} <= gate.imported([tests])
