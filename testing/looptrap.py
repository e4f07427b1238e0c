# SPDX-License-Identifier: Apache-2.0
"""Finds what an event loop's thread does with files, and can make the disk of directories slow."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

AUDITED = {"open", "os.mkdir", "os.rename", "os.remove", "os.truncate", "os.listdir", "os.scandir"}
"""Audit events of Python (https://docs.python.org/3/library/audit_events.html) that reach the disk."""

SYNCS = ("fsync", "fdatasync")
WRITES = ("pwrite", "pread", "ftruncate")
_OURS = f"{os.sep}src{os.sep}proctor{os.sep}"
_traps: list[LoopTrap] = []


class LoopTrap:
    """Notes the product's file operations below ``directories`` in the thread that it is made in.

    ``disk`` is set while the disk works; syncs in other threads wait for it.
    """

    def __init__(self, *directories: Path) -> None:
        self.found: list[str] = []
        self.disk = threading.Event()
        self.disk.set()
        self.stuck = threading.Event()
        """A sync waits for the disk."""
        self._directories = tuple(map(str, directories))
        self._thread = threading.get_ident()

    def note(self, what: str) -> None:
        """Add ``what`` and its caller, if this is the thread and the product does it."""
        if threading.get_ident() != self._thread:
            return
        stack = [frame for frame in traceback.extract_stack() if _OURS in frame.filename]
        if stack:
            self.found.append(f"{what}: {stack[-1].filename}:{stack[-1].lineno}")

    def audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Called for each audit event of this process."""
        if event in AUDITED and arguments and str(arguments[0]).startswith(self._directories):
            self.note(event)

    def wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """``call``, a function of ``os`` on a descriptor, noted and as slow as the disk."""

        def noted(descriptor: int, *arguments: Any) -> Any:
            if os.readlink(f"/proc/self/fd/{descriptor}").startswith(self._directories):
                self.note(name)
                if name in SYNCS and not self.disk.is_set():
                    self.stuck.set()
                    self.disk.wait(60)
            return call(descriptor, *arguments)

        return noted


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    for trap in _traps:
        trap.audited(event, arguments)


_installed: list[bool] = []


@contextlib.contextmanager
def trapped(*directories: Path) -> Iterator[LoopTrap]:
    """A trap for this thread, until the block is left."""
    if not _installed:  # a hook stays for good
        sys.addaudithook(_hook)
        _installed.append(True)
    trap = LoopTrap(*directories)
    with pytest.MonkeyPatch.context() as patch:
        for name in (*SYNCS, *WRITES):
            patch.setattr(os, name, trap.wrapped(name, getattr(os, name)))
        _traps.append(trap)
        try:
            yield trap
        finally:
            trap.disk.set()
            _traps.remove(trap)
