"""Keys while a recording plays: space stops and goes on, q ends."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from proctor.cli.streams import write_all

_RESTORED = b"\x1b[0m\x1b[?1049l\x1b[?25h\x1b[?2004l"
"""Plain text, main screen, visible cursor, no bracketed paste: what a cut recording may leave otherwise."""


class Controls:
    """The state that keys change; ``pause`` is the clock of the player."""

    def __init__(self) -> None:
        self._going = asyncio.Event()
        self._going.set()
        self._ended = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Has the viewer had enough?"""
        return self._ended.is_set()

    async def pause(self, seconds: float) -> None:
        """Wait, longer while stopped, and not at all after the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        await self._going.wait()

    def press(self, keys: bytes) -> None:
        """Act on what was typed."""
        for key in keys:
            if key == ord(" "):
                (self._going.clear if self._going.is_set() else self._going.set)()
            elif key in b"qQ":
                self._ended.set()
                self._going.set()


@contextmanager
def keyboard(controls: Controls) -> Iterator[None]:
    """Keys reach ``controls`` as long as the block runs, when we have a terminal; it is restored after."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield
        return
    loop = asyncio.get_running_loop()
    before = termios.tcgetattr(0)
    try:
        tty.setcbreak(0, termios.TCSADRAIN)
        loop.add_reader(0, lambda: controls.press(os.read(0, 64)))
        yield
    finally:
        loop.remove_reader(0)
        termios.tcsetattr(0, termios.TCSADRAIN, before)
        write_all(1, _RESTORED)
