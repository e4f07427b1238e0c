"""The gate before the tests: what can be judged without running the code."""

from __future__ import annotations

from tools.runner.console import RunError, say, step
from tools.runner.paths import BIN, PYTHON

GATES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ruff check", ("ruff", "check", ".")),
    ("ruff format", ("ruff", "format", "--check", ".")),
    ("mypy", ("mypy",)),
    ("import borders", ("lint-imports",)),
)


def run() -> int:
    """Run every gate, also after one has failed; 0 when all hold."""
    say("lint")
    failures = []
    for title, (program, *arguments) in GATES:
        failures += _failure(title, [str(BIN / program), *arguments])
    failures += _failure("generated files", [str(PYTHON), "-m", "tools.generate", "--check"])
    failures += _failure("size limits", [str(PYTHON), "-m", "tools.size_gate"])
    failures += _failure("vocabulary", [str(PYTHON), "-m", "tools.vocabulary"])
    for failure in failures:
        say(f"\n{failure}")
    return 1 if failures else 0


def _failure(title: str, argv: list[str]) -> list[str]:
    try:
        step(title, argv)
    except RunError as error:
        return [str(error)]
    return []
