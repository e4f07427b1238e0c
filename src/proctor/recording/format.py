"""The files of a recording, decoded: pure, see docs/recording-format.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One event of a recording at ``ms`` milliseconds after its start.

    ``data`` holds the terminal bytes of a ``print`` event and is empty for all others.
    """

    ms: int
    event: dict[str, Any]
    data: bytes = b""


@dataclass(frozen=True)
class Timeline:
    """Everything in a recording in order of time, terminal output and kernel events on one clock."""

    entries: list[Entry]
    started: datetime | None
    torn: bool
    """Bytes at the end of a file did not make a whole record (a live or damaged recording)."""

    @staticmethod
    def decode(files: Mapping[str, bytes]) -> Timeline:
        """From file names (``<sid>-0.events.gz``, …) and contents. Raises Corrupted."""
        raise NotImplementedError


class Decoder:
    """The same for a recording that is still arriving: bytes in, entries out."""

    def feed(self, name: str, data: bytes) -> None:
        """The next bytes of file ``name``. Raises Corrupted."""
        raise NotImplementedError

    def entries(self) -> list[Entry]:
        """Entries that have become whole since the last call, in order of time."""
        raise NotImplementedError
