# SPDX-License-Identifier: Apache-2.0
"""The terminal that a recording is played on."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from proctor.cli.output import note
from proctor.cli.standard_streams import write_all
from proctor.core.text import escaped

# Soft reset, plain text, main screen, visible cursor, no bracketed paste, no mouse reports: what a recording
# that is cut may leave otherwise (xterm control sequences).
RESTORE = b"\x1b[!p\x1b[0m\x1b[?1049l\x1b[?25h\x1b[?2004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l"
_CLEAR = RESTORE + b"\x1b[2J\x1b[H"


class Size(NamedTuple):
    """Of a terminal, in characters."""

    columns: int
    rows: int

    @classmethod
    def parse(cls, text: object) -> Size | None:
        """``120:40``, as events have it; None for anything else."""
        columns, _, rows = str(text).partition(":")
        return cls(int(columns), int(rows)) if columns.isdecimal() and rows.isdecimal() else None

    def __str__(self) -> str:
        return f"{self.columns}x{self.rows}"


UNLIMITED = Size(1 << 16, 1 << 16)


class Screen:
    """Writes a recording, and lines about it, through ``write``.

    ``size`` gives the size of the terminal at any moment; without it, as in a pipe, nothing is added to the
    recording but the lines about it.
    """

    def __init__(self, write: Callable[[bytes], None], size: Callable[[], Size] | None) -> None:
        self.write = write
        self._size = size

    @classmethod
    def of_stdout(cls) -> Screen:
        """Standard output."""
        size = (lambda: Size(*os.get_terminal_size(1))) if os.isatty(1) else None
        return cls(lambda data: write_all(1, data), size)

    @property
    def size(self) -> Size:
        """The size of the terminal now."""
        return self._size() if self._size else UNLIMITED

    def clear(self) -> None:
        """Begin with an empty screen."""
        if self._size:
            self.write(_CLEAR)

    def restore(self) -> None:
        """Leave the terminal as a shell expects it."""
        if self._size:
            self.write(RESTORE)

    def title(self, text: str) -> None:
        """Show ``text`` in the title of the window, where it covers nothing."""
        if self._size:
            self.write(b"\x1b]2;" + text.encode() + b"\x07")

    def status(self, text: str) -> None:
        """Show ``text`` in the last line, over what is there; the cursor stays where it is."""
        columns, rows = self.size
        shown = escaped(text)[:columns].encode()
        self.write(b"\x1b7\x1b[%d;1H\x1b[0;7m" % rows + shown + b"\x1b[K\x1b[0m\x1b8")

    def line(self, text: str) -> None:
        """A line of its own about the recording."""
        if self._size:
            self.write(f"\r\n[{escaped(text)}]\r\n".encode())
        else:
            note(f"[{text}]")
