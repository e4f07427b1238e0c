# SPDX-License-Identifier: Apache-2.0
"""Steps of work on the terminal: one line each, with the time it took; the output goes to a log file."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.runner.paths import LOGS, ROOT

_TAIL_LINES = 40
_REDRAW_SECONDS = 0.2


class RunError(Exception):
    """A task cannot go on; the message tells the person at the terminal why."""


def say(text: str) -> None:
    """Print one line at once, so that it stands in order with the output of child processes."""
    print(text, flush=True)


def step(
    title: str, argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> None:
    """Run a program as one step of a longer task.

    Raises RunError with the end of its output when it cannot be started or fails.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{title.replace(' ', '-')}.log"
    started = time.monotonic()
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                [str(part) for part in argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
            )
        except OSError as error:
            raise RunError(f"{title}: {argv[0]}: {error.strerror}") from None
        try:
            status = _watch(process, title, started)
        except BaseException:
            process.kill()
            process.wait()
            raise
    if status:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])
        raise RunError(f"{title} failed (exit status {status}):\n{tail}\nThe whole output is in {log}")


def _watch(process: subprocess.Popen[bytes], title: str, started: float) -> int:
    live = sys.stdout.isatty()
    print(f"  {title:<28}", end="", flush=True)
    while True:
        try:
            status = process.wait(timeout=_REDRAW_SECONDS)
        except subprocess.TimeoutExpired:
            if live:
                print(f"\r  {title:<28}{_elapsed(started)}", end="", flush=True)
            continue
        print(f"\r  {title:<28}" if live else "", end="")
        print(f"{_elapsed(started)}  {'failed' if status else 'done'}", flush=True)
        return status


def _elapsed(started: float) -> str:
    return f"{time.monotonic() - started:7.1f} s"
