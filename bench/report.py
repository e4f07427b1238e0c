# SPDX-License-Identifier: Apache-2.0
"""What a benchmark leaves behind: numbers as JSON with machine and date, and a table for people."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from proctor.core.version import VERSION

RESULTS = Path(__file__).resolve().parent.parent / "docs/benchmarks"


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    cpu = [
        line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")
    ]
    memory = next(int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    return {
        "cpu": cpu[0] if cpu else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**20, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Median, quartiles and extremes in milliseconds."""
    milliseconds = sorted(1000 * value for value in seconds)
    first, median, third = statistics.quantiles(milliseconds, n=4)
    ninth = statistics.quantiles(milliseconds, n=10)[-1]
    named = {
        "median": median,
        "q1": first,
        "q3": third,
        "p90": ninth,
        "min": milliseconds[0],
        "max": milliseconds[-1],
    }
    return {name: round(value, 2) for name, value in named.items()}


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as a Markdown table; the keys of the first are the columns."""
    names = list(rows[0])
    cells = [names, ["---"] * len(names), *([str(row[name]) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def publish(
    name: str, title: str, rows: Sequence[Mapping[str, Any]], results: Mapping[str, Any], more: str = ""
) -> None:
    """Write ``docs/benchmarks/<name>.json`` and ``.md``, and print the table, with ``more`` below."""
    about = machine()
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    document = {"benchmark": name, "date": date, "version": VERSION, "machine": about, **results}
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")
    where = (
        f"{about['cpu']}, {about['cores']} cores, kernel {about['kernel']}, Python {about['python']}, {date}"
    )
    text = f"# {title}\n\n{where}\n\n{table(rows)}\n" + (f"\n{more}\n" if more else "")
    (RESULTS / f"{name}.md").write_text(text)
    print(text)
