# SPDX-License-Identifier: Apache-2.0
"""Paths of the state that outlives a capture process, and the list of processes of sessions."""

from __future__ import annotations

import contextlib
import errno
from pathlib import Path

MEMBERS = "proctor_tasks"
"""The iterator that lists the processes of sessions; its link is read."""


class StatePaths:
    """Below ``run``, for root only: ``bpf``, where programs are pinned, and ``capture``, files in memory."""

    def __init__(self, run: Path) -> None:
        self.files = run / "capture"
        self.programs = run / "bpf"

    def generations(self) -> list[Path]:
        """Directories of pinned programs, the newest first. The kernel has files of its own there."""
        found = [path for path in self.programs.iterdir() if path.name.isdecimal()]
        return sorted(found, key=lambda path: -int(path.name))

    def members(self) -> bytes:
        """Read the processes of all sessions: ``members.MEMBER`` for each thread. Raises OSError."""
        for path in self.generations():
            with contextlib.suppress(FileNotFoundError):
                return (path / "links" / MEMBERS).read_bytes()
        raise FileNotFoundError(errno.ENOENT, "no programs are pinned", str(self.programs))
