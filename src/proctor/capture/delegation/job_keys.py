# SPDX-License-Identifier: Apache-2.0
"""Keys by which the kernel recognises the jobs of a table, a unit or a container."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from proctor.capture.delegation import crontab
from proctor.capture.delegation.daemons import JobDirectory, JobFormat
from proctor.capture.kernel import abi

_LARGEST_TABLE = 1 << 20


def ordered(directory: JobDirectory, path: Path) -> Iterator[bytes]:
    """Keys of the jobs in the file at ``path``; none for what the kernel knows by itself. Raises OSError."""
    match directory.content:
        case JobFormat.JOB | JobFormat.UNIT:
            return
        case JobFormat.PROGRAM:
            yield abi.encode_order(directory.daemon, abi.ANY_USER, os.fsencode(path))
        case JobFormat.TABLE | JobFormat.OWN_TABLE:
            with path.open("rb") as file:
                table = file.read(_LARGEST_TABLE)
            for entry in crontab.entries(table, with_users=directory.content is JobFormat.TABLE):
                if (uid := _uid(entry.user or path.name)) is not None:
                    yield abi.encode_order(directory.daemon, uid, entry.command)


def _uid(user: str) -> int | None:
    try:
        return pwd.getpwnam(user).pw_uid
    except (KeyError, ValueError):
        return None
