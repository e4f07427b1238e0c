# SPDX-License-Identifier: Apache-2.0
"""How long the first page of a search takes, and what ten people who search cost those who do not."""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.report import publish
from bench.search import load
from bench.search.events import DAYS, NEEDLE_EVERY, START, Generator
from bench.search.prepare import HOST, Prepared, prepared
from bench.search.writer import Writer
from proctor.audit.index.store import Index
from proctor.audit.log import Query
from proctor.audit.logs_file import FileLog
from proctor.audit.search.pool import Searches

DATA, WANTED = "PROCTOR_BENCH_SEARCH_DATA", "PROCTOR_BENCH_SEARCH_SIZES"
"""Variables: where logs are kept for the next run (``prepare``), and the sizes to measure, 100000,1000000."""

SIZES = (100_000, 1_000_000, 10_000_000)
REPETITIONS = 11
WRITES_PER_SECOND = 1000


def queries(made: Generator, count: int, number: int) -> dict[str, Query]:
    """Filters by name; ``number`` chooses the values."""
    user, other = (made.users[(7 * number + n) % len(made.users)].decode() for n in (0, 1))
    sid = made.sids[number * 997 % len(made.sids)].decode()
    file = made.files[number * 991 % len(made.files)].decode()
    needle = NEEDLE_EVERY // 2 + NEEDLE_EVERY * (number % max(1, count // NEEDLE_EVERY))
    hour = START + timedelta(days=DAYS) * (number + 1) / (REPETITIONS + 2)
    network, end = ("session.network",), ("session.end",)
    return {
        "none, newest": Query(),
        "none, oldest": Query(ascending=True),
        "user": Query(user=user),
        "user, oldest": Query(user=user, ascending=True),
        "user that is not there": Query(user=f"nobody-{number}"),
        "session": Query(sid=sid),
        "session and type": Query(sid=sid, event_types=end),
        "host": Query(host=f"node-{number}"),
        "type, 1 in 500": Query(event_types=end),
        "user and type": Query(user=user, event_types=network),
        "user and host": Query(user=user, host=f"node-{number}"),
        "hour": Query(from_time=hour, to_time=hour + timedelta(hours=1)),
        "user, hour": Query(user=user, from_time=hour, to_time=hour + timedelta(hours=1)),
        "text, 1 in 100,000": Query(text=f"needle-{needle}"),
        "text, one file": Query(text=file),
        "text, two thirds": Query(text="/usr/lib"),
        "text, address": Query(text=f"10.{number}.77."),
        "text, number": Query(text=f"{40_000 + number}"),
        "text, two characters": Query(text="q@"),
        "text, a field": Query(text=f'"dst_addr":"10.{number}.7'),
        "text that is not there": Query(text=f"absent-{number}"),
        "user and text of others": Query(user=user, text=f'"user":"{other}"'),
        "user and file": Query(user=user, text=file),
        "type and text, both common, never together": Query(event_types=network, text="/conf-"),
    }


def run(directory: Path, quick: bool) -> None:
    """Measure and publish."""
    sizes = SIZES[:1] if quick else _sizes()
    directory = Path(os.environ.get(DATA, directory))
    busy = round(os.getloadavg()[0], 1)
    tables, facts = {}, {}
    for count in sizes:
        data = directory / str(count)
        tables[count], facts[count] = asyncio.run(_table(prepared(data, count), count))
        if count != sizes[-1] and DATA not in os.environ:
            shutil.rmtree(data)
    loads = asyncio.run(load.measure(directory / str(sizes[-1]), HOST, 4 if quick else 30))
    rows = [_row(name, tables) for name in tables[sizes[0]]]
    results = {
        "unit": "ms",
        "repetitions": REPETITIONS,
        "sizes": {str(count): {**facts[count], "milliseconds": tables[count]} for count in sizes},
        "load": loads.results,
        "load_average_before": busy,
    }
    about = f"Load average of the machine before it began: {busy}."
    more = "\n\n".join((about, load.facts_table(facts), loads.table))
    title = "First page (100 events) of a search, with writes going on: median (worst) in ms"
    publish("search", title, rows, results, more)


def _row(name: str, tables: dict[int, dict[str, list[float]]]) -> dict[str, Any]:
    cells = {
        f"{count:,} events": f"{statistics.median(table[name]):.1f} ({max(table[name]):.1f})"
        for count, table in tables.items()
    }
    return {"filter": name, **cells}


async def _table(made: Prepared, count: int) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Milliseconds of each search by filter, and what the log and its index are like."""
    log = made.opened()
    searches = Searches(log)
    searches.start()
    await _indexed(log)
    with Writer(log, WRITES_PER_SECOND):
        found = await _measure(searches, made.made, count)
    await searches.close()
    log.close()
    return found, made.facts


async def _indexed(log: FileLog) -> None:
    """Wait until the finished days are indexed: the processes have started, and have nothing to do."""
    finished = log.extents()[:-1]
    while True:
        index = Index.reader(log.index_path)
        ends = {segment.file: segment.end for segment in index.segments()} if index else {}
        if index:
            index.close()
        if all(ends.get(extent.name) == extent.size for extent in finished):
            return
        await asyncio.sleep(0.2)


def _sizes() -> tuple[int, ...]:
    wanted = os.environ.get(WANTED, "")
    return tuple(map(int, wanted.split(","))) if wanted else SIZES


async def _measure(searches: Searches, made: Generator, count: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for number in range(REPETITIONS):
        for name, query in queries(made, count, number).items():
            started = time.perf_counter()
            page = await searches.search("somebody", query)
            elapsed = 1000 * (time.perf_counter() - started)
            found.setdefault(name, []).append(round(elapsed, 2))
            if page.incomplete:
                found.setdefault(f"{name} (incomplete)", []).append(number)
    return found
