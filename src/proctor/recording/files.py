# SPDX-License-Identifier: Apache-2.0
"""The files of one recording on the node's disk: the journal, and what grows out of it."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from proctor.core.durable import Reserve, append_at, sync_directory, write_at
from proctor.core.errors import Corrupted
from proctor.recording.format import INDEX, file_name, file_names, index_line, member
from proctor.recording.wal import Checkpoint, Record, Tag, decode_base, encode_base, records

JOURNAL_LIMIT = 4 << 20
_MEMBER_BYTES = 64
"""What a gzip member is longer than its content at most, apart from a thousandth."""


def journal_path(directory: Path, sid: str) -> Path:
    """Return the path of the journal of ``sid``; a recording without one is finished."""
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


class WriteAheadLog:
    """The open journal. Not thread-safe; OSError from any method leaves it as it was."""

    def __init__(self, path: Path, descriptor: int, size: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self.size = size
        self._reserved_space = Reserve()

    @classmethod
    def create(cls, path: Path, base: Checkpoint, reserve: int = 0) -> WriteAheadLog:
        """A new journal with ``reserve`` bytes allocated; FileExistsError when there is one."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        journal = cls(path, descriptor, 0)
        try:
            journal.append(encode_base(base), reserve=reserve)
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        return journal

    @classmethod
    def open(cls, path: Path) -> tuple[WriteAheadLog, Checkpoint, list[Record]]:
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
        if len(content) > size:  # not otherwise: truncating frees the space behind the end
            os.truncate(path, size)
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        return cls(path, descriptor, size), base, [r for r in found if r.end > base.position]

    def append(self, data: bytes, *, reserve: int | None = None) -> None:
        """Add records; on return they survive the death of the process.

        Leaves ``reserve`` bytes allocated behind them, or uses those when it is None. OSError (no space)
        leaves the journal as it was.
        """
        if reserve is not None:
            self._reserved_space.ensure(self._descriptor, self.size, self.size + len(data) + reserve)
        self.size = append_at(self._descriptor, data, self.size)

    def sync(self) -> None:
        """Make every record durable; FileNotFoundError when the journal was removed by somebody else."""
        if os.fstat(self._descriptor).st_nlink == 0:
            raise FileNotFoundError(errno.ENOENT, "its journal was removed")
        os.fdatasync(self._descriptor)

    def rebase(self, base: Checkpoint, reserve: int = 0) -> None:
        """Note that everything before ``base.position`` is durable elsewhere; drops it when it is much.

        After OSError nothing has changed.
        """
        if self.size < JOURNAL_LIMIT:
            self.append(encode_base(base), reserve=reserve)
            return
        tail = os.pread(self._descriptor, self.size - base.position, base.position)
        fresh = self._path.with_suffix(".journal-new")
        fresh.unlink(missing_ok=True)
        replacement = WriteAheadLog.create(fresh, _at_own_end(base))
        try:
            replacement.append(tail, reserve=reserve)
            replacement.sync()
            fresh.rename(self._path)
        except OSError:
            replacement.close()
            fresh.unlink(missing_ok=True)
            raise
        self.close()
        self._descriptor, self.size = replacement._descriptor, replacement.size
        self._reserved_space = replacement._reserved_space

    def close(self) -> None:
        """Release the descriptor."""
        os.close(self._descriptor)

    def remove(self) -> None:
        """The recording is finished."""
        self._path.unlink()
        sync_directory(self._path.parent)


def _at_own_end(base: Checkpoint) -> Checkpoint:
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
        self._reserves: dict[str, Reserve] = {}
        self.sizes = dict(sizes)

    def ensure(self, waiting: Mapping[str, int]) -> None:
        """Allocate what these bytes of content of each kind take at most. Raises OSError."""
        for kind, size in waiting.items():
            name = file_name(self._sid, kind)
            written = self.sizes.get(name, 0)
            end = written + size + size // 1000 + _MEMBER_BYTES
            reserve = self._reserves.setdefault(kind, Reserve())
            if end > reserve.end:
                with self._opened(name) as descriptor:
                    reserve.ensure(descriptor, written, end)

    def trim(self) -> None:
        """Free what was allocated and not used, at the end."""
        for name in file_names(self._sid):
            path = self._directory / name
            if path.exists():
                if name in self.sizes:
                    os.truncate(path, self.sizes[name])
                else:
                    path.unlink()

    def repair(self) -> None:
        """Cut every file to its durable size. Raises Corrupted when one is shorter."""
        for name in file_names(self._sid):
            path = self._directory / name
            size = self.sizes.get(name, 0)
            found = path.stat().st_size if path.exists() else 0
            if found < size:
                raise Corrupted(f"{name} has {found} bytes, {size} were written")
            if found > size > 0:
                os.truncate(path, size)
            elif not size:
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
        size = sizes.get(name, 0)
        with self._opened(name) as descriptor:
            if os.fstat(descriptor).st_size < size:
                raise FileNotFoundError(errno.ENOENT, f"{name} was removed or cut")
            write_at(descriptor, data, size)
            os.fdatasync(descriptor)
        sizes[name] = size + len(data)

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._directory / name, flags, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
