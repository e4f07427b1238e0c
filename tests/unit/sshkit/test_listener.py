# SPDX-License-Identifier: Apache-2.0
"""SSH on a listening socket of our own: served, closed to new ones, and undisturbed by who hangs up."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import asyncssh
import pytest

from proctor.sshkit import keys
from proctor.sshkit.listener import SshListener
from testing.polling import auntil


class Server(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return False


@pytest.fixture
async def listener() -> AsyncIterator[SshListener]:
    accepting = socket.create_server(("127.0.0.1", 0))
    accepting.setblocking(False)
    key = asyncssh.import_private_key(keys.generate()[0])
    options = asyncssh.SSHServerConnectionOptions(server_host_keys=[key])
    listener = SshListener(accepting, options, Server)
    yield listener
    await listener.close()


async def connected(port: int) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        "127.0.0.1", port, username="root", known_hosts=None, config=None, client_keys=None
    )


async def test_connections_outlive_the_listener(listener: SshListener) -> None:
    listener.start()
    port = listener.port
    async with await connected(port) as connection:
        await listener.close()
        with pytest.raises(OSError, match="Connect call failed"):
            await connected(port)
        assert not connection.is_closed()
    await connection.wait_closed()


async def test_who_hangs_up_at_once_disturbs_no_other(listener: SshListener) -> None:
    listener.start()
    for _ in range(5):
        socket.create_connection(("127.0.0.1", listener.port)).close()
    async with await connected(listener.port) as connection:
        assert not connection.is_closed()
    await auntil(connection.is_closed)
