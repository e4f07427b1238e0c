"""The audit log as one file of JSON lines per UTC day, with a symlink to the current one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proctor.audit.log import Page, Query
from proctor.core.clock import SYSTEM, Clock
from proctor.model.events import Event


class FileLog:
    """``<root>/<host_uuid>/YYYY-MM-DD.00:00:00.log`` and ``<root>/events.log``; an ``audit.log.AuditLog``.

    ``root`` is ``<data_dir>/log``; which events are stored is remembered in ``<data_dir>/backend``.
    """

    def __init__(self, root: Path, host_uuid: str, clock: Clock = SYSTEM, *, cluster_name: str = "") -> None:
        raise NotImplementedError

    def append(self, source: str, first_sequence: int, events: Sequence[bytes]) -> int:
        """See ``AuditLog.append``."""
        raise NotImplementedError

    def append_own(self, event: Event | Mapping[str, Any]) -> dict[str, Any]:
        """See ``AuditLog.append_own``."""
        raise NotImplementedError

    def search(self, query: Query) -> Page:
        """See ``AuditLog.search``."""
        raise NotImplementedError

    def close(self) -> None:
        """See ``AuditLog.close``."""
        raise NotImplementedError
