# SPDX-License-Identifier: Apache-2.0
"""``./run mutants``: how many small changes of the code that decides do the unit tests notice?

Prints each surviving mutant with its line, then the share of mutants that were noticed. A mutant is
run in a copy of the package, so that the checkout stays as it is.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from tools.mutation.operators import Mutant, mutants
from tools.runner.paths import ROOT

TARGETS = Path(__file__).with_name("targets.toml")
TIMEOUT_SECONDS = 180


class Trial(NamedTuple):
    """One mutant of one module, and the tests that should notice it."""

    module: str
    tests: tuple[str, ...]
    mutant: Mutant
    text: str

    @property
    def title(self) -> str:
        """Where the mutant is and what it changes, on one line."""
        return f"{self.module}:{self.mutant.line}: {self.mutant.change}   [{self.text}]"


class Target(NamedTuple):
    """A module with decisions, and the directories or files with its unit tests."""

    module: str
    tests: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The module's file, relative to ``src``."""
        return Path(*self.module.split(".")).with_suffix(".py")


def targets(only: str | None) -> list[Target]:
    """Read ``targets.toml``; raise SystemExit when ``only`` names no module of it."""
    found = [
        Target(name, tuple(tests)) for name, tests in tomllib.loads(TARGETS.read_text())["tests"].items()
    ]
    chosen = [target for target in found if only in {None, target.module}]
    if not chosen:
        names = ", ".join(target.module for target in found)
        raise SystemExit(f"./run mutants: {only} is not one of the modules: {names}")
    return chosen


def equivalents() -> set[tuple[str, str, str]]:
    """Read the mutants known to change nothing that can be observed: module, line and change."""
    entries = tomllib.loads(TARGETS.read_text()).get("equivalent", [])
    return {(entry["module"], entry["line"], entry["change"]) for entry in entries}


def trials(chosen: Sequence[Target]) -> list[Trial]:
    """List every mutant of the modules that is not known to be equivalent."""
    known = equivalents()
    found = []
    for target in chosen:
        source = (ROOT / "src" / target.path).read_text()
        lines = source.splitlines()
        for mutant in mutants(source):
            text = lines[mutant.line - 1].strip()
            if (target.module, text, mutant.change) not in known:
                found.append(Trial(target.module, target.tests, mutant, text))
    return found


@contextmanager
def copies(number: int) -> Iterator[SimpleQueue[Path]]:
    """Make ``number`` copies of the package, each for one mutant at a time."""
    free: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
        for index in range(number):
            copy = Path(directory, str(index))
            shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__", "_web"))
            free.put(copy)
        yield free


def is_noticed(trial: Trial, free: SimpleQueue[Path]) -> bool:
    """Run the tests with the mutant in place; True when they fail or do not end."""
    copy = free.get()
    path = copy / Path(*trial.module.split(".")).with_suffix(".py")
    original = path.read_text()
    path.write_text(trial.mutant.source)
    try:
        return not _tests_pass(copy, trial.tests)
    finally:
        path.write_text(original)
        free.put(copy)


def _tests_pass(package: Path, tests: Sequence[str]) -> bool:
    options = ["-x", "-q", "-p", "no:cacheprovider", f"--basetemp={package.with_suffix('.tmp')}"]
    argv = [sys.executable, "-B", "-m", "pytest", *options, *tests]
    environment = {**os.environ, "PYTHONPATH": str(package), "PROCTOR_KERNEL_TESTS": "off"}
    try:
        ended = subprocess.run(
            argv, cwd=ROOT, env=environment, capture_output=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode == 0


def main() -> int:
    """Sample mutants, run them, report the survivors; 1 when fewer than ``--at-least`` were noticed."""
    parser = argparse.ArgumentParser(prog="./run mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=100, help="number of mutants (100)")
    parser.add_argument("--seed", type=int, default=None, help="choose the same mutants again")
    parser.add_argument("--module", help="only mutants of this module")
    parser.add_argument("--at-least", type=float, default=95.0, help="percentage that must be noticed (95)")
    parser.add_argument("--json", type=Path, help="write the result to this file as well")
    options = parser.parse_args()
    everything = trials(targets(options.module))
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    sample = random.Random(seed).sample(everything, min(options.sample, len(everything)))
    print(f"{len(sample)} of {len(everything)} mutants, --seed {seed}", flush=True)
    survivors = _survivors(sample)
    noticed = 100 * (1 - len(survivors) / max(len(sample), 1))
    print(f"noticed: {len(sample) - len(survivors)} of {len(sample)} ({noticed:.0f} %)")
    if options.json:
        report = {"seed": seed, "mutants": len(sample), "noticed": noticed, "survivors": survivors}
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return int(noticed < options.at_least)


def _survivors(sample: Sequence[Trial]) -> list[str]:
    workers = os.cpu_count() or 1
    survivors = []
    with copies(workers) as free, ThreadPoolExecutor(workers) as pool:
        for trial, noticed in zip(sample, pool.map(lambda each: is_noticed(each, free), sample), strict=True):
            if not noticed:
                survivors.append(trial.title)
                print(f"  survived  {trial.title}", flush=True)
    return survivors


if __name__ == "__main__":
    sys.exit(main())
