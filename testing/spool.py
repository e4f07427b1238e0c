# SPDX-License-Identifier: Apache-2.0
"""Daemons that start programs for others, with directories and pid files of their own."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proctor.captureproto.cgroup import remove
from testing.polling import until
from testing.processes import Process
from testing.programs import require

_CLONE_NEWNS, _CLONE_FS = 0x20000, 0x200
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_DIRECTORIES = ("/run", "/var/spool/cron", "/etc/cron.d", "/etc/cron.hourly")


@contextmanager
def private_spool(root: Path) -> Iterator[None]:
    """We, and what we start, have the directories of at and cron, and /run, for ourselves."""
    require("at", "atd", "cron", "crontab")
    libc = ctypes.CDLL(None, use_errno=True)
    before, directory = os.open("/proc/self/ns/mnt", os.O_RDONLY), Path.cwd()
    _checked(libc.unshare(_CLONE_NEWNS))
    try:
        _checked(libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None))
        for name in _DIRECTORIES:
            copy = root / name.lstrip("/")
            copy.mkdir(parents=True)
            shutil.copystat(name, copy)
        _furnish(root / "var/spool/cron")
        for name in _DIRECTORIES:
            copy = root / name.lstrip("/")
            _checked(libc.mount(os.fsencode(copy), name.encode(), None, _MS_BIND, None))
        yield
    finally:
        _checked(libc.unshare(_CLONE_FS))  # our threads keep us from going back together
        _checked(libc.setns(before, _CLONE_NEWNS))
        os.chdir(directory)
        os.close(before)


def _furnish(spool: Path) -> None:
    for name in ("atjobs", "atspool", "crontabs"):
        real = Path("/var/spool/cron") / name
        (spool / name).mkdir()
        os.chown(spool / name, real.stat().st_uid, real.stat().st_gid)
        (spool / name).chmod(real.stat().st_mode & 0o7777)
    sequence = spool / "atjobs" / ".SEQ"
    sequence.write_text("0\n")
    os.chown(sequence, (spool / "atjobs").stat().st_uid, -1)
    sequence.chmod(0o600)


def _checked(result: int) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


@contextmanager
def _daemon(directory: Path, pid_file: Path, *argv: str) -> Iterator[Process]:
    process = Process(argv, log=directory / f"{argv[0]}.log")
    try:
        until(lambda: pid_file.exists() and pid_file.read_text().strip() == str(process.pid), 10, argv[0])
        yield process
    finally:
        process.stop()


@contextmanager
def atd(directory: Path) -> Iterator[Process]:
    """The daemon of at, which starts a job at once."""
    with _daemon(directory, Path("/run/atd.pid"), "atd", "-f", "-b", "1", "-l", "1000") as process:
        yield process


@contextmanager
def cron(directory: Path) -> Iterator[Process]:
    """The daemon of cron, which begins with what is to be done once after the machine has started."""
    Path("/run/crond.reboot").unlink(missing_ok=True)
    with _daemon(directory, Path("/run/crond.pid"), "cron", "-f") as process:
        yield process


@contextmanager
def manager(directory: Path) -> Iterator[Path]:
    """A service manager of a user; the directory that its clients are to know."""
    runtime = Path("/run/user/0")
    shutil.rmtree(runtime, ignore_errors=True)
    runtime.mkdir(parents=True, mode=0o700)
    Path("/run/systemd/system").mkdir(parents=True, exist_ok=True)  # otherwise it takes itself for unwanted
    own = [hierarchy / "proctor-manager" for hierarchy in _hierarchies()]
    for cgroup in own:
        cgroup.mkdir(exist_ok=True)
    entering = "; ".join(f"echo $$ > {cgroup}/cgroup.procs" for cgroup in own)
    script = f"{entering}; exec /lib/systemd/systemd --user --unit=sockets.target"
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime)}
    process = Process(["sh", "-c", script], log=directory / "manager.log", env=environment)
    try:
        until((runtime / "systemd/private").exists, 10, "manager")
        yield runtime
    finally:
        process.stop()
        for cgroup in own:
            remove(cgroup)


def _hierarchies() -> Iterator[Path]:
    """Where a manager keeps its cgroups: in one hierarchy, or in two where the machine has many."""
    top = Path("/sys/fs/cgroup")
    if (top / "cgroup.procs").exists():
        yield top
    else:
        yield from (top / "unified", top / "systemd")
