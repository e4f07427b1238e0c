# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.search.prepare DIRECTORY COUNT``: a log of COUNT events with its index, days compressed.

Ten million events take a quarter of an hour, so they can be made beforehand and be measured several times.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.search.events import CLUSTER, DAYS, START, Generator, fill
from proctor.audit.compressed import compress
from proctor.audit.index.indexer import Indexer
from proctor.audit.index.store import files
from proctor.audit.logs_file import FileLog
from proctor.core.clock import FakeClock

HOST = "0d7a5b1c-9e11-4e5a-8c3f-0e5f5b9d5c0d"
_FACTS = "prepared.json"


@dataclass(frozen=True)
class Prepared:
    """A log in ``data``, what made its events, and what making it took."""

    data: Path
    made: Generator
    facts: dict[str, Any]

    def opened(self) -> FileLog:
        """Open the log at the end of its last day."""
        return FileLog(self.data / "log", HOST, FakeClock(START + timedelta(days=DAYS)), cluster_name=CLUSTER)


def prepared(data: Path, count: int) -> Prepared:
    """The log in ``data``, made unless it is there."""
    path = data / _FACTS
    if not path.exists():
        _prepare(data, count)
    kept = json.loads(path.read_text())
    made = Generator()
    made.sids = [sid.encode() for sid in kept["sids"]]
    return Prepared(data, made, kept["facts"])


def _prepare(data: Path, count: int) -> None:
    started = time.monotonic()
    made = fill(data, HOST, count)
    filled = time.monotonic()
    log = FileLog(data / "log", HOST, FakeClock(START + timedelta(days=DAYS)), cluster_name=CLUSTER)
    extents = {extent.name: extent.size for extent in log.extents()}
    indexer = Indexer(log.index_path, log.directory)
    while indexer.step(extents):
        pass
    indexer.close()
    indexed = time.monotonic()
    stored = sum(compress(log.directory / day.name) for day in log.finished())
    packed = time.monotonic()
    log_bytes = sum(extents.values())
    on_disk = sum(path.stat().st_size for path in log.directory.glob("*.log*"))
    index = sum(path.stat().st_size for path in files(log.index_path) if path.exists())
    facts = {
        "log_bytes": log_bytes,
        "log_bytes_on_disk": on_disk,
        "compressed_days": stored,
        "index_bytes": index,
        "index_bytes_per_event": round(index / count, 1),
        "append_seconds": round(filled - started, 1),
        "index_seconds": round(indexed - filled, 1),
        "indexed_events_per_second": round(count / (indexed - filled)),
        "compress_seconds": round(packed - indexed, 1),
    }
    log.close()
    kept = {"facts": facts, "sids": [sid.decode() for sid in made.sids]}
    (data / _FACTS).write_text(json.dumps(kept))


if __name__ == "__main__":
    print(prepared(Path(sys.argv[1]), int(sys.argv[2])).facts)
