# SPDX-License-Identifier: Apache-2.0
"""``./run bench [NAME…]``: measure, print tables, write docs/benchmarks/."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import events, flood, ledger, lock, login, pipeline
from bench.capture import benchmark as capture
from bench.capture import hooks
from bench.search import benchmark as search
from proctor.capture.kernel.capability_report import probe

BENCHMARKS: dict[str, Callable[[Path, bool], None]] = {
    "login": login.run,
    "lock": lock.run,
    "events": events.run,
    "capture": capture.run,
    "hooks": hooks.run,
    "pipeline": pipeline.run,
    "ledger": ledger.run,
    "search": search.run,
    "flood": flood.run,
}


_STARTUP_FILES = (".bash_profile", ".bash_login", ".profile", ".bashrc")


def empty_startup_files() -> None:
    """Hide the user's shell start-up files, which would cost more than what is measured."""
    for path in (Path.home() / name for name in _STARTUP_FILES):
        if path.exists():
            subprocess.run(["mount", "--bind", "/dev/null", str(path)], check=True)


def main(arguments: Sequence[str]) -> int:
    """Run the named benchmarks, or all; the exit status."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; default all")
    parser.add_argument("--quick", action="store_true", help="few rounds: does it run, not how fast is it")
    parser.add_argument(
        "--bare-shell",
        action="store_true",
        help="empty the start-up files of shells: %(prog)s asks for it, in a mount namespace of its own",
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - BENCHMARKS.keys():
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    report = probe()
    if not report.ok:
        print("\n".join(["Sessions cannot be recorded here:", *report.missing]), file=sys.stderr)
        return 1
    if options.bare_shell:
        empty_startup_files()
    for name in options.names or BENCHMARKS:
        with tempfile.TemporaryDirectory(prefix="proctor-bench-") as directory:
            BENCHMARKS[name](Path(directory), options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
