"""What the kernel's programs know of daemons that act for sessions."""

from __future__ import annotations

import os
from typing import NamedTuple

from proctor.bpf.kernel import abi
from proctor.bpf.kernel.abi import Daemon
from proctor.bpf.kernel.loader import Programs, native


class Evidence(NamedTuple):
    """What shows that ``daemon`` acts for a session."""

    daemon: Daemon
    text: bytes


class JobFile(NamedTuple):
    """A file with jobs that a session has written; ``key``: of the kernel."""

    key: bytes
    inode: int
    session: int
    delegation: int


class Jobs:
    """Jobs of all sessions, as they are in the kernel."""

    def __init__(self, programs: Programs) -> None:
        self._native = native()
        self._directories = programs.map("job_directories")
        self._files = programs.map("job_files")
        self._delegations = programs.map("delegations")
        self._evidences = programs.map("evidences")

    def watch_directory(self, path: str, daemon: Daemon) -> None:
        """What sessions write to the directory at ``path`` are jobs for ``daemon``. Raises OSError."""
        inode = os.stat(path).st_ino
        self._native.map_update(
            self._directories, inode.to_bytes(8, "little"), int(daemon).to_bytes(4, "little")
        )

    def evidence(self, session: int, delegation: int) -> Evidence | None:
        """What a session's delegation of this number rests on."""
        key = abi.DELEGATION.pack(session, delegation)
        found = self._native.map_lookup(self._evidences, key, abi.EVIDENCE.size)
        if found is None:
            return None
        daemon, size, text = abi.EVIDENCE.unpack(found)
        return Evidence(Daemon(daemon), text[:size])

    def files(self, session: int) -> list[JobFile]:
        """Those that this session was the last to write; they may be gone."""
        found = []
        for key in self._native.map_keys(self._files, abi.PLACE.size):
            if (value := self._native.map_lookup(self._files, key, abi.JOB.size)) is None:
                continue
            owner, _, delegation, _ = abi.JOB.unpack(value)
            if owner == session:
                found.append(JobFile(key, abi.PLACE.unpack(key)[0], session, delegation))
        return found

    def forget(self, session: int) -> None:
        """Nothing is to be done for this session any more."""
        for file in self.files(session):
            self._native.map_delete(self._files, file.key)
        key = session.to_bytes(4, "little")
        if count := self._native.map_lookup(self._delegations, key, 4):
            for number in range(1, int.from_bytes(count, "little") + 1):
                self._native.map_delete(self._evidences, abi.DELEGATION.pack(session, number))
            self._native.map_delete(self._delegations, key)
