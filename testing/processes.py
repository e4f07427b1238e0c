# SPDX-License-Identifier: Apache-2.0
"""Programs that tests start: their output kept, their end certain."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from testing.polling import until

_PORTS = range(20000, 32000)  # below the range from which the kernel gives ports to clients


def free_ports(number: int) -> list[int]:
    """Ports of 127.0.0.1 without a listener."""
    found: list[int] = []
    while len(found) < number:
        port = random.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


def descendants(pid: int) -> dict[int, list[str]]:
    """The command lines of all processes below ``pid``, by process id."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found: dict[int, list[str]] = {}
    pending = list(parents.get(pid, []))
    while pending:
        child = pending.pop()
        pending += parents.get(child, [])
        try:
            found[child] = (Path("/proc") / str(child) / "cmdline").read_text().split("\0")[:-1]
        except OSError:
            continue
    return found


def _state(task: Path) -> str:
    """The letter that tells what a thread does."""
    return (task / "stat").read_text().rpartition(")")[2].split()[0]


class Process:
    """A program in the background; both its outputs go to ``log``."""

    def __init__(
        self, argv: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env) if env is not None else None,
                cwd=cwd,
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def running(self) -> bool:
        """Has it not ended yet?"""
        return self._process.poll() is None

    def wait(self, seconds: float = 30.0) -> int:
        """Wait for its end; the exit status."""
        return self._process.wait(timeout=seconds)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program itself."""
        self._process.send_signal(number)

    def pause(self) -> None:
        """SIGSTOP, and wait until each of its threads stands still."""
        self.signal(signal.SIGSTOP)
        threads = Path(f"/proc/{self.pid}/task")
        until(lambda: all(_state(thread) == "T" for thread in threads.iterdir()), what="stopped")

    def stop(self, seconds: float = 30.0) -> int:
        """SIGTERM, then SIGKILL to all that it started when it has not ended after ``seconds``."""
        if self.running:
            self.signal(signal.SIGTERM)
        try:
            return self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(f"did not stop within {seconds:g} s:\n{self.output()}") from None

    def kill(self) -> None:
        """SIGKILL to the program and all that it started."""
        pids = [self.pid, *descendants(self.pid)] if self.running else []
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait()

    def output(self) -> str:
        """Everything it has printed."""
        return self.log.read_text(errors="replace")

    def wait_output(self, text: str, seconds: float = 30.0) -> None:
        """Wait until it has printed ``text``; AssertionError with its output when it ends before."""

        def printed() -> bool:
            ended = not self.running
            if text in self.output():
                return True
            assert not ended, f"ended before it printed {text!r}:\n{self.output()}"
            return False

        try:
            until(printed, seconds)
        except TimeoutError:
            raise AssertionError(f"did not print {text!r} within {seconds:g} s:\n{self.output()}") from None
