# SPDX-License-Identifier: Apache-2.0
"""``./run bench hooks``: what the ways to be called at a system call cost, where the kernel has them all.

In a guest (``./run vmtest --bench``) processors are emulated: ratios say something there, nanoseconds do not.
"""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import patch

from bench.capture import syscalls
from bench.capture.conditions import Condition, Conditions
from bench.capture.probe import COUNTS, OTHER_CPU, Probe, build, keep_off, outside
from bench.report import publish
from proctor.capture.kernel.capability_report import probe
from proctor.capture.kernel.kernel_features import SWITCH
from proctor.capture.kernel.loader import AUTO
from testing.capture import running_lab

_ROUNDS = 15
_COUNTS = {operation: count // 3 for operation, count in COUNTS.items()}
"""An emulated processor takes ten times as long and more."""
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
    costs = _costs(directory, 2 if quick else _ROUNDS)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    publish(
        "hooks",
        "What each way to be called adds to one operation: time, and ratio to no session open (quartiles)",
        list(syscalls.rows(costs)),
        {"syscalls": costs},
    )


def _costs(directory: Path, rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    built = build(directory)
    costs: dict[str, dict[str, dict[str, float]]] = {}
    with outside([str(built[0])]) as plain:
        for way, without in _WAYS.items():
            with patch.dict(os.environ, {SWITCH: without}), running_lab(directory, AUTO) as lab:
                keep_off(lab.process.pid)
                conditions = Conditions(lab, *built, directory)
                wanted = [*([] if costs else conditions.floor(rounds)), *conditions.ours(rounds, f": {way}")]
                costs |= {condition.title: _summaries(condition, plain) for condition in wanted}
    return costs


def _summaries(condition: Condition, plain: Probe) -> dict[str, dict[str, float]]:
    print(f"measuring: {condition.title}", flush=True)
    return syscalls.summaries(condition, plain, _COUNTS)
