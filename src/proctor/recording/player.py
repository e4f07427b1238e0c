"""Playback of a recording at its own pace, or faster, and its events as text."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Literal

from proctor.recording.format import Entry
from proctor.rpc._pb import record_pb2 as pb

MIN_SPEED, MAX_SPEED = 0.5, 8.0


def live(chunks: AsyncIterable[pb.FileChunk]) -> AsyncIterator[Entry]:
    """Entries of a recording as its files arrive from ``Recordings.Read``. Raises Corrupted."""
    raise NotImplementedError


def play(
    entries: Iterable[Entry] | AsyncIterable[Entry], *, speed: float = 1.0, skip_idle: bool = False
) -> AsyncIterator[Entry]:
    """Each entry at its time. ``skip_idle`` cuts waits to half a second. Raises BadRequest for a bad speed.

    Terminal bytes are in ``Entry.data``; what the kernel saw comes on the same clock.
    """
    raise NotImplementedError


def printed(entries: Iterable[Entry], style: Literal["json", "yaml", "text"]) -> Iterator[str]:
    """Pieces of text that list the events (json: an array; yaml: documents; text: a line per event)."""
    raise NotImplementedError
