"""Recordings in forms that other programs read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from proctor.recording.format import Entry


class Asciicast:
    """Makes an asciicast v2 file, entry by entry, so that it works for live sessions too."""

    def feed(self, entry: Entry) -> str:
        """The lines that ``entry`` adds; empty for events a player does not show."""
        raise NotImplementedError

    def finish(self) -> str:
        """The lines for bytes held back as the start of a character."""
        raise NotImplementedError


def plain_text(entries: Iterable[Entry]) -> Iterator[str]:
    """Terminal output without escape sequences and control characters."""
    raise NotImplementedError
