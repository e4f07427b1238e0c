# SPDX-License-Identifier: Apache-2.0
"""Days of the audit log that are over: which there are, and removing one."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from proctor.audit.compressed import compressed_path
from proctor.audit.dayfiles import compressed_days, day_files, day_name
from proctor.core.durable import sync_directory


class StoredDay(NamedTuple):
    """A day file: its name, the bytes that it takes on the disk, and whether it is compressed."""

    name: str
    stored: int
    compressed: bool

    @property
    def end(self) -> datetime:
        """When the day was over."""
        return datetime.combine(date.fromisoformat(self.name[:10]), datetime.min.time(), UTC) + timedelta(1)


def stored_days(directory: Path) -> Iterator[StoredDay]:
    """All days, oldest first. Raises OSError."""
    compressed = compressed_days(directory)
    for name in day_files(directory):
        path = directory / name
        with suppress(FileNotFoundError):
            size = (compressed_path(path) if name in compressed else path).stat().st_size
            yield StoredDay(name, size, name in compressed)


def finished_days(directory: Path, current: str, now: datetime) -> list[StoredDay]:
    """The days before ``current``, the file that is written, that are over at ``now`` as well."""
    limit = min(current, day_name(now.date()))
    return [day for day in stored_days(directory) if day.name < limit]


def remove_day(path: Path) -> bool:
    """Remove a day in every form that it has; False when it is still written. Raises OSError.

    What a crash has removed already is no error.
    """
    with suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The compressed form first: alone, it would count.
            compressed_path(path).unlink(missing_ok=True)
            path.unlink()
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
    compressed_path(path).unlink(missing_ok=True)
    sync_directory(path.parent)
    return True
