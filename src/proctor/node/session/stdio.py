# SPDX-License-Identifier: Apache-2.0
"""Pipes and terminals of a session in the event loop, with back-pressure, and who closes them.

asyncio's own transports would do for pipes, but give terminal output in pieces of 4 KiB, and cannot
tell when everything that a dead program has written was read.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence

from proctor.node.session.inputs import OutputStream
from proctor.spawnerproto.terminal import resize

PIECE = 64 << 10
"""Most bytes handed on at once."""

HIGH_WATER = 256 << 10
FINAL_PIECES = 16
"""More than the kernel buffers: anything beyond is by other programs."""

_PIPES = (OutputStream.STDOUT, OutputStream.STDERR, OutputStream.AUDIT)


class OutputReader:
    """Output of a program. ``received`` gets the bytes, ``ended`` is called once after the last."""

    def __init__(self, descriptor: int, received: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        os.set_blocking(descriptor, False)
        self._loop = asyncio.get_running_loop()
        self._descriptor = descriptor
        self._received = received
        self._ended = ended
        self._open = True
        self._loop.add_reader(descriptor, self._readable)

    def pause(self) -> None:
        """Leave output in the kernel for a while."""
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
        """Read the bytes that are there, about PIECE at most; close at the end of the stream."""
        parts: list[bytes] = []
        size = 0
        while size < PIECE:
            try:
                part = os.read(self._descriptor, PIECE)
            except BlockingIOError:
                break
            except OSError:  # EIO: no process has the terminal open any more
                part = b""
            if not part:
                self._loop.call_soon(self.close)
                break
            parts.append(part)
            size += len(part)
        return b"".join(parts)


class InputWriter:
    """Input of a program. ``full`` is called with True when it falls behind, False when it caught up."""

    def __init__(self, descriptor: int, full: Callable[[bool], None]) -> None:
        os.set_blocking(descriptor, False)
        self._loop = asyncio.get_running_loop()
        self._descriptor = descriptor
        self._full = full
        self._waiting = bytearray()
        self._reported_full = False
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
        if len(self._waiting) > HIGH_WATER and not self._reported_full:
            self._reported_full = True
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
        if self._reported_full:
            self._reported_full = False
            self._full(False)

    def _write(self, data: bytes | bytearray) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0
        except OSError:  # EPIPE, EIO: the program reads no more
            self.close()
            return 0


class Stdio:
    """Owns the node's descriptors of one session: from the call on it closes them, each once.

    ``descriptors``: a pseudo-terminal's master, or the other ends of standard input, output, error and (for
    SFTP) of the audit. ``full`` is called as by ``InputWriter``, ``ended`` once when all outputs are closed.
    Raises OSError, and has closed all then.
    """

    def __init__(
        self,
        descriptors: Sequence[int],
        *,
        received: Callable[[bytes, OutputStream], None],
        ended: Callable[[], None],
        full: Callable[[bool], None],
    ) -> None:
        self._received = received
        self._ended = ended
        interactive = len(descriptors) == 1
        self._terminal = descriptors[0] if interactive else -1
        """For its size; -1 when there is none, or it is closed."""
        inputs, outputs = _split(descriptors)
        streams = (OutputStream.TERMINAL,) if interactive else _PIPES
        self._open = len(outputs)
        self._input = InputWriter(inputs, full)
        self._outputs = [self._output(*pair) for pair in zip(outputs, streams, strict=False)]

    def _output(self, descriptor: int, stream: OutputStream) -> OutputReader:
        return OutputReader(descriptor, lambda data: self._received(data, stream), self._output_ended)

    def _output_ended(self) -> None:
        self._terminal = -1
        self._open -= 1
        if self._open == 0:
            self._ended()

    def write(self, data: bytes) -> None:
        """Pass input on to the process."""
        self._input.write(data)

    def close_input(self) -> None:
        """Let the process see the end of its input."""
        self._input.end()

    def pause(self) -> None:
        """Leave output in the kernel for a while."""
        for output in self._outputs:
            output.pause()

    def resume(self) -> None:
        """The opposite of ``pause``."""
        for output in self._outputs:
            output.resume()

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the terminal, while it is open."""
        if self._terminal >= 0:
            resize(self._terminal, columns, rows)

    def finish(self) -> None:
        """Read what the terminal still holds, and close it."""
        for output in self._outputs:
            output.finish()

    def release(self) -> None:
        """Close standard input, output and error; the audit of SFTP is read to its end."""
        self._input.close()
        for output in self._outputs[:2]:
            output.close()


def _split(descriptors: Sequence[int]) -> tuple[int, list[int]]:
    """Input and outputs; a terminal is both, so that its descriptor is copied."""
    if len(descriptors) > 1:
        return descriptors[0], list(descriptors[1:])
    try:
        return os.dup(descriptors[0]), list(descriptors)
    except OSError:
        os.close(descriptors[0])
        raise
