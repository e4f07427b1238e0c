# SPDX-License-Identifier: Apache-2.0
"""Keys while a recording plays: space pauses, arrows seek, q ends."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from proctor.core.clock import SYSTEM, Clock

SEEK_MS = 5_000
HELP = "space: pause  \N{LEFTWARDS ARROW} \N{RIGHTWARDS ARROW}: 5 seconds  q: quit"

# Cursor keys in normal and in application mode (xterm control sequences, "PC-Style Function Keys").
_KEY = re.compile(rb"\x1b[\[O](?P<arrow>[CD])|(?P<plain>[ qQ])|\x1b?.", re.DOTALL)
_ARROWS = {b"C": SEEK_MS, b"D": -SEEK_MS}


class Controls:
    """The wishes of the viewer: ``paused``, ``ended``, and how far to seek."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._pressed = asyncio.Event()
        self._seek = 0
        self.paused = False
        self.ended = False

    async def wait(self, seconds: float | None) -> float:
        """Wait for ``seconds``, without a limit for None, or until a key is pressed; the seconds waited."""
        started = self._clock.monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._pressed.wait()
        self._pressed.clear()
        return self._clock.monotonic() - started

    def take_seek(self) -> int:
        """Milliseconds to move by since the last call, backwards when negative."""
        seek, self._seek = self._seek, 0
        return seek

    def wake(self) -> None:
        """End a wait."""
        self._pressed.set()

    def press(self, keys: bytes) -> None:
        """Act on what was typed; keys without a meaning are ignored."""
        for key in _KEY.finditer(keys):
            if key["arrow"]:
                self._seek += _ARROWS[key["arrow"]]
            elif key["plain"] == b" ":
                self.paused = not self.paused
            elif key["plain"]:
                self.ended = True
            else:
                continue
            self.wake()


@contextmanager
def keyboard(controls: Controls) -> Iterator[bool]:
    """Pass keys to ``controls`` when there is a terminal, which is restored at the end; whether there is."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield False
        return
    loop = asyncio.get_running_loop()
    before = termios.tcgetattr(0)
    try:
        tty.setcbreak(0, termios.TCSADRAIN)
        loop.add_reader(0, lambda: controls.press(os.read(0, 64)))
        yield True
    finally:
        loop.remove_reader(0)
        termios.tcsetattr(0, termios.TCSADRAIN, before)
