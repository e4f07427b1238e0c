# SPDX-License-Identifier: Apache-2.0
"""The standard streams of a command, in whatever state its parent has left them.

A parent may have closed a descriptor, may have made its open file description non-blocking (rsync and
programs on an event loop do, and the description is shared with them), or may use a locale that cannot
represent what is printed. None of these may lose output or change the exit status.
"""

from __future__ import annotations

import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def prepare() -> None:
    """Open what is closed on the null device, and make ``print`` wait where a write would block."""
    for descriptor in range(3):
        if not _is_open(descriptor):
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False))
    sys.stdout = _text_writer(1, sys.stdout)
    sys.stderr = _text_writer(2, sys.stderr)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of ``data``, waiting for a reader whenever a non-blocking ``descriptor`` is full.

    Raises OSError.
    """
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            _wait(descriptor, select.POLLOUT)


def read(descriptor: int, size: int) -> bytes:
    """Read up to ``size`` bytes, waiting for them on a non-blocking ``descriptor`` too; empty at the end.

    Raises OSError.
    """
    while True:
        try:
            return os.read(descriptor, size)
        except BlockingIOError:
            _wait(descriptor, select.POLLIN)


def _wait(descriptor: int, events: int) -> None:
    """Wait until ``descriptor`` is ready; unlike ``select.select``, for numbers above 1023 as well."""
    poll = select.poll()
    poll.register(descriptor, events)
    poll.poll()


def finish() -> int:
    """Write out what was printed; the exit status, which is 1 when standard output does not take it."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()  # a reader like ``head`` has seen enough
        return 1
    except OSError as error:
        discard_output()
        print(f"ERROR: standard output: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def discard_output() -> None:
    """Forget what ``sys.stdout`` still holds: it cannot be written, and must not be tried at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    sys.stdout = _text_writer(1, None)


class _WaitingWriter(io.RawIOBase):
    """Raw writes to a descriptor that never report EAGAIN."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def writable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether the descriptor is a terminal."""
        return os.isatty(self._descriptor)

    def write(self, data: ReadableBuffer) -> int:
        """Write all of ``data``. Raises OSError, but not for standard error: where would it be reported?"""
        block = bytes(data)
        try:
            write_all(self._descriptor, block)
        except OSError:
            if self._descriptor != 2:
                raise
        return len(block)


def _text_writer(descriptor: int, before: TextIO | None) -> TextIO:
    """Text on ``descriptor`` in the encoding of ``before``; what it cannot represent is escaped."""
    line_buffering = descriptor == 2 or os.isatty(descriptor)
    return io.TextIOWrapper(
        io.BufferedWriter(_WaitingWriter(descriptor)),
        encoding=getattr(before, "encoding", None) or "utf-8",
        errors="backslashreplace",
        line_buffering=line_buffering,
        write_through=descriptor == 2,
    )


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
