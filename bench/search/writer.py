# SPDX-License-Identifier: Apache-2.0
"""Events that go on being appended while something else is measured."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from bench.search.events import DAYS, START, Generator
from proctor.audit.logs_file import FileLog

BATCHES_PER_SECOND = 10


class Writer:
    """Appends ``rate`` events a second to ``log`` from a thread, between ``with`` and its end."""

    def __init__(self, log: FileLog, rate: int) -> None:
        self._log = log
        self._size = rate // BATCHES_PER_SECOND
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._generator = Generator(seed=2)

    def _run(self) -> None:
        number, moment = 1, START + timedelta(days=DAYS)
        source = f"node/bench/{time.monotonic_ns()}"
        while not self._stop.wait(1 / BATCHES_PER_SECOND):
            lines = self._generator.lines(self._size, timedelta(milliseconds=1), moment)
            self._log.append(source, number, lines)
            number += self._size
            moment += timedelta(seconds=1 / BATCHES_PER_SECOND)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()
