# SPDX-License-Identifier: Apache-2.0
"""Notices of changes in directories, from inotify."""

from __future__ import annotations

import os
from pathlib import Path

from proctor.core import linux

_CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _DELETE = 0x8, 0x40, 0x80, 0x200
_ONLY_DIRECTORIES = 0x01000000
_MASK = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _DELETE | _ONLY_DIRECTORIES
_BUFFER = 64 << 10


class InotifyWatcher:
    """Says whether files have been written, moved or removed in any of the watched directories."""

    def __init__(self) -> None:
        """Raises OSError when the kernel has no instance left for us."""
        self._descriptor = linux.checked(linux.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def watch(self, directory: Path) -> None:
        """Watch ``directory``, once however often this is called. Raises OSError when it is not there."""
        linux.checked(linux.libc.inotify_add_watch(self._descriptor, os.fsencode(directory), _MASK))

    def fileno(self) -> int:
        """Readable when there is something to ``take``."""
        return self._descriptor

    def take(self) -> bool:
        """Was there a change since the last call?"""
        changed = False
        try:
            while os.read(self._descriptor, _BUFFER):
                changed = True
        except BlockingIOError:
            return changed
        return changed

    def close(self) -> None:
        """Watch no more."""
        os.close(self._descriptor)
