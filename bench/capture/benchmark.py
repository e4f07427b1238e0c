# SPDX-License-Identifier: Apache-2.0
"""``./run bench capture``."""

from __future__ import annotations

import os
from pathlib import Path

from bench.capture import storm, syscalls
from bench.capture.conditions import Condition, Conditions
from bench.capture.probe import COUNTS, OTHER_CPU, build, keep_off
from bench.report import publish, table
from proctor.capture.kernel.loader import AUTO
from testing.capture import running_lab

ROUNDS, PEER_ROUNDS = 25, 5
OPENS = 1_000_000


def run(directory: Path, quick: bool) -> None:
    """Measure and publish. The driver and the capture service stay off the measured processor."""
    os.sched_setaffinity(0, {OTHER_CPU})
    costs = _costs(directory, quick)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    storms = storm.run(directory, opens=OPENS // 50 if quick else OPENS)
    publish(
        "capture",
        "What capture adds to one operation: time, and ratio to nothing in force (quartiles)",
        list(syscalls.rows(costs)),
        {"syscalls": costs, "storms": storms},
        f"Two processes open a file as fast as they can:\n\n{table(storms)}",
    )


def _costs(directory: Path, quick: bool) -> dict[str, dict[str, dict[str, float]]]:
    program, noop = build(directory)
    rounds = (2, 1) if quick else (ROUNDS, PEER_ROUNDS)
    with running_lab(directory, AUTO) as lab:
        keep_off(lab.process.pid)
        conditions = Conditions(lab, program, noop, directory)
        with conditions.nothing() as plain:
            return {
                condition.title: syscalls.summaries(condition, plain, COUNTS)
                for condition in _conditions(conditions, *rounds)
            }


def _conditions(conditions: Conditions, rounds: int, of_peers: int) -> list[Condition]:
    return [*conditions.floor(rounds), *conditions.ours(rounds), *conditions.peers(of_peers)]
