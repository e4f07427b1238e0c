# SPDX-License-Identifier: Apache-2.0
"""SSH connections on a listening socket that is ours: shared with another process, or refused cleanly."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

import asyncssh

from proctor.core.accept import accept
from proctor.core.tasks import TaskSet

_log = logging.getLogger(__name__)


class SshListener:
    """Accepts on ``listener``; each connection is served by what ``factory`` makes, with ``options``.

    ``asyncssh.listen`` leaves accept(2) to asyncio, which neither refuses when descriptors are used up
    nor reports when the loop is broken.
    """

    def __init__(
        self,
        listener: socket.socket,
        options: asyncssh.SSHServerConnectionOptions,
        factory: Callable[[], asyncssh.SSHServer],
    ) -> None:
        self._listener = listener
        self._options = asyncssh.SSHServerConnectionOptions(options, server_factory=factory)
        self._acceptor = TaskSet("ssh")
        self._greeting = TaskSet("ssh")

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Accept from now on."""
        self._acceptor.spawn(accept(self._listener, self._accepted), name="accept", vital=True)

    async def close(self) -> None:
        """Accept no more; connections go on."""
        await self._acceptor.close()
        self._listener.close()

    def _accepted(self, connection: socket.socket, address: object) -> None:
        self._greeting.spawn(self._serve(connection), name=f"connection {address}")

    async def _serve(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                lambda: asyncssh.SSHServerConnection(loop, self._options), connection
            )
        except OSError as error:
            _log.debug("a connection broke off at once: %s", error)
            connection.close()
