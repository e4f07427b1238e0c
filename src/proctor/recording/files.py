"""The files of one recording on the node's disk: the journal, and what grows out of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from proctor.core.durable import append_at, sync_directory, write_at
from proctor.core.errors import Corrupted
from proctor.recording.format import INDEX, file_name, file_names, index_line, member
from proctor.recording.journal import Base, Record, Tag, decode_base, encode_base, records

JOURNAL_LIMIT = 4 << 20


def journal_path(directory: Path, sid: str) -> Path:
    """Where the journal of ``sid`` is; a recording without one is finished."""
    return directory / f"{sid}.journal"


def digest(path: Path) -> bytes:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def set_aside(directory: Path, sid: str) -> Path:
    """Move all files of ``sid`` to ``corrupted/`` beside ``sessions/``, where nothing touches them."""
    corrupted = directory.parents[1] / "corrupted" / directory.name
    corrupted.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in sorted(directory.glob(f"{sid}*")):
        path.rename(corrupted / path.name)
    return corrupted


class Journal:
    """The open journal. Not thread-safe; OSError from any method leaves it as it was."""

    def __init__(self, path: Path, descriptor: int, size: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self.size = size

    @classmethod
    def create(cls, path: Path, base: Base) -> Journal:
        """A new journal; FileExistsError when there is one."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        journal = cls(path, descriptor, 0)
        try:
            journal.append(encode_base(base))
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        return journal

    @classmethod
    def open(cls, path: Path) -> tuple[Journal, Base, list[Record]]:
        """A journal left by a dead writer, its last base and the records after it; cuts a torn tail.

        Raises Corrupted when it holds no base.
        """
        path.with_suffix(".journal-new").unlink(missing_ok=True)
        content = path.read_bytes()
        found = list(records(content))
        base = next((decode_base(r.payload) for r in reversed(found) if r.tag is Tag.BASE), None)
        if base is None:
            raise Corrupted(f"{path.name} is not the journal of a recording")
        size = found[-1].end
        os.truncate(path, size)
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        return cls(path, descriptor, size), base, [r for r in found if r.end > base.position]

    def append(self, data: bytes) -> None:
        """Add records; on return they survive the death of the process."""
        self.size = append_at(self._descriptor, data, self.size)

    def sync(self) -> None:
        """Make every record durable."""
        os.fdatasync(self._descriptor)

    def rebase(self, base: Base) -> None:
        """Note that everything before ``base.position`` is durable elsewhere; drops it when it is much."""
        if self.size < JOURNAL_LIMIT:
            self.append(encode_base(base))
            return
        tail = os.pread(self._descriptor, self.size - base.position, base.position)
        fresh = self._path.with_suffix(".journal-new")
        fresh.unlink(missing_ok=True)
        replacement = Journal.create(fresh, _at_own_end(base))
        try:
            replacement.append(tail)
            replacement.sync()
            fresh.rename(self._path)
        except OSError:
            replacement.close()
            raise
        self.close()
        self._descriptor, self.size = replacement._descriptor, replacement.size

    def close(self) -> None:
        """Release the descriptor."""
        os.close(self._descriptor)

    def remove(self) -> None:
        """The recording is finished."""
        self._path.unlink()
        sync_directory(self._path.parent)


def _at_own_end(base: Base) -> Base:
    """The same base for a journal that begins with it; its length depends on the position it names."""
    position = 0
    while (end := len(encode_base(msgspec.structs.replace(base, position=position)))) != position:
        position = end
    return msgspec.structs.replace(base, position=position)


class Files:
    """The gzip files and the index; ``sizes`` are durable."""

    def __init__(self, directory: Path, sid: str, sizes: Mapping[str, int]) -> None:
        self._directory = directory
        self._sid = sid
        self.sizes = dict(sizes)

    def repair(self) -> None:
        """Cut every file to its durable size. Raises Corrupted when one is shorter."""
        for name in file_names(self._sid):
            path = self._directory / name
            size = self.sizes.get(name, 0)
            found = path.stat().st_size if path.exists() else 0
            if found < size:
                raise Corrupted(f"{name} has {found} bytes, {size} were written")
            if size:
                os.truncate(path, size)
            else:
                path.unlink(missing_ok=True)

    def append(self, contents: Mapping[str, bytes]) -> None:
        """A gzip member to the file of each kind, durably. After OSError the same call may be repeated."""
        sizes = dict(self.sizes)
        index = b""
        for kind, content in contents.items():
            name = file_name(self._sid, kind)
            if name not in sizes:
                index += index_line(self._sid, kind)
            self._write(name, member(content), sizes)
        if index:
            self._write(file_name(self._sid, INDEX), index, sizes)
            sync_directory(self._directory)
        self.sizes = sizes

    def _write(self, name: str, data: bytes, sizes: dict[str, int]) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._directory / name, flags, 0o600)
        try:
            write_at(descriptor, data, sizes.get(name, 0))
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        sizes[name] = sizes.get(name, 0) + len(data)
