# SPDX-License-Identifier: Apache-2.0
"""Daemons that start programs for others: which there are, where they find their jobs, which of them run."""

from __future__ import annotations

import contextlib
import enum
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from proctor.capture.kernel.abi import Daemon

NAMES = {
    Daemon.NONE: "",
    Daemon.AT: "atd",
    Daemon.CRON: "cron",
    Daemon.MANAGER: "systemd",
    Daemon.CONTAINERS: "docker",
}
"""As events name them."""

_PROGRAMS = {"atd": Daemon.AT, "cron": Daemon.CRON, "crond": Daemon.CRON, "systemd": Daemon.MANAGER}


class JobFormat(enum.Enum):
    """Kind of the files in a directory: jobs, tables of one or of many users, programs, units."""

    JOB = "job"
    OWN_TABLE = "own table"
    TABLE = "table"
    PROGRAM = "program"
    UNIT = "unit"

    @property
    def waits(self) -> bool:
        """Is a file there only until its work is done, or as long as there will be more?"""
        return self is not JobFormat.UNIT

    @property
    def is_table(self) -> bool:
        """Does a file name many jobs?"""
        return self in (JobFormat.OWN_TABLE, JobFormat.TABLE)


class JobDirectory(NamedTuple):
    """Where a daemon finds its jobs; ``only``: in the one file of this name.

    Others where both last names are the same are watched as well; units are found in many such places.
    """

    path: Path
    daemon: Daemon
    content: JobFormat
    only: str = ""


DIRECTORIES = (
    JobDirectory(Path("/var/spool/cron/atjobs"), Daemon.AT, JobFormat.JOB),
    JobDirectory(Path("/var/spool/at"), Daemon.AT, JobFormat.JOB),
    JobDirectory(Path("/var/spool/cron/crontabs"), Daemon.CRON, JobFormat.OWN_TABLE),
    JobDirectory(Path("/var/spool/cron"), Daemon.CRON, JobFormat.OWN_TABLE),
    JobDirectory(Path("/etc"), Daemon.CRON, JobFormat.TABLE, only="crontab"),
    JobDirectory(Path("/etc/cron.d"), Daemon.CRON, JobFormat.TABLE),
    *(
        JobDirectory(Path(f"/etc/cron.{often}"), Daemon.CRON, JobFormat.PROGRAM)
        for often in ("hourly", "daily", "weekly", "monthly")
    ),
    *(
        JobDirectory(Path("/etc/systemd") / name, Daemon.MANAGER, JobFormat.UNIT)
        for name in ("system", "user")
    ),
)


class RunningDaemon(NamedTuple):
    """A process that is a daemon."""

    daemon: Daemon
    pid: int


def running(proc: Path = Path("/proc")) -> Iterator[RunningDaemon]:
    """Processes that run the program of a daemon from a file of root's."""
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            exe = entry / "exe"
            daemon = _PROGRAMS.get(Path(os.readlink(exe)).name)
            if daemon is not None and exe.stat().st_uid == 0:
                yield RunningDaemon(daemon, int(entry.name))
