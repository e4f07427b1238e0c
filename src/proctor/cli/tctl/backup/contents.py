# SPDX-License-Identifier: Apache-2.0
"""The files of a backup, in an order that keeps the copy consistent while the auth service goes on.

The audit log comes last but for recordings: what is copied before (which events are stored, resources) never
knows of more than the log in the copy has. Recordings are those that are complete.
"""

from __future__ import annotations

import io
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import IO, NamedTuple

from proctor.audit.compressed import compressed_path
from proctor.audit.dayfiles import day_files
from proctor.core.errors import NotFound, ProctorError
from proctor.recording.format import file_names, is_sid

_BLOCK = 256 << 10
_MEMORY = (
    "audit-uids.0",
    "audit-uids.1",
    "audit-cursors",
    "audit-log.json",
    "audit-days.json",
    "retention.json",
)
"""In this order: see ``audit.progress``; the files of uids may not know of events that the log has not."""


class Source(NamedTuple):
    """A file to copy: its name in the backup, its bytes, and how many of them."""

    name: str
    content: IO[bytes]
    size: int


class Contents:
    """Find the auth service's files in ``data_dir`` and ``backend``. Raises NotFound when there are none."""

    def __init__(self, data_dir: Path, backend: Path) -> None:
        self._data = data_dir
        self._backend = backend
        try:
            self.host_uuid = (data_dir / "host_uuid").read_text().strip()
        except FileNotFoundError:
            self.host_uuid = ""
        self.position = ""
        """The end of the audit log in the copy, once it is made."""
        if not self.host_uuid or not (backend / "state.sqlite").exists():
            raise NotFound(
                f"no auth service keeps its data in {data_dir}",
                hint="Run tctl backup on the auth host, with -c for another configuration file.",
            )

    def sources(self) -> Iterator[Source]:
        """Every file, each open until the next is asked for. Raises ProctorError, which names the file."""
        try:
            yield from self._sources()
        except OSError as error:  # not of the target: who writes is no part of this generator
            raise ProctorError(
                f"{error.filename or self._data}: {error.strerror}", hint="The backup was not made."
            ) from None

    def _sources(self) -> Iterator[Source]:
        yield self._of_bytes("host_uuid", f"{self.host_uuid}\n".encode())
        for name in _MEMORY:
            with suppress(FileNotFoundError):
                yield self._of_bytes(f"backend/{name}", (self._backend / name).read_bytes())
        yield self._of_bytes("backend/state.sqlite", _database(self._backend / "state.sqlite"))
        yield from self._days()
        for path in sorted((self._backend / "recordings/completed").glob("*.json")):
            if is_sid(path.stem):
                yield from self._recording(path)

    def _of_bytes(self, name: str, content: bytes) -> Source:
        return Source(name, io.BytesIO(content), len(content))

    def _days(self) -> Iterator[Source]:
        directory = self._data / "log" / self.host_uuid
        for name in day_files(directory):
            with suppress(FileNotFoundError):
                yield from self._day(directory / name)

    def _day(self, path: Path) -> Iterator[Source]:
        place = f"log/{self.host_uuid}/{path.name}"
        try:
            file = path.open("rb")
        except FileNotFoundError:  # compressed, perhaps just now
            with compressed_path(path).open("rb") as file:
                self.position = f"{path.name[:10]}/end"
                yield Source(f"{place}.gz", file, os.fstat(file.fileno()).st_size)
            return
        with file:
            size = _whole_lines(file)
            self.position = f"{path.name[:10]}/{size}"
            yield Source(place, file, size)

    def _recording(self, state: Path) -> Iterator[Source]:
        """The files of a recording, unless retention removes it just now."""
        directory = self._data / "log" / self.host_uuid / "sessions/default"
        with ExitStack() as stack:
            files: dict[str, IO[bytes]] = {}
            for name in file_names(state.stem):
                with suppress(FileNotFoundError):
                    files[name] = stack.enter_context((directory / name).open("rb"))
            try:
                content = state.read_bytes()
            except FileNotFoundError:
                return
            for name, file in files.items():
                place = f"log/{self.host_uuid}/sessions/default/{name}"
                yield Source(place, file, os.fstat(file.fileno()).st_size)
            yield self._of_bytes(f"backend/recordings/completed/{state.name}", content)


def _whole_lines(file: IO[bytes]) -> int:
    """Bytes up to the last newline that is there now; the file is at its beginning afterwards."""
    end = file.seek(0, io.SEEK_END)
    while end:
        start = max(0, end - _BLOCK)
        file.seek(start)
        newline = file.read(end - start).rfind(b"\n")
        end = start + newline + 1 if newline >= 0 else start
        if newline >= 0:
            break
    file.seek(0)
    return end


def _database(path: Path) -> bytes:
    """A copy as of one moment, by SQLite's online backup: who uses the database does not notice."""
    try:
        with (
            closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as source,
            closing(sqlite3.connect(":memory:")) as copy,
        ):
            source.backup(copy)
            return copy.serialize()
    except sqlite3.Error as error:
        raise ProctorError(f"{path} cannot be copied: {error}") from None
