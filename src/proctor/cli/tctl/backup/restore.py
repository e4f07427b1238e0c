# SPDX-License-Identifier: Apache-2.0
"""``tctl backup restore``: an empty data directory becomes what a backup holds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from proctor.cli.tctl.backup.create import make_private, verify
from proctor.cli.tctl.backup.manifest import BackupManifest
from proctor.core.durable import sync_directory
from proctor.core.errors import BadRequest, ProctorError

_PARTIAL = ".restoring"
_IGNORED = {"lost+found", _PARTIAL}


def restore(origin: str, data_dir: Path, backend: Path) -> BackupManifest:
    """Put the backup ``origin`` into ``data_dir``, and its database into ``backend``; both must be empty.

    Everything is verified before anything is in its place. Owners are set by ``teleport start``. Raises
    ProctorError; then the directories are as empty as before.
    """
    outside = backend != data_dir / "backend"
    for directory in (data_dir, *([backend] if outside else [])):
        if directory.exists() and {path.name for path in directory.iterdir()} - _IGNORED:
            raise BadRequest(
                f"{directory} is not empty",
                hint="A backup is restored into an empty data directory: move this one away, or choose "
                "another with teleport.data_dir.",
            )
    try:
        data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
        with _staging(data_dir / _PARTIAL) as staging:
            found = verify(origin, lambda name: _created(staging, name))
            if outside:
                backend.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
                if backend.exists():
                    backend.rmdir()
                shutil.move(staging / "backend", backend)
            # The UUID last: without it there is nothing that a service would start with.
            for path in sorted(staging.iterdir(), key=lambda path: path.name == "host_uuid"):
                path.rename(data_dir / path.name)
            sync_directory(data_dir)
    except OSError as error:
        raise ProctorError(f"{error.filename or data_dir}: {error.strerror}") from None
    return found


@contextmanager
def _staging(path: Path) -> Iterator[Path]:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _created(staging: Path, name: str) -> IO[bytes]:
    path = staging / name
    make_private(path.parent, staging)
    public = path.name == "host_uuid"
    mode = 0o644 if public else 0o640 if path.parent.parent.name == "log" else 0o600
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    os.fchmod(descriptor, mode)
    return os.fdopen(descriptor, "wb")
