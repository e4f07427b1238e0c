# SPDX-License-Identifier: Apache-2.0
"""Unix sockets under directories of any depth (the kernel limits ``sun_path`` to 107 bytes)."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class Peer(NamedTuple):
    """Peer of a Unix socket, as the kernel states it."""

    pid: int
    uid: int
    gid: int


@contextmanager
def _short(path: Path) -> Iterator[str]:
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def listen(path: Path, *, uid: int = -1, mode: int = 0o600, backlog: int = 128) -> socket.socket:
    """A listening stream socket at ``path``, replacing a stale one; owned by ``uid``, ``mode``."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    path.unlink(missing_ok=True)
    with _short(path) as name:
        server.bind(name)
    os.chown(path, uid, -1)
    path.chmod(mode)
    server.listen(backlog)
    return server


def connect(path: Path) -> socket.socket:
    """A blocking stream socket connected to ``path``; OSError when no process listens."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        with _short(path) as name:
            client.connect(name)
    except OSError:
        client.close()
        raise
    return client


def peer(connection: socket.socket) -> Peer:
    """Process, user and group at the other end (SO_PEERCRED)."""
    size = struct.calcsize("3i")
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return Peer(*struct.unpack("3i", raw))
