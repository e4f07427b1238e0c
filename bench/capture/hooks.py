"""``./run bench hooks``: what the ways to be called at a system call cost, where the kernel has them all.

In a guest (``./run vmtest --bench``) processors are emulated: ratios say something there, nanoseconds do not.
"""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import patch

from bench.capture import syscalls
from bench.capture.conditions import Condition, Conditions
from bench.capture.probe import OTHER_CPU, build, keep_off
from bench.report import publish
from proctor.bpf.kernel.loader import AUTO
from proctor.bpf.kernel.report import probe
from proctor.bpf.kernel.variants import SWITCH
from tests.support.capture import running_lab

_ROUNDS = 5
_WAYS = {
    "at the end of all calls": "lsm",
    "at the end of all calls, and as a security module": "",
    "behind each call": "sys_exit,lsm",
}


def run(directory: Path, quick: bool) -> None:
    """Measure and publish; only a sentence where the kernel has no hooks behind functions."""
    if not probe(without=["sys_exit"]).ok:
        print("hooks: this kernel has none behind its functions; ./run vmtest --bench measures in guests")
        return
    os.sched_setaffinity(0, {OTHER_CPU})
    built = build(directory)
    costs: dict[str, dict[str, dict[str, float]]] = {}
    for way, without in _WAYS.items():
        with patch.dict(os.environ, {SWITCH: without}):
            costs |= _costs(directory, built, way, 2 if quick else _ROUNDS, first=not costs)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    publish(
        "hooks",
        "What each way to be called adds to one operation: time, and ratio to nothing in force (quartiles)",
        list(syscalls.rows(costs)),
        {"syscalls": costs},
    )


def _costs(
    directory: Path, built: tuple[Path, Path], way: str, rounds: int, *, first: bool
) -> dict[str, dict[str, dict[str, float]]]:
    with running_lab(directory, AUTO) as lab:
        keep_off(lab.process.pid)
        conditions = Conditions(lab, *built, directory)
        wanted: list[Condition] = conditions.floor(rounds) if first else []
        with conditions.nothing() as plain:
            return {
                condition.title: syscalls.summaries(condition, plain)
                for condition in [*wanted, *conditions.ours(rounds, f": {way}")]
            }
