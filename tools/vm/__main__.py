# SPDX-License-Identifier: Apache-2.0
"""``./run vmtest``: kernel tests, and benchmarks, under kernels other than this machine's."""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Sequence

from bench.report import RESULTS
from tools.runner.console import RunError, say
from tools.runner.paths import PYTHON
from tools.vm import guest, kernels

_ENVIRONMENT = {"PROCTOR_TEST_PATIENCE": "10", "PYTHONDONTWRITEBYTECODE": "1"}
_TEST_SECONDS = 900
_GUEST_SECONDS = 3600
_SMOKE = (
    *(f"tests/kernel/test_{name}.py" for name in ("commands", "files", "connections", "security_module")),
    *("-k", "not without and (not each-call or test_files)"),
)
"""What these kernels have that others do not; objects for older ones are tested everywhere. Hooks behind each
call take a minute to attach in a guest, so they are for one module."""
_ALL = ("tests/kernel",)
_SYSTEMD = ("tests/vm",)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests in a guest for each kernel; 0 when all hold."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.fetch:
        return _fetch(options.kernel or kernels.SERIES)
    if options.bench and (options.all or options.systemd or options.pytest):
        parser.error("--bench measures, and runs no tests")
    task = _benchmark() if options.bench else _task(options)
    outcomes = {series: _outcome(series, task) for series in options.kernel or kernels.SERIES}
    for series, outcome in outcomes.items():
        if options.bench and not outcome:
            _keep(series)
        say(f"Linux {series:<6} {outcome or 'passed'}")
    return 1 if any(outcomes.values()) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run vmtest", description=__doc__)
    parser.add_argument("--kernel", action="append", choices=kernels.SERIES, help="only this one")
    parser.add_argument("--all", action="store_true", help="all kernel tests, not the part that CI runs")
    parser.add_argument("--systemd", action="store_true", help="under systemd, with at, cron and dbus")
    parser.add_argument("--bench", action="store_true", help="measure hooks, for docs/benchmarks, instead")
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
        say(f"\nin a guest with Linux {kernel.release}")
        status = guest.run(kernel, task)
    except RunError as error:
        return f"FAILED: {error}"
    say(f"  {time.monotonic() - started:.0f} s")
    return f"FAILED (exit status {status})" if status else ""


def _benchmark() -> guest.Task:
    """The file that is opened gets into the guest's memory first: the host's files are slow to reach."""
    left = RESULTS / "hooks"
    script = f"touch /etc/hostname && {PYTHON} -m bench hooks && cp {left}.json {left}.md {guest.EXCHANGE}"
    return guest.Task(["sh", "-c", script], _ENVIRONMENT, _GUEST_SECONDS)


def _keep(series: str) -> None:
    for ending in ("json", "md"):
        shutil.copy(guest.results(series) / f"hooks.{ending}", RESULTS / f"hooks-{series}.{ending}")


def _task(options: argparse.Namespace) -> guest.Task:
    report = guest.EXCHANGE / "report.xml"
    flags = ["-q", "-p", "no:cacheprovider", f"--timeout={_TEST_SECONDS}", f"--junitxml={report}"]
    environment = _ENVIRONMENT | {"PROCTOR_KERNEL_TESTS": "must", "PROCTOR_KERNEL_EVERY_HOOK": "1"}
    command = [str(PYTHON), "-m", "pytest", *flags, *(options.pytest or _tests(options))]
    return guest.Task(command, environment, _GUEST_SECONDS, options.systemd)


if __name__ == "__main__":
    raise SystemExit(main())
