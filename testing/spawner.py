# SPDX-License-Identifier: Apache-2.0
"""A spawner in a process of its own, as in production: ``python -m testing.spawner``, boot on stdin."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from proctor.config.boot import ServiceBoot
from proctor.runtime.privileges import profiles
from proctor.spawner import server


class SpawnerProcess:
    """Starts the spawner and waits until it serves; stops it on leaving."""

    def __init__(self, boot: ServiceBoot, log: Path | None = None) -> None:
        """``log``: a file for its log, instead of standard error."""
        argv = [sys.executable, "-m", "testing.spawner"]
        with contextlib.ExitStack() as stack:
            stderr = stack.enter_context(log.open("ab")) if log else None
            self._process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr
            )
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(boot.encode())
        self._process.stdin.close()
        assert self._process.stdout.readline() == b"ready\n"

    @property
    def pid(self) -> int:
        """The spawner."""
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait(timeout=10)
        assert self._process.stdout
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)
        assert self._process.stdout
        self._process.stdout.close()


def _ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    profiles.confine("spawner")
    server.main(ServiceBoot.decode(sys.stdin.buffer.read()), _ready)
