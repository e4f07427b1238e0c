"""What daemons do for sessions: whose it is, and what shows it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from proctor.bpf.delegation import daemons
from proctor.bpf.kernel.abi import Daemon
from proctor.bpf.kernel.jobs import Evidence, Jobs
from proctor.bpf.kernel.lines import delegated_key
from proctor.bpf.kernel.loader import Programs
from proctor.bpf.kernel.text import to_text


class Delegations:
    """Daemons are watched while programs are attached; a session has jobs as long as their files exist."""

    def __init__(self, programs: Programs, directories: Mapping[Path, Daemon] = daemons.DIRECTORIES) -> None:
        self._programs = programs
        self._jobs = Jobs(programs)
        self._directories = directories
        self._keys: dict[tuple[int, int], bytes] = {}

    def watch(self) -> None:
        """Watch daemons that run, and the directories where they find their jobs."""
        for path, daemon in self._directories.items():
            with contextlib.suppress(FileNotFoundError):
                self._jobs.watch_directory(str(path), daemon)
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
        """What events of this delegation say of it; nothing for deeds of the session itself."""
        if not delegation:
            return b""
        place = (session, delegation)
        if place not in self._keys and (evidence := self._jobs.evidence(session, delegation)):
            self._keys[place] = _spelled(evidence)
        return self._keys.get(place, delegated_key("", ""))

    def pending(self, session: int) -> bool:
        """Is there a file of jobs of this session?"""
        written = {file.inode for file in self._jobs.files(session)}
        return bool(written) and any(_is_job(entry, written) for entry in self._entries())

    def _entries(self) -> list[os.DirEntry[str]]:
        found: list[os.DirEntry[str]] = []
        for path in self._directories:
            with contextlib.suppress(FileNotFoundError), os.scandir(path) as entries:
                found += entries
        return found

    def forget(self, session: int) -> None:
        """Nothing is left of this session."""
        self._jobs.forget(session)
        self._keys = {place: key for place, key in self._keys.items() if place[0] != session}


def _is_job(entry: os.DirEntry[str], inodes: set[int]) -> bool:
    return not entry.name.startswith(".") and entry.inode() in inodes


def _spelled(evidence: Evidence) -> bytes:
    return delegated_key(daemons.NAMES[evidence.daemon], f"wrote {to_text(evidence.text)}")
