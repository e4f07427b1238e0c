# SPDX-License-Identifier: Apache-2.0
"""The test suites, in the order in which a failure is cheapest to understand, and their sum."""

from __future__ import annotations

import os
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from tools.runner import checks, debian, kernel
from tools.runner.console import say
from tools.runner.paths import BIN, BUILD, PYTHON, ROOT, WEB
from tools.runner.setup import node_environment


@dataclass(frozen=True)
class Suite:
    """Test directories that run together."""

    name: str
    directories: tuple[str, ...]
    parallel: bool = False
    measured: bool = False


SUITES = (
    Suite("unit", ("tests/unit", "tests/contract", "tests/fuzz"), parallel=True, measured=True),
    Suite("integration", ("tests/integration",)),
    Suite("kernel", ("tests/kernel",)),
    Suite("e2e", ("tests/e2e",)),
)


@dataclass
class Outcome:
    """What became of one suite."""

    name: str
    ok: bool
    seconds: float
    counts: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)


def run(arguments: Sequence[str]) -> int:
    """Lint and all suites; with ``arguments`` only pytest with them. The exit status."""
    environment = {**os.environ, **node_environment(), **_kernel_switch(), **_program_switch()}
    if arguments:
        return subprocess.run(
            [PYTHON, "-m", "pytest", *arguments], cwd=ROOT, env=environment, check=False
        ).returncode
    started = time.monotonic()
    outcomes = [Outcome("lint", checks.run() == 0, time.monotonic() - started)]
    outcomes.append(_web(environment))
    outcomes += [_pytest(suite, environment) for suite in SUITES]
    outcomes.append(_coverage())
    _report(outcomes)
    return 0 if all(outcome.ok for outcome in outcomes) else 1


def _kernel_switch() -> dict[str, str]:
    """Kernel tests *must* run where the kernel can, unless the caller has decided."""
    if "PROCTOR_KERNEL_TESTS" in os.environ:
        say(f"kernel tests: {os.environ['PROCTOR_KERNEL_TESTS']} (PROCTOR_KERNEL_TESTS)")
        return {}
    if obstacle := kernel.obstacle():
        say(f"\n*** KERNEL TESTS ARE SKIPPED: {obstacle} ***\n")
        return {"PROCTOR_KERNEL_TESTS": "off"}
    say("kernel tests: must")
    return {"PROCTOR_KERNEL_TESTS": "must"}


def _program_switch() -> dict[str, str]:
    """Programs that tests run *must* be there where the set-up has installed them all."""
    return {"PROCTOR_TEST_PROGRAMS": "must"} if debian.is_debian() else {}


def _web(environment: dict[str, str]) -> Outcome:
    say("\nweb")
    started = time.monotonic()
    status = subprocess.run([BIN / "npm", "test"], cwd=WEB, env=environment, check=False).returncode
    return Outcome("web", status == 0, time.monotonic() - started)


def _coverage() -> Outcome:
    say("\ncoverage by the unit suites")
    started = time.monotonic()
    status = subprocess.run([PYTHON, "-m", "tools.coverage"], cwd=ROOT, check=False).returncode
    return Outcome("coverage", status == 0, time.monotonic() - started)


def _pytest(suite: Suite, environment: dict[str, str]) -> Outcome:
    say(f"\n{suite.name}")
    report = BUILD / "reports" / f"{suite.name}.xml"
    report.unlink(missing_ok=True)
    options = [f"--junitxml={report}", "-q", *(("-n", "2") if suite.parallel else ())]
    if suite.measured:
        options += ["--cov", "--cov-report=json"]
    started = time.monotonic()
    argv = [PYTHON, "-m", "pytest", *options, *suite.directories]
    status = subprocess.run(argv, cwd=ROOT, env=environment, check=False).returncode
    outcome = Outcome(suite.name, status == 0, time.monotonic() - started)
    count(report, outcome)
    return outcome


def count(report: Path, outcome: Outcome) -> None:
    """Add up the test cases of a JUnit report."""
    if not report.exists():
        return
    for case in ElementTree.parse(report).iter("testcase"):
        if (skipped := case.find("skipped")) is not None:
            outcome.counts["skipped"] += 1
            outcome.skipped[skipped.get("message", "")] += 1
        elif case.find("failure") is not None or case.find("error") is not None:
            outcome.counts["failed"] += 1
        else:
            outcome.counts["passed"] += 1


def _report(outcomes: Sequence[Outcome]) -> None:
    kinds = ("passed", "failed", "skipped")
    say(f"\n{'':<12}{''.join(format(kind, '>9') for kind in kinds)}{'seconds':>9}")
    for outcome in outcomes:
        numbers = "".join(f"{outcome.counts[kind]:>9}" if outcome.counts else f"{'':>9}" for kind in kinds)
        say(f"{outcome.name:<12}{numbers}{outcome.seconds:>9.0f}{'' if outcome.ok else '  FAILED'}")
    skipped = sum((outcome.skipped for outcome in outcomes), Counter())
    for reason, number in skipped.most_common():
        say(f"  skipped {number}: {reason}")
    totals = sum((outcome.counts for outcome in outcomes), Counter())
    say(", ".join(f"{totals[kind]} {kind}" for kind in kinds))
