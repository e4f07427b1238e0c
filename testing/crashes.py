# SPDX-License-Identifier: Apache-2.0
"""Killing work at every step that changes files, each time from the same beginning."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

_CHANGES = {"os.rename", "os.remove", "os.truncate", "os.mkdir", "os.link", "os.symlink"}
_CALLS = ("write", "pwrite", "fsync", "fdatasync", "ftruncate")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def killed_at_each_step(prepare: Callable[[], None], work: Callable[[], object]) -> Iterator[int]:
    """Before each change of a file that ``work`` makes, a process that does it is killed (SIGKILL).

    For the first change, then the second, … ``prepare`` is called in this process, ``work`` in a child, and
    the number is yielded when the child is dead. Ends with the number for which ``work`` came to its end.
    """
    for step in itertools.count(1):
        prepare()
        child = os.fork()
        if not child:
            _work_until(step, work)
        _, status = os.waitpid(child, 0)
        yield step
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0, "the work failed by itself"
            return


def _work_until(step: int, work: Callable[[], object]) -> None:
    left = step

    def count() -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        opened_to_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES
        if event in _CHANGES or opened_to_write:
            count()

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def with_count(*arguments: Any) -> Any:
            count()
            return call(*arguments)

        return with_count

    status = 1
    try:
        sys.addaudithook(hook)
        for name in _CALLS:
            setattr(os, name, counted(getattr(os, name)))
        work()
        status = 0
    finally:
        os._exit(status)
