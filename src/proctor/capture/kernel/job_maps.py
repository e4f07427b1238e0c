# SPDX-License-Identifier: Apache-2.0
"""Maps of the kernel that attribute jobs of daemons to sessions."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from proctor.capture.kernel import abi
from proctor.capture.kernel.abi import Daemon
from proctor.capture.kernel.extension import native
from proctor.capture.kernel.loader import Programs

_NAME_BYTES = 32


def job_session(job: bytes) -> int:
    """The number of the session that ``job``, as the kernel has it, belongs to."""
    return int(abi.JOB.unpack(job)[0])


class Evidence(NamedTuple):
    """Evidence that ``daemon`` acts for a session."""

    daemon: Daemon
    text: bytes


class JobFile(NamedTuple):
    """A file with jobs that a session was the last to write; ``key`` and ``job`` are the kernel's."""

    key: bytes
    job: bytes

    @property
    def inode(self) -> int:
        """The number of the file in its file system."""
        return int(abi.PLACE.unpack(self.key)[0])

    @property
    def session(self) -> int:
        """Session that has written the job."""
        return job_session(self.job)

    @property
    def delegation(self) -> int:
        """The number of this file as evidence."""
        return int(abi.JOB.unpack(self.job)[2])


class Jobs:
    """Jobs of all sessions, as they are in the kernel."""

    def __init__(self, programs: Programs) -> None:
        self._native = native()
        self._directories = programs.map("proctor_jobdir")
        self._orders = programs.map("proctor_jobkey")
        self._files = programs.map("proctor_jobfile")
        self._delegations = programs.map("proctor_jobseq")
        self._evidences = programs.map("proctor_jobtext")

    def watch_directory(self, path: Path, daemon: Daemon) -> None:
        """Treat files that sessions write to the directory ``path`` as jobs. Raises OSError."""
        self._watch_name(path.name, "/" if path.parent.is_mount() else path.parent.name, daemon)
        if path.is_mount():
            self._watch_name("/", "/", daemon)

    def _watch_name(self, name: str, above: str, daemon: Daemon) -> None:
        key = b"".join(os.fsencode(one).ljust(_NAME_BYTES, b"\0") for one in (name, above))
        self._native.map_update(self._directories, key, int(daemon).to_bytes(4, "little"))

    def evidence(self, session: int, delegation: int) -> Evidence | None:
        """Return the evidence for a session's delegation of this number."""
        key = abi.DELEGATION.pack(session, delegation)
        found = self._native.map_lookup(self._evidences, key, abi.EVIDENCE.size)
        if found is None:
            return None
        daemon, size, text = abi.EVIDENCE.unpack(found)
        return Evidence(Daemon(daemon), text[:size])

    def files(self) -> list[JobFile]:
        """All that sessions have written; they may be gone."""
        keys = self._native.map_keys(self._files, abi.PLACE.size)
        found = ((key, self._native.map_lookup(self._files, key, abi.JOB.size)) for key in keys)
        return [JobFile(key, job) for key, job in found if job is not None]

    def replace_orders(
        self, before: Mapping[bytes, bytes], after: Mapping[bytes, bytes]
    ) -> dict[bytes, bytes]:
        """Attribute what does as ``after`` says to the session of its job; the orders that did not fit.

        An order that is there is never refused: it would stay with its former session. Raises OSError for
        anything but a full table. Of each session, ``SESSION_JOBS`` are placed; as many again may be in the
        kernel's map that it has requested from managers.
        """
        for order in before.keys() - after.keys():
            self._native.map_delete(self._orders, order)
        placed = Counter(job_session(job) for order, job in after.items() if order in before)
        refused = {}
        for order, job in after.items():
            if before.get(order) == job:
                continue
            session = job_session(job)
            fits = order in before or placed[session] < abi.SESSION_JOBS
            if not fits or not self._place(order, job):
                refused[order] = job
            elif order not in before:
                placed[session] += 1
        return refused

    def _place(self, order: bytes, job: bytes) -> bool:
        try:
            self._native.map_update(self._orders, order, job)
        except OSError as error:
            if error.errno != errno.E2BIG:  # bpf(2): max_entries is reached
                raise
            return False
        return True

    def orders(self, daemon: Daemon) -> dict[bytes, bytes]:
        """Return the orders of this daemon, by job."""
        keys = self._native.map_keys(self._orders, abi.ORDER.size)
        mine = [key for key in keys if abi.ORDER.unpack(key)[0] == daemon]
        found = {key: self._native.map_lookup(self._orders, key, abi.JOB.size) for key in mine}
        return {key: job for key, job in found.items() if job is not None}

    def units(self, session: int) -> set[str]:
        """Units that this session has asked a manager for, by their names without what kind they are."""
        return {
            os.fsdecode(text.rstrip(b"\0"))
            for key in self._native.map_keys(self._orders, abi.ORDER.size)
            for daemon, _, text in [abi.ORDER.unpack(key)]
            if daemon == Daemon.MANAGER and self._owner(key) == session
        }

    def _owner(self, order: bytes) -> int:
        job = self._native.map_lookup(self._orders, order, abi.JOB.size)
        return job_session(job) if job else 0

    def forget(self, session: int) -> None:
        """Nothing is to be done for this session any more."""
        for file in self.files():
            if file.session == session:
                self._native.map_delete(self._files, file.key)
        for order in self._native.map_keys(self._orders, abi.ORDER.size):
            if self._owner(order) == session:
                self._native.map_delete(self._orders, order)
        key = session.to_bytes(4, "little")
        if counts := self._native.map_lookup(self._delegations, key, abi.JOB_COUNTS.size):
            for number in range(1, abi.JOB_COUNTS.unpack(counts)[0] + 1):
                self._native.map_delete(self._evidences, abi.DELEGATION.pack(session, number))
            self._native.map_delete(self._delegations, key)
