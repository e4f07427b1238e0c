# SPDX-License-Identifier: Apache-2.0
"""Plays a recording on a terminal: at its pace, paused, and from any position."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable

from proctor.cli.playback.controls import HELP, Controls
from proctor.cli.playback.screen import Screen, Size
from proctor.core.tasks import TaskSet
from proctor.recording.format import RecordingEntry

IDLE_SECONDS = 0.5
"""The longest wait when idle time is skipped."""

_TITLE_SECONDS = 1.0
"""The longest time that the position in the title stays unchanged."""


class Player:
    """One viewing. ``remark`` gives a sentence about an event that the viewer must see, or an empty text.

    ``position`` is milliseconds after the start of the recording.
    """

    def __init__(self, screen: Screen, controls: Controls, remark: Callable[[RecordingEntry], str]) -> None:
        self.position = 0.0
        self._screen = screen
        self._controls = controls
        self._remark = remark
        self._entries: list[RecordingEntry] = []
        self._next = 0
        self._complete = False
        self._status_shown = False

    async def play(self, source: AsyncIterable[RecordingEntry], *, speed: float, skip_idle: bool) -> None:
        """Show ``source`` until its end, or until the viewer ends it. Raises what ``source`` raises."""
        tasks = TaskSet("playback")
        reading = tasks.spawn(self._read(source), name="recording")
        try:
            while not self._controls.ended and not self._at_end():
                self._follow_keys()
                await self._advance(speed, skip_idle=skip_idle)
        finally:
            await tasks.close()
        if reading.done() and not reading.cancelled() and (error := reading.exception()) is not None:
            raise error

    async def _read(self, source: AsyncIterable[RecordingEntry]) -> None:
        try:
            async for entry in source:
                self._entries.append(entry)
                if self._next == len(self._entries) - 1:
                    self._controls.wake()
        finally:
            self._complete = True
            self._controls.wake()

    def _at_end(self) -> bool:
        return self._complete and self._next == len(self._entries) and not self._controls.paused

    def _follow_keys(self) -> None:
        if seek := self._controls.take_seek():
            self.seek(self.position + seek)
        if self._controls.paused:
            self._screen.status(f" paused {self._clock()}   {HELP} ")
            self._status_shown = True
        elif self._status_shown:
            self.seek(self.position)
        self._screen.title(self._clock() + (" paused" if self._controls.paused else ""))

    async def _advance(self, speed: float, *, skip_idle: bool) -> None:
        """Wait for the next entry, a key or the next second; show the entry when its time has come."""
        if self._controls.paused or self._next == len(self._entries):
            await self._controls.wait(None)
            return
        remaining = max(0.0, self._entries[self._next].ms - self.position) / 1000 / speed
        if skip_idle and remaining > IDLE_SECONDS:
            self.position = self._entries[self._next].ms - IDLE_SECONDS * 1000 * speed
            remaining = IDLE_SECONDS
        if remaining > 0:
            waited = await self._controls.wait(min(remaining, _TITLE_SECONDS))
            self.position += min(waited, remaining) * 1000 * speed
            if waited < remaining:
                return
        else:
            await asyncio.sleep(0)  # keys are read in a burst of output, too
        self._show_next()

    def seek(self, position: float) -> None:
        """Show the screen as it was at ``position``; what is not on the way there is drawn again."""
        position = min(max(0.0, position), self._entries[-1].ms if self._entries else 0)
        if self._status_shown or position < self.position:
            self._status_shown = False
            self._screen.clear()
            self._next = 0
        while self._next < len(self._entries) and self._entries[self._next].ms <= position:
            self._show_next()
        self.position = position

    def _show_next(self) -> None:
        entry = self._entries[self._next]
        self._next += 1
        self.position = max(self.position, entry.ms)
        if entry.data:
            self._screen.write(entry.data)
        elif text := self._remark(entry) or self._too_large(entry):
            self._screen.line(text)

    def _too_large(self, entry: RecordingEntry) -> str:
        recorded = Size.parse(entry.event.get("size")) if "size" in entry.event else None
        here = self._screen.size
        if recorded is None or (recorded.columns <= here.columns and recorded.rows <= here.rows):
            return ""
        return f"recorded at {recorded}, this terminal is {here}: enlarge it, or lines will wrap"

    def _clock(self) -> str:
        length = self._entries[-1].ms if self._entries else 0
        return f"{_time(self.position)} / {_time(length)}" + ("" if self._complete else "+")


def _time(milliseconds: float) -> str:
    """``1:02:03``, or ``2:03``."""
    minutes, seconds = divmod(int(milliseconds / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
