"""Pipes and terminals of a session in the event loop, byte by byte as they come, with back-pressure.

asyncio's own transports would do for pipes, but give terminal output in pieces of 4 KiB, and cannot
tell when everything that a dead program has written was read.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

PIECE = 64 << 10
"""Most bytes handed on at once."""

HIGH_WATER = 256 << 10
FINAL_PIECES = 16
"""More than the kernel buffers: what comes after is by others."""


class Output:
    """What a program writes. ``received`` gets the bytes, ``ended`` is called once after the last."""

    def __init__(self, descriptor: int, received: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        os.set_blocking(descriptor, False)
        self._loop = asyncio.get_running_loop()
        self._descriptor = descriptor
        self._received = received
        self._ended = ended
        self._open = True
        self._loop.add_reader(descriptor, self._readable)

    def pause(self) -> None:
        """Leave what comes in the kernel for a while."""
        if self._open:
            self._loop.remove_reader(self._descriptor)

    def resume(self) -> None:
        """The opposite of ``pause``."""
        if self._open:
            self._loop.add_reader(self._descriptor, self._readable)

    def finish(self) -> None:
        """Read all that is there now, then end: the program is dead, but others may hold the terminal."""
        for _ in range(FINAL_PIECES):
            if not self._open or not (data := self._read()):
                break
            self._received(data)
        self.close()

    def close(self) -> None:
        """Read no more, and release the descriptor; ``ended`` is called unless it was."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._ended()

    def _readable(self) -> None:
        if data := self._read():
            self._received(data)

    def _read(self) -> bytes:
        """What is there, at most PIECE bytes or so; closes at the end of the stream."""
        parts: list[bytes] = []
        size = 0
        while size < PIECE:
            try:
                part = os.read(self._descriptor, PIECE)
            except BlockingIOError:
                break
            except OSError:  # EIO: nobody has the terminal open any more
                part = b""
            if not part:
                self._loop.call_soon(self.close)
                break
            parts.append(part)
            size += len(part)
        return b"".join(parts)


class Input:
    """What a program reads. ``full`` is called with True when it falls behind, False when it caught up."""

    def __init__(self, descriptor: int, full: Callable[[bool], None]) -> None:
        os.set_blocking(descriptor, False)
        self._loop = asyncio.get_running_loop()
        self._descriptor = descriptor
        self._full = full
        self._waiting = bytearray()
        self._told_full = False
        self._ending = False
        self._open = True

    def write(self, data: bytes) -> None:
        """Pass ``data`` on; it is dropped when the program reads no more."""
        if not self._open or self._ending:
            return
        if self._waiting:
            self._waiting += data
        else:
            written = self._write(data)
            if written < len(data) and self._open:
                self._waiting += data[written:]
                self._loop.add_writer(self._descriptor, self._writable)
        if len(self._waiting) > HIGH_WATER and not self._told_full:
            self._told_full = True
            self._full(True)

    def end(self) -> None:
        """Nothing follows: the program sees the end after what is still waiting."""
        self._ending = True
        if not self._waiting:
            self.close()

    def close(self) -> None:
        """Release the descriptor, dropping what is waiting."""
        if self._open:
            self._open = False
            self._loop.remove_writer(self._descriptor)
            os.close(self._descriptor)
            self._waiting.clear()
            self._caught_up()

    def _writable(self) -> None:
        del self._waiting[: self._write(self._waiting)]
        if self._open and not self._waiting:
            self._loop.remove_writer(self._descriptor)
            self._caught_up()  # may bring more, and the end
            if self._ending and not self._waiting:
                self.close()

    def _caught_up(self) -> None:
        if self._told_full:
            self._told_full = False
            self._full(False)

    def _write(self, data: bytes | bytearray) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0
        except OSError:  # EPIPE, EIO: the program reads no more
            self.close()
            return 0
