# SPDX-License-Identifier: Apache-2.0
"""Attributes work of daemons (cron, at, systemd, Docker) to the session that requested it."""

from __future__ import annotations

import contextlib
import errno
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from proctor.capture.delegation import daemons
from proctor.capture.delegation.daemons import JobDirectory
from proctor.capture.delegation.inotify import InotifyWatcher
from proctor.capture.delegation.job_keys import ordered
from proctor.capture.kernel.abi import Daemon
from proctor.capture.kernel.formatter import delegated_key
from proctor.capture.kernel.job_maps import JobFile, Jobs, job_session
from proctor.capture.kernel.loader import Programs
from proctor.captureproto.byte_text import to_text


class _Written(NamedTuple):
    """A file of jobs that is there, and what is known of who has written it."""

    directory: JobDirectory
    path: Path
    file: JobFile


class JobAttribution:
    """Daemons are watched while programs are attached; a session has jobs as long as their files exist."""

    def __init__(self, programs: Programs, directories: Sequence[JobDirectory] = daemons.DIRECTORIES) -> None:
        self.notices = InotifyWatcher()
        self._programs = programs
        self._jobs = Jobs(programs)
        self._directories = directories
        self._orders: dict[bytes, bytes] = {}
        self._refused: dict[bytes, bytes] = {}
        self._unplaced: Counter[int] = Counter()
        self._keys: dict[tuple[int, int], bytes] = {}
        self._waiting: frozenset[int] = frozenset()

    def restore(self) -> None:
        """Go on with what the kernel knows of jobs, and with what became of their files meanwhile."""
        self.watch()
        self._orders = self._jobs.orders(Daemon.CRON)
        self._review()

    def watch(self) -> None:
        """Watch daemons that run, and the directories where they find their jobs."""
        for directory in self._directories:
            with _no_directory():
                self.notices.watch(directory.path)
                self._jobs.watch_directory(directory.path, directory.daemon)
        for daemon, pid in daemons.running():
            with contextlib.suppress(ProcessLookupError):
                self._watch_process(daemon, pid)

    def _watch_process(self, daemon: Daemon, pid: int) -> None:
        pidfd = os.pidfd_open(pid)
        try:
            self._programs.watch(daemon, pidfd)
        finally:
            os.close(pidfd)

    def key(self, session: int, delegation: int) -> bytes:
        """Fields of events that are attributed by this delegation; none for actions of the session itself."""
        if not delegation:
            return b""
        place = (session, delegation)
        if place not in self._keys and (evidence := self._jobs.evidence(session, delegation)):
            self._keys[place] = _spelled(evidence.daemon, evidence.text)
        return self._keys.get(place, delegated_key("", ""))

    def refresh(self) -> bool:
        """Take note of what has changed in the directories; returns whether anything has."""
        if not self.notices.take():
            return False
        self._review()
        return True

    def _review(self) -> None:
        written = list(self._written())
        orders: dict[bytes, bytes] = {}
        for directory, path, file in written:
            with contextlib.suppress(OSError):
                orders.update(dict.fromkeys(ordered(directory, path), file.job))
            if directory.content.is_table:  # it was written under another name
                self._keys[file.session, file.delegation] = _spelled(directory.daemon, os.fsencode(path))
        refused = self._jobs.replace_orders(self._orders, orders)
        self._unplaced.update(
            job_session(job) for order, job in refused.items() if self._refused.get(order) != job
        )
        self._orders = {order: job for order, job in orders.items() if order not in refused}
        self._refused = refused
        self._waiting = frozenset(one.file.session for one in written if one.directory.content.waits)

    def _written(self) -> Iterator[_Written]:
        known = {file.inode: file for file in self._jobs.files()}
        for directory in self._directories if known else ():
            with _no_directory(), os.scandir(directory.path) as entries:
                for entry in entries:
                    file = known.get(_inode(entry))
                    if file is not None and _is_job(directory, entry):
                        yield _Written(directory, Path(entry.path), file)

    def take_unplaced(self) -> Counter[int]:
        """Lines of cron tables that did not fit the kernel's map, by session, since the last call."""
        unplaced, self._unplaced = self._unplaced, Counter()
        return unplaced

    def pending(self, session: int) -> bool:
        """Is there a file of jobs of this session, or a unit that it has asked for?"""
        return self.has_file(session) or self._has_unit(session)

    def has_file(self, session: int) -> bool:
        """Is there a file of jobs of this session, as far as the last ``refresh`` has seen?"""
        return session in self._waiting

    def _has_unit(self, session: int) -> bool:
        units = self._jobs.units(session)
        return any(path.stem in units for path in _transient()) if units else False

    def forget(self, session: int) -> None:
        """Nothing is left of this session."""
        self._jobs.forget(session)
        self._keys = {place: key for place, key in self._keys.items() if place[0] != session}

    def close(self) -> None:
        """Watch directories no more."""
        self.notices.close()


@contextlib.contextmanager
def _no_directory() -> Iterator[None]:
    """Ignore a place of jobs that is missing, or that root has replaced by something else."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise


def _inode(entry: os.DirEntry[str]) -> int:
    """0 when it is gone by now."""
    try:
        return entry.stat(follow_symlinks=False).st_ino
    except FileNotFoundError:
        return 0


def _spelled(daemon: Daemon, text: bytes) -> bytes:
    verb = "wrote" if text.startswith(b"/") else "asked for"
    return delegated_key(daemons.NAMES[daemon], f"{verb} {to_text(text)}")


def _transient() -> Iterator[Path]:
    """Units that were made at somebody's request, of the system's and of users' managers."""
    yield from Path("/run/systemd/transient").glob("*")
    yield from Path("/run/user").glob("*/systemd/transient/*")


def _is_job(directory: JobDirectory, entry: os.DirEntry[str]) -> bool:
    if directory.only:
        return entry.name == directory.only
    return not entry.name.startswith((".", "tmp.")) and entry.is_file(follow_symlinks=False)
