# SPDX-License-Identifier: Apache-2.0
"""``./run fuzz [--minutes N]``: the formatter of records under sanitizers, then behind Python.

What is found new goes to a directory of its own; the corpus in ``tests/fuzz/corpus`` is small and chosen.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.runner.paths import ROOT

CORPUS = ROOT / "tests/fuzz/corpus/records"
LONGEST = 8192
_FORMATTER = ("text", "line", "event", "command", "tamper", "details", "digests", "sorter", "lines")
_SANITIZERS = ("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined")


def build(directory: Path) -> Path:
    """The harness in C, with the formatter and the sanitizers in it."""
    program = directory / "events"
    sources = [ROOT / "native/fuzz/events.c", *(ROOT / f"native/eventfmt/{name}.c" for name in _FORMATTER)]
    subprocess.run(["clang", "-g", "-O1", *_SANITIZERS, *sources, "-o", program], check=True)
    return program


def fuzz(command: list[str | Path], seconds: int, found: Path) -> bool:
    """Run one fuzzer; did it find nothing?"""
    found.mkdir()
    limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-print_final_stats=1", "-verbosity=0"]
    limits.append(f"-artifact_prefix={found.parent}/")
    return subprocess.run([*command, *limits, found, CORPUS], cwd=ROOT, check=False).returncode == 0


def main() -> int:
    """Run both fuzzers, half of the time each; the exit status."""
    parser = argparse.ArgumentParser(prog="./run fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, metavar="N", help="default %(default)s")
    seconds = round(parser.parse_args().minutes * 60)
    if not importlib.util.find_spec("atheris"):
        sys.exit("Fuzzing needs atheris, which is not installed: run ./run setup, with Python 3.11 to 3.14.")
    directory = Path(tempfile.mkdtemp(prefix="proctor-fuzz-"))
    print(f"what is found new goes to {directory}", flush=True)
    commands: list[list[str | Path]] = [
        [build(directory)],
        [sys.executable, "-m", "tests.fuzz.atheris_records"],
    ]
    results = [
        fuzz(command, seconds // len(commands), directory / f"corpus-{number}")
        for number, command in enumerate(commands)
    ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
