"""The recording of one session on the node: nothing that was accepted is lost by a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proctor.core.clock import SYSTEM, Clock
from proctor.core.errors import ProctorError
from proctor.model.events import Event, SessionEnd

Flushed = Callable[[str, Mapping[str, int]], None]
"""Called with a session id and the durable size of each of its files (``Replicator.notify``)."""


class RecordingError(ProctorError):
    """The recording could not take what it was given; what it took before is intact."""


class SessionWriter:
    """Writes ``<sid>-0.*.gz`` and ``<sid>.index`` in ``directory`` through a journal.

    ``event`` and ``output`` survive ``kill -9`` on return. Methods may be called from any thread.
    """

    lost_events: int
    """Events refused because they could not be written."""
    lost_bytes: int
    """Bytes of terminal output refused because they could not be written."""

    def __init__(
        self, directory: Path, sid: str, clock: Clock = SYSTEM, *, cluster_name: str = ""
    ) -> None:
        """Start a new recording. Raises BadRequest for a sid that is no UUID, AlreadyExists, RecordingError."""
        raise NotImplementedError

    def event(self, event: Event | Mapping[str, Any]) -> dict[str, Any]:
        """Record an event; returns it with ``ei``, ``uid``, ``time`` and ``cluster_name`` filled in.

        ``session.data`` keeps its fixed ``ei``. Raises RecordingError.
        """
        raise NotImplementedError

    def events(self, events: Iterable[Event | Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Record several events with one write, all or none. Raises RecordingError."""
        raise NotImplementedError

    def output(self, data: bytes) -> None:
        """Record terminal output. Raises RecordingError."""
        raise NotImplementedError

    def flush(self) -> None:
        """Move everything from the journal into the recording's files, durably. Raises RecordingError."""
        raise NotImplementedError

    async def keep_flushed(self, flushed: Flushed) -> None:
        """Flush at 64 KiB or 250 ms of age, off the event loop, and tell ``flushed``; ends with ``close``."""
        raise NotImplementedError

    def close(self) -> None:
        """Flush and mark the recording finished, so that it may be completed. Raises RecordingError."""
        raise NotImplementedError


@dataclass
class Interrupted:
    """A recording whose writer died, open again at its end."""

    sid: str
    writer: SessionWriter
    start: dict[str, Any] | None
    """The ``session.start`` event."""
    ended: bool
    """``session.end`` is there already."""
    last_ei: int

    def session_end(self) -> SessionEnd:
        """The missing ``session.end``, made from ``start`` and the time of the last event."""
        raise NotImplementedError


def recover(directory: Path, clock: Clock = SYSTEM) -> list[Interrupted]:
    """Reopen every unfinished recording in ``directory``; call before new sessions start.

    The caller adds what is missing (``session_end``) and closes each ``writer``. A recording that cannot
    be repaired is moved to ``corrupted/`` and logged.
    """
    raise NotImplementedError
