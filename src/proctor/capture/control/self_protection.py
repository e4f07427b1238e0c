# SPDX-License-Identifier: Apache-2.0
"""Our own processes and cgroups, known to the kernel so that it records what sessions do to them."""

from __future__ import annotations

import os
from collections import Counter

from proctor.capture.kernel.abi import ProtectedKind
from proctor.capture.kernel.loader import Programs


class SelfProtection:
    """The guarded: ourselves and our parent from the start, others while they talk to us."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._processes: Counter[int] = Counter()
        programs.unguard_all(ProtectedKind.PROCESS)  # those of an agent that has ended
        for pid in (os.getpid(), os.getppid()):
            self.add(pid)

    def add(self, pid: int) -> None:
        """Protect a process of Proctor, until ``remove`` was called as often."""
        self._processes[pid] += 1
        self._programs.guard(ProtectedKind.PROCESS, pid)

    def remove(self, pid: int) -> None:
        """The process may end, and its number become another's."""
        self._processes[pid] -= 1
        if self._processes[pid] <= 0:
            del self._processes[pid]
            self._programs.unguard(ProtectedKind.PROCESS, pid)

    def add_cgroups(self, inode: int) -> None:
        """Guard the directory of cgroups with this inode, and all below."""
        self._programs.guard(ProtectedKind.CGROUP, inode)
