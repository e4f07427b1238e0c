# SPDX-License-Identifier: Apache-2.0
"""Accept loops that survive a process that has run out of descriptors.

accept(2) fails with EMFILE or ENFILE while the connection stays in the queue. A process that then only waits
leaves its clients without an answer; one that tries again at once burns its processor. Here a spare
descriptor is given up for the moment that it takes to accept one connection and to close it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import resource
import socket
from collections.abc import Callable
from typing import Any

PAUSE_SECONDS = 0.1
"""Between two connections refused for lack of descriptors."""

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_BROKEN = frozenset({errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EOPNOTSUPP, errno.EFAULT})
_log = logging.getLogger(__name__)


_BACKLOG = 512


def listen(host: str, port: int) -> socket.socket:
    """A listening, non-blocking TCP socket; OSError that names the address when it cannot be had."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        listener = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except OSError as error:
        raise OSError(error.errno, f"cannot listen on {where}: {error.strerror}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen on {where}: {error.strerror}") from None
    return listener


def raise_descriptor_limit() -> tuple[int, int]:
    """Allow this process as many descriptors as the system does; the limits of before (soft, hard).

    The usual soft limit is 1024, see select(2).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return soft, hard


class Refuser:
    """Closes connections that cannot be served, with the help of a descriptor kept for that."""

    def __init__(self) -> None:
        self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self.refused = 0

    def failed(self, listener: socket.socket, error: OSError) -> bool:
        """Deal with a failed ``accept`` on a non-blocking ``listener``; True when the caller should pause.

        Raises ``error`` when the listener itself is broken.
        """
        if error.errno in _BROKEN:
            raise error
        if error.errno not in _EXHAUSTED:
            return False  # the error of one connection, see accept(2)
        if not self.refused:
            _log.error("no connection can be accepted: %s; refusing them until that changes", error.strerror)
        self.refused += 1
        self._refuse(listener)
        return True

    def recovered(self) -> None:
        """A connection was accepted."""
        if self.refused:
            _log.warning("connections are accepted again; %d were refused", self.refused)
            self.refused = 0

    def _refuse(self, listener: socket.socket) -> None:
        self._give_up()
        try:
            with contextlib.suppress(OSError):
                listener.accept()[0].close()
        finally:
            with contextlib.suppress(OSError):  # another thread was faster; the next refusal tries again
                self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def _give_up(self) -> None:
        if self._spare >= 0:
            os.close(self._spare)
            self._spare = -1

    def close(self) -> None:
        """Release the spare descriptor."""
        self._give_up()


async def accept(listener: socket.socket, handle: Callable[[socket.socket, Any], None]) -> None:
    """Call ``handle`` with each connection (non-blocking) and its address, until cancelled.

    Raises OSError when the listener itself is broken.
    """
    listener.setblocking(False)
    with contextlib.closing(Refuser()) as refuser:
        while True:
            await readable(listener)
            # Not loop.sock_accept: when that is cancelled after it has accepted, the connection is lost.
            try:
                connection, address = listener.accept()
            except BlockingIOError:
                continue  # another process that shares the listener was faster
            except OSError as error:
                if refuser.failed(listener, error):
                    await asyncio.sleep(PAUSE_SECONDS)
                continue
            connection.setblocking(False)
            refuser.recovered()
            handle(connection, address)


async def readable(source: socket.socket | int) -> None:
    """Return when ``source`` can be read without waiting, or its stream has ended."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(source, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(source)
