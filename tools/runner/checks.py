# SPDX-License-Identifier: Apache-2.0
"""The gate before the tests: what can be judged without running the code."""

from __future__ import annotations

from tools.runner.console import RunError, say, step
from tools.runner.paths import BIN, PYTHON, ROOT

GATES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ruff check", ("ruff", "check", ".")),
    ("ruff format", ("ruff", "format", "--check", ".")),
    ("mypy", ("mypy",)),
    ("import borders", ("lint-imports",)),
)


# Generated, and tables that are easier to read in two columns.
UNFORMATTED = frozenset({"event_fields.h", "syscall_table.h"})


def c_sources() -> list[str]:
    """The C files in the style of ``.clang-format``, relative to the checkout."""
    found = [path for name in ("bpf", "native") for path in sorted((ROOT / name).rglob("*.[ch]"))]
    return [
        str(path.relative_to(ROOT))
        for path in found
        if path.name not in UNFORMATTED and ".output" not in path.parts
    ]


def run() -> int:
    """Run every gate, also after one has failed; 0 when all hold."""
    say("lint")
    failures = []
    for title, (program, *arguments) in GATES:
        failures += _failure(title, [str(BIN / program), *arguments])
    style = [str(BIN / "clang-format"), "--dry-run", "--Werror", *c_sources()]
    failures += _failure("clang-format", style)
    failures += _failure("generated files", [str(PYTHON), "-m", "tools.generate", "--check"])
    failures += _failure("size limits", [str(PYTHON), "-m", "tools.size_gate"])
    failures += _failure("vocabulary", [str(PYTHON), "-m", "tools.vocabulary"])
    failures += _failure("licences", [str(PYTHON), "-m", "tools.licences"])
    for failure in failures:
        say(f"\n{failure}")
    return 1 if failures else 0


def _failure(title: str, argv: list[str]) -> list[str]:
    try:
        step(title, argv)
    except RunError as error:
        return [str(error)]
    return []
