"""Daemons that start programs for others: which there are, where they find their jobs, which of them run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from proctor.bpf.kernel.abi import Daemon

NAMES = {Daemon.AT: "atd", Daemon.CRON: "cron", Daemon.MANAGER: "systemd"}
"""As events name them."""

PROGRAMS = {"atd": Daemon.AT}
DIRECTORIES = {
    Path("/var/spool/cron/atjobs"): Daemon.AT,
    Path("/var/spool/at"): Daemon.AT,
}


class Running(NamedTuple):
    """A process that is a daemon."""

    daemon: Daemon
    pid: int


def running(proc: Path = Path("/proc")) -> Iterator[Running]:
    """Processes that run the program of a daemon from a file of root's."""
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            exe = entry / "exe"
            daemon = PROGRAMS.get(Path(os.readlink(exe)).name)
            if daemon is not None and exe.stat().st_uid == 0:
                yield Running(daemon, int(entry.name))
