# SPDX-License-Identifier: Apache-2.0
"""``tctl backup create`` and ``verify``."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from proctor.cli.tctl.backup import manifest
from proctor.cli.tctl.backup.contents import Contents, Source
from proctor.cli.tctl.backup.manifest import BackedUp, BackupManifest
from proctor.core.clock import SYSTEM, Clock, format_time
from proctor.core.durable import sync_directory
from proctor.core.errors import BadRequest, Corrupted, ProctorError
from proctor.core.version import VERSION

_BLOCK = 1 << 20
Writer = Callable[[Source], None]


class _Hashed(io.RawIOBase):
    """The first ``size`` bytes of a file, which are hashed as they are read."""

    def __init__(self, content: IO[bytes], size: int) -> None:
        self._content = content
        self._left = size
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._content.read(wanted)
        self._left -= len(data)
        self.digest.update(data)
        return data


def create(contents: Contents, target: str, clock: Clock = SYSTEM) -> BackupManifest:
    """Write a backup to ``target``: a tar file, ``-`` for one on standard output, or a directory.

    A directory must be empty or be named with a slash at its end. What is written is private (0600), and
    durable on return. Raises ProctorError, and then leaves nothing at ``target``.
    """
    made = BackupManifest(
        version=VERSION, created=format_time(clock.now()), host_uuid=contents.host_uuid, position=""
    )
    try:
        with _writer(target) as write:
            for source in contents.sources():
                hashed = _Hashed(source.content, source.size)
                write(Source(source.name, hashed, source.size))  # type: ignore[arg-type]  # a raw file
                made.files[source.name] = BackedUp(source.size, hashed.digest.hexdigest())
            made.position = contents.position
            text = manifest.encode(made)
            write(Source(manifest.NAME, io.BytesIO(text), len(text)))
    except OSError as error:
        raise ProctorError(f"{target}: {error.strerror or error}", hint="The backup was not made.") from None
    return made


@contextmanager
def _writer(target: str) -> Iterator[Writer]:
    if target == "-":
        if sys.stdout.isatty():
            raise BadRequest("a backup is not for a terminal", hint="Redirect it, or name a file.")
        with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
            yield _to_tar(archive)
        sys.stdout.buffer.flush()
        return
    path = Path(target)
    if target.endswith("/") or path.is_dir():
        with _directory(path) as write:
            yield write
    else:
        with _file(path) as write:
            yield write


@contextmanager
def _file(path: Path) -> Iterator[Writer]:
    if path.exists():
        raise BadRequest(f"{path} exists", hint="Remove it, or choose another name.")
    partial = path.with_name(f"{path.name}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(partial, flags, 0o600), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            with tarfile.open(fileobj=file, mode="w") as archive:
                yield _to_tar(archive)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
        sync_directory(path.absolute().parent)
    finally:
        partial.unlink(missing_ok=True)


def _to_tar(archive: tarfile.TarFile) -> Writer:
    def write(source: Source) -> None:
        about = tarfile.TarInfo(source.name)
        about.size, about.mode = source.size, 0o600
        archive.addfile(about, source.content)

    return write


@contextmanager
def _directory(path: Path) -> Iterator[Writer]:
    if path.exists() and any(path.iterdir()):
        raise BadRequest(f"{path} is not empty", hint="Choose another directory.")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    directories = {path}

    def write(source: Source) -> None:
        place = path / source.name
        make_private(place.parent, path)
        directories.add(place.parent)
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            copy(source.content, file)
            file.flush()
            os.fsync(file.fileno())
        if place.stat().st_size != source.size:
            raise ProctorError(f"{source.name} became shorter while it was copied")

    try:
        yield write
    except BaseException:
        for child in path.iterdir():
            shutil.rmtree(child) if child.is_dir() else child.unlink()
        raise
    for directory in directories:
        sync_directory(directory)


def make_private(directory: Path, top: Path) -> None:
    """Make ``directory`` and what is missing between it and ``top``, for its owner alone."""
    for part in (directory, *directory.parents)[: len(directory.relative_to(top).parts)][::-1]:
        part.mkdir(mode=0o700, exist_ok=True)


def copy(source: IO[bytes], target: IO[bytes]) -> str:
    """Copy to the end; the SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    while data := source.read(_BLOCK):
        digest.update(data)
        target.write(data)
    return digest.hexdigest()


def read(origin: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Names and contents of a backup's files, in any order, each to be read before the next is asked for.

    Raises ProctorError when it cannot be read.
    """
    path = Path(origin)
    try:
        if origin != "-" and path.is_dir():
            for place in sorted(path.rglob("*")):
                if place.is_symlink() or not place.is_dir():
                    with os.fdopen(os.open(place, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
                        yield str(place.relative_to(path)), file
            return
        stream = sys.stdin.buffer if origin == "-" else path.open("rb")
        with stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is None:
                    raise Corrupted(f"{origin}: {member.name[:100]!r} is not a file of a backup")
                yield member.name, content
    except tarfile.TarError as error:
        raise _partial(origin, error) from None
    except OSError as error:
        raise ProctorError(f"{origin}: {error.strerror or error}") from None


class _Nowhere(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return len(data)  # type: ignore[arg-type]  # bytes


def verify(origin: str, keep: Callable[[str], IO[bytes]] | None = None) -> BackupManifest:
    """Read all of a backup; its manifest, which it agrees with. Raises ProctorError.

    ``keep`` opens the place to which a file, its name having been checked, is written meanwhile.
    """
    try:
        return _verified(origin, keep)
    except tarfile.TarError as error:
        raise _partial(origin, error) from None


def _partial(origin: str, error: Exception) -> Corrupted:
    return Corrupted(f"{origin} is not a backup, or only a part of one: {error}")


def _verified(origin: str, keep: Callable[[str], IO[bytes]] | None) -> BackupManifest:
    found: dict[str, BackedUp] = {}
    described: BackupManifest | None = None
    for name, content in read(origin):
        if name == manifest.NAME:
            described = manifest.decode(content.read())
            continue
        if name in found:
            raise Corrupted(f"{origin} is damaged:\n{name[:100]!r} is there twice")
        with keep(manifest.check_name(name)) if keep else _Nowhere() as target:
            counted = _Hashed(content, sys.maxsize)
            size = 0
            while data := counted.read(_BLOCK):
                target.write(data)
                size += len(data)
        found[name] = BackedUp(size, counted.digest.hexdigest())
    if described is None:
        raise Corrupted(f"{origin} is not a backup, or only a part of one: it has no manifest")
    if problems := list(_differences(described.files, found)):
        more = f"\nand {len(problems) - 10} more" if len(problems) > 10 else ""
        raise Corrupted(f"{origin} is damaged:\n" + "\n".join(problems[:10]) + more)
    return msgspec.structs.replace(described, sha256="")


def _differences(expected: dict[str, BackedUp], found: dict[str, BackedUp]) -> Iterator[str]:
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            yield f"{name} is missing"
        elif name not in expected:
            yield f"{name} is not in the manifest"
        elif found[name] != expected[name]:
            yield f"{name} is not as it was: its size or SHA-256 differs"
