# SPDX-License-Identifier: Apache-2.0
"""Disk usage of the auth service, for ``tctl storage`` and the metrics."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proctor.audit.finished import stored_days
from proctor.audit.index.store import files
from proctor.auth.ingest.recordings import RecordingIndexer, SearchableLog
from proctor.core.errors import Unavailable


@dataclass(frozen=True)
class DayUsage:
    """A day of the audit log: its date, bytes on the disk, bytes of its events."""

    day: str
    stored: int
    size: int
    compressed: bool


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Bytes on the disk, and of ``free`` space. ``recordings``: number of the complete ones."""

    days: tuple[DayUsage, ...] = ()
    recordings: int = 0
    recording_bytes: int = 0
    state_bytes: int = 0
    index_bytes: int = 0
    free: int = 0

    @property
    def numbers(self) -> Mapping[str, int]:
        """Totals, for metrics."""
        return {
            "log_days": len(self.days),
            "log_bytes": sum(day.stored for day in self.days),
            "recordings": self.recordings,
            "recording_bytes": self.recording_bytes,
            "state_bytes": self.state_bytes,
            "index_bytes": self.index_bytes,
            "free_bytes": self.free,
        }


def usage(log: SearchableLog, recordings: RecordingIndexer) -> Usage:
    """Measure the disk use now; blocks. Raises Unavailable."""
    sizes = {extent.name: extent.size for extent in log.extents()}
    count, recording_bytes = recordings.totals()
    try:
        days = tuple(
            DayUsage(day.name[:10], day.stored, sizes.get(day.name, day.stored), day.compressed)
            for day in stored_days(log.directory)
        )
        return Usage(
            days=days,
            recordings=count,
            recording_bytes=recording_bytes,
            state_bytes=_bytes_of(log.index_path.with_name("state.sqlite")),
            index_bytes=_bytes_of(log.index_path),
            free=shutil.disk_usage(log.directory).free,
        )
    except OSError as error:
        raise Unavailable(f"the use of the disk cannot be determined: {error.strerror}") from error


def _bytes_of(database: Path) -> int:
    return sum(path.stat().st_size for path in files(database) if path.exists())
