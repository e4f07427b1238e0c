# SPDX-License-Identifier: Apache-2.0
"""The SFTP server inside a session: asyncssh's, over plain descriptors, in a process of the user's own.

Imported by the spawner as root, since the user may not be able to read the installation; runs after
the identity was given up. What it does is reported as lines of JSON on the audit descriptor.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import asyncssh
from asyncssh.logging import logger
from asyncssh.sftp import SFTPServerHandler

from proctor.core import linux

SFTP_VERSION = 3
_CHUNK = 1 << 20


@dataclass(frozen=True)
class SftpClient:
    """The SSH client at the other end; the order of arguments of one request depends on its ``version``."""

    version: str


class _Reader:
    """The part of ``SSHReader`` that asyncssh needs; reads block, which is all that this process does."""

    logger = logger

    def __init__(self, descriptor: int, client: SftpClient) -> None:
        self._file = os.fdopen(descriptor, "rb", buffering=_CHUNK, closefd=False)
        self._client = client

    async def readexactly(self, count: int) -> bytes:
        """``count`` bytes; EOFError at the end."""
        data = self._file.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """The client's version."""
        return self._client.version if name == "client_version" else default


class _Writer:
    """The part of ``SSHWriter`` and its channel that asyncssh needs; writes block."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._closing = False
        self.channel = self

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def close(self) -> None:
        """Nothing follows."""
        self._closing = True

    def is_closing(self) -> bool:
        """Was the end reached?"""
        return self._closing

    logger = logger


class AuditedServer(asyncssh.SFTPServer):
    """Serves the files that the user may use, and reports what was done to them."""

    def __init__(self, channel: Any, report: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(channel)
        self._report = report
        self._directory = os.getcwd()
        self._paths: dict[int, str] = {}
        self._moved: dict[str, list[int]] = {}

    def _audited(self, action: str, operation: Callable[[], Any], path: bytes, **details: Any) -> Any:
        place = {"working_directory": self._directory, "path": self._absolute(path)}
        record = {"action": action, **place, **details}
        try:
            result = operation()
        except (OSError, asyncssh.SFTPError) as error:
            reason = error.strerror if isinstance(error, OSError) else error.reason
            self._report(record | {"error": reason or str(error)})
            raise
        self._report(record)
        return result

    def _absolute(self, path: bytes) -> str:
        return os.fsdecode(os.path.normpath(os.path.join(os.getcwdb(), path)))

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Open a file."""
        file = self._audited(
            "open", lambda: super(AuditedServer, self).open(path, pflags, attrs), path, flags=pflags
        )
        self._paths[id(file)] = self._absolute(path)
        return file

    def close(self, file_obj: object) -> None:
        """Close a file."""
        self._paths.pop(id(file_obj), None)
        super().close(file_obj)

    def _count(self, file_obj: object, read: int, written: int) -> None:
        counts = self._moved.setdefault(self._paths.get(id(file_obj), ""), [0, 0])
        counts[0] += read
        counts[1] += written

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Read from a file."""
        data = cast(bytes, super().read(file_obj, offset, size))
        self._count(file_obj, len(data), 0)
        return data

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write to a file."""
        count = cast(int, super().write(file_obj, offset, data))
        self._count(file_obj, 0, count)
        return count

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Change a file's mode, owner, times or size."""
        self._audited(
            "setstat", lambda: super(AuditedServer, self).setstat(path, attrs), path, **_plain(attrs)
        )

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """As ``setstat``, of a link itself."""
        self._audited(
            "setstat", lambda: super(AuditedServer, self).lsetstat(path, attrs), path, **_plain(attrs)
        )

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """Change an open file's mode, owner, times or size."""
        path = os.fsencode(self._paths.get(id(file_obj), ""))
        self._audited(
            "fsetstat", lambda: super(AuditedServer, self).fsetstat(file_obj, attrs), path, **_plain(attrs)
        )

    def remove(self, path: bytes) -> None:
        """Remove a file."""
        self._audited("remove", lambda: super(AuditedServer, self).remove(path), path)

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Make a directory."""
        self._audited("mkdir", lambda: super(AuditedServer, self).mkdir(path, attrs), path, **_plain(attrs))

    def rmdir(self, path: bytes) -> None:
        """Remove a directory."""
        self._audited("rmdir", lambda: super(AuditedServer, self).rmdir(path), path)

    def scandir(self, path: bytes) -> Any:
        """List a directory."""
        return self._audited("opendir", lambda: super(AuditedServer, self).scandir(path), path)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Give a file another name that is free."""
        target = self._absolute(newpath)
        self._audited(
            "rename", lambda: super(AuditedServer, self).rename(oldpath, newpath), oldpath, target_path=target
        )

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Give a file another name, replacing what has it."""
        target = self._absolute(newpath)
        self._audited(
            "rename",
            lambda: super(AuditedServer, self).posix_rename(oldpath, newpath),
            oldpath,
            target_path=target,
        )

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        """Make a symbolic link ``newpath`` to ``oldpath``."""
        target = os.fsdecode(oldpath)
        self._audited(
            "symlink",
            lambda: super(AuditedServer, self).symlink(oldpath, newpath),
            newpath,
            target_path=target,
        )

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        """Make a hard link ``newpath`` to ``oldpath``."""
        target = self._absolute(newpath)
        self._audited(
            "link", lambda: super(AuditedServer, self).link(oldpath, newpath), oldpath, target_path=target
        )

    def exit(self) -> None:
        """Report what was moved in all."""
        stats = [
            {"path": path, "bytes_read": read, "bytes_written": written}
            for path, (read, written) in self._moved.items()
        ]
        if stats:
            self._report({"action": "summary", "file_transfer_stats": stats})


def _plain(attrs: asyncssh.SFTPAttrs) -> dict[str, Any]:
    names = ("permissions", "uid", "gid", "size", "atime", "mtime")
    values = {name: getattr(attrs, name) for name in names}
    return {"attributes": {name: value for name, value in values.items() if value is not None}}


def serve(source: int, sink: int, audit: int, client: SftpClient) -> int:
    """Serve SFTP until the end of ``source``; the exit status. Blocking; runs with the user's identity."""
    for number in (signal.SIGHUP, signal.SIGPIPE):  # the end of the input says the same, and leaves time
        signal.signal(number, signal.SIG_IGN)
    linux.forbid_dumps()
    writer = _Writer(sink)
    with os.fdopen(audit, "wb", buffering=0) as log:
        server = AuditedServer(writer, lambda record: _write_line(log, record))
        handler = SFTPServerHandler(
            server, cast(Any, _Reader(source, client)), cast(Any, writer), SFTP_VERSION
        )
        with contextlib.suppress(EOFError):  # the client left before it said anything
            asyncio.run(handler.run())
    return os.EX_OK


def _write_line(log: BinaryIO, record: dict[str, Any]) -> None:
    log.write(json.dumps(record).encode() + b"\n")
