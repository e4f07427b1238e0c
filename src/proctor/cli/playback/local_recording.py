# SPDX-License-Identifier: Apache-2.0
"""Recordings in files of our own: a data directory's, or an archive of ``tctl recordings download``."""

from __future__ import annotations

import tarfile
from pathlib import Path

from proctor.core.errors import ProctorError
from proctor.recording.format import INDEX, MAX_HELD, RecordingEntry, Timeline, file_names, is_sid

_SID_LENGTH = 36
_MAX_BYTES = MAX_HELD // 4


def is_file(name: str) -> bool:
    """Whether ``name``, as somebody typed it, means a file rather than the id of a session."""
    return "/" in name or Path(name).is_file()


def read_entries(path: Path) -> list[RecordingEntry]:
    """The entries of the recording that the file at ``path`` belongs to, in order of time.

    ``path`` is any file of a recording (docs/recording-format.md), the others are beside it; or a tar
    archive of them. Raises ProctorError when there is none.
    """
    if path.exists() and not path.is_file():  # a device may have no end
        raise ProctorError(f"{path} is not a file")
    try:
        files = _from_archive(path) if tarfile.is_tarfile(path) else _beside(path)
    except OSError as error:
        raise ProctorError(f"{path}: {error.strerror}") from None
    except tarfile.TarError as error:
        raise ProctorError(f"{path}: the archive is damaged: {error}") from None
    if not any(not name.endswith(f".{INDEX}") for name in files):
        raise ProctorError(
            f"{path} is not a file of a recording",
            hint="Give <session id>-0.chunks.gz, or an archive made by: tctl recordings download",
        )
    return Timeline.decode(files).entries


def _beside(path: Path) -> dict[str, bytes]:
    sid = path.name[:_SID_LENGTH]
    if not path.exists():
        raise FileNotFoundError(2, "No such file or directory", str(path))
    names = file_names(sid) if is_sid(sid) else {}
    if path.name not in names:
        return {}
    found = {name: path.with_name(name) for name in names}
    return {name: _limited(file.read_bytes()) for name, file in found.items() if file.is_file()}


def _from_archive(path: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            name = Path(member.name).name
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None and is_sid(name[:_SID_LENGTH]) and name in file_names(name[:_SID_LENGTH]):
                files[name] = _limited(content.read(_MAX_BYTES + 1))
    return files


def _limited(data: bytes) -> bytes:
    if len(data) > _MAX_BYTES:
        raise ProctorError(f"the recording is larger than {_MAX_BYTES >> 20} MiB")
    return data
