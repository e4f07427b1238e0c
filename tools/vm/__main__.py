"""``./run vmtest``: kernel tests under kernels other than this machine's."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from tools.runner.console import RunError, say
from tools.runner.paths import PYTHON
from tools.vm import guest, kernels

_PATIENCE = 10
_TEST_SECONDS = 900
_GUEST_SECONDS = 3600
_SMOKE = ("tests/kernel/test_commands.py", "tests/kernel/test_files.py", "tests/kernel/test_connections.py")
_ALL = ("tests/kernel",)
_SYSTEMD = ("tests/vm",)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests in a guest for each kernel; 0 when all hold."""
    options = _parser().parse_args(arguments)
    if options.fetch:
        return _fetch(options.kernel or kernels.SERIES)
    task = _task(options.pytest or _tests(options), systemd=options.systemd)
    outcomes = {series: _outcome(series, task) for series in options.kernel or kernels.SERIES}
    for series, outcome in outcomes.items():
        say(f"Linux {series:<6} {outcome or 'passed'}")
    return 1 if any(outcomes.values()) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run vmtest", description=__doc__)
    parser.add_argument("--kernel", action="append", choices=kernels.SERIES, help="only this one")
    parser.add_argument("--all", action="store_true", help="all kernel tests, not the part that CI runs")
    parser.add_argument("--systemd", action="store_true", help="under systemd, with at, cron and dbus")
    parser.add_argument("--fetch", action="store_true", help="only get what is needed; 1 when it cannot")
    parser.add_argument("pytest", nargs="*", help="arguments of pytest, after --")
    return parser


def _fetch(wanted: Sequence[str]) -> int:
    try:
        for series in wanted:
            say(f"Linux {series:<6} {kernels.obtain(series).release}")
    except RunError as error:
        say(str(error))
        return 1
    return 0


def _tests(options: argparse.Namespace) -> Sequence[str]:
    if options.systemd:
        return _SYSTEMD
    return _ALL if options.all else _SMOKE


def _outcome(series: str, task: guest.Task) -> str:
    started = time.monotonic()
    try:
        kernel = kernels.obtain(series)
        say(f"\nkernel tests under Linux {kernel.release}")
        status = guest.run(kernel, task)
    except RunError as error:
        return f"FAILED: {error}"
    say(f"  {time.monotonic() - started:.0f} s")
    return f"FAILED (exit status {status})" if status else ""


def _task(tests: Sequence[str], *, systemd: bool) -> guest.Task:
    report = guest.EXCHANGE / "report.xml"
    options = ["-q", "-p", "no:cacheprovider", f"--timeout={_TEST_SECONDS}", f"--junitxml={report}"]
    environment = {
        "PROCTOR_KERNEL_TESTS": "must",
        "PROCTOR_KERNEL_EVERY_HOOK": "1",
        "PROCTOR_TEST_PATIENCE": str(_PATIENCE),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [str(PYTHON), "-m", "pytest", *options, *tests]
    return guest.Task(command, environment, _GUEST_SECONDS, systemd)


if __name__ == "__main__":
    raise SystemExit(main())
