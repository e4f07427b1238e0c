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


class Content(enum.Enum):
    """What the files of a directory are: each a job, tables of one or of many users, programs, units."""

    JOB = "job"
    OWN_TABLE = "own table"
    TABLE = "table"
    PROGRAM = "program"
    UNIT = "unit"

    @property
    def waits(self) -> bool:
        """Is a file there only until its work is done, or as long as there will be more?"""
        return self is not Content.UNIT

    @property
    def is_table(self) -> bool:
        """Does a file name many jobs?"""
        return self in (Content.OWN_TABLE, Content.TABLE)


class Directory(NamedTuple):
    """Where a daemon finds its jobs; ``only``: in the one file of this name.

    Others where both last names are the same are watched as well; units are found in many such places.
    """

    path: Path
    daemon: Daemon
    content: Content
    only: str = ""


DIRECTORIES = (
    Directory(Path("/var/spool/cron/atjobs"), Daemon.AT, Content.JOB),
    Directory(Path("/var/spool/at"), Daemon.AT, Content.JOB),
    Directory(Path("/var/spool/cron/crontabs"), Daemon.CRON, Content.OWN_TABLE),
    Directory(Path("/var/spool/cron"), Daemon.CRON, Content.OWN_TABLE),
    Directory(Path("/etc"), Daemon.CRON, Content.TABLE, only="crontab"),
    Directory(Path("/etc/cron.d"), Daemon.CRON, Content.TABLE),
    *(
        Directory(Path(f"/etc/cron.{often}"), Daemon.CRON, Content.PROGRAM)
        for often in ("hourly", "daily", "weekly", "monthly")
    ),
    *(Directory(Path("/etc/systemd") / name, Daemon.MANAGER, Content.UNIT) for name in ("system", "user")),
)


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
            daemon = _PROGRAMS.get(Path(os.readlink(exe)).name)
            if daemon is not None and exe.stat().st_uid == 0:
                yield Running(daemon, int(entry.name))
