# SPDX-License-Identifier: Apache-2.0
"""Nanoseconds that recording adds to one operation, interleaved and paired."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.capture.conditions import Condition
from bench.capture.probe import Probe

Sample = tuple[float, float]
"""Nanoseconds under the condition, and with nothing in force: the mean of before and after."""


def summaries(condition: Condition, plain: Probe, counts: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """What the condition does to each operation, done ``counts`` times for a sample."""
    return {name: summary(samples) for name, samples in measure(condition, plain, counts).items()}


def measure(condition: Condition, plain: Probe, counts: Mapping[str, int]) -> dict[str, list[Sample]]:
    """Samples of every operation; each lies between two of ``plain``, on the same processor."""
    samples: dict[str, list[Sample]] = {operation: [] for operation in counts}
    for _ in range(condition.rounds):
        before = plain.sample(counts)
        with condition.enter() as probe:
            probe.sample({"getppid": counts["getppid"]})
            during = probe.sample(counts)
        after = plain.sample(counts)
        for operation, taken in samples.items():
            taken.append((during[operation], (before[operation] + after[operation]) / 2))
    return samples


def summary(samples: Sequence[Sample]) -> dict[str, float]:
    """Median ratio with quartiles, and what that adds in nanoseconds to the median without."""
    ratios = sorted(during / without for during, without in samples)
    first, median, third = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    base = statistics.median(without for _, without in samples)
    return {
        "base_ns": round(base, 1),
        "ratio": round(median, 3),
        "q1": round(first, 3),
        "q3": round(third, 3),
        "added_ns": round((median - 1) * base, 1),
    }


def rows(results: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Iterable[dict[str, Any]]:
    """What operations take by themselves; then a row a condition: what it adds, and the ratio (quartiles)."""
    first = next(iter(results.values()))
    yield {"": "takes"} | {name: _time(figures["base_ns"]) for name, figures in first.items()}
    for title, operations in results.items():
        yield {"": title} | {name: _cell(figures) for name, figures in operations.items()}


def _cell(figures: Mapping[str, float]) -> str:
    ratios = f"{figures['ratio']:.2f} ({figures['q1']:.2f} to {figures['q3']:.2f})"
    return f"{_signed(figures['added_ns'])}, {ratios}"


def _time(nanoseconds: float) -> str:
    return f"{nanoseconds / 1000:.0f} µs" if nanoseconds >= 10_000 else f"{nanoseconds:.0f} ns"


def _signed(nanoseconds: float) -> str:
    return ("+" if nanoseconds >= 0 else "-") + _time(abs(nanoseconds))
