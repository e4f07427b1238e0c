# SPDX-License-Identifier: Apache-2.0
"""A program in a pseudo-terminal, driven like a person would: wait for a prompt, type an answer."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

_READ_SIZE = 65536


class Terminal:
    """A running program whose controlling terminal we hold the other end of.

    ``output`` is everything it has printed so far. ``expect`` reads on and raises TimeoutError or
    EOFError with the output when the pattern does not come.
    """

    def __init__(
        self, argv: Sequence[str], *, env: Mapping[str, str], columns: int = 120, rows: int = 40
    ) -> None:
        self._master, slave = pty.openpty()
        self.resize(columns, rows)
        self._process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *argv],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(env),
            close_fds=True,
        )
        os.close(slave)
        self._seen = 0
        self.output = b""

    def resize(self, columns: int, rows: int) -> None:
        """Change the window size, as a terminal emulator does."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text: str) -> None:
        """Type ``text``."""
        os.write(self._master, text.encode())

    def line(self, text: str) -> None:
        """Type ``text`` and the return key."""
        self.send(text + "\r")

    def expect(self, pattern: str, seconds: float = 20.0) -> re.Match[bytes]:
        """Read until ``pattern`` appears in what was not matched yet; the match."""
        deadline = time.monotonic() + seconds
        compiled = re.compile(pattern.encode())
        while (match := compiled.search(self.output, self._seen)) is None:
            if not self._read(deadline - time.monotonic()):
                raise self._unfulfilled(pattern, deadline)
        self._seen = match.end()
        return match

    def wait(self, seconds: float = 20.0) -> int:
        """Read until the program ends; its exit status."""
        deadline = time.monotonic() + seconds
        while self._read(deadline - time.monotonic()):
            pass
        return self._process.wait(timeout=max(deadline - time.monotonic(), 0.1))

    def close(self) -> None:
        """Hang up, as closing the window does, and make sure that the program is gone."""
        os.close(self._master)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def text(self) -> str:
        """Everything printed so far, without carriage returns."""
        return self.output.decode(errors="replace").replace("\r", "")

    def _read(self, seconds: float) -> bool:
        """Read what has come within ``seconds``; False at the end of it or when nothing came."""
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        if not poll.poll(max(seconds, 0) * 1000):
            return False
        try:
            data = os.read(self._master, _READ_SIZE)
        except OSError:  # EIO: the other side has closed the terminal
            return False
        self.output += data
        return bool(data)

    def _unfulfilled(self, pattern: str, deadline: float) -> Exception:
        kind = TimeoutError if time.monotonic() >= deadline else EOFError
        return kind(f"no {pattern!r} in:\n{self.text()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
