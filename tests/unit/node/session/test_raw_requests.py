# SPDX-License-Identifier: Apache-2.0
"""Commands, subsystems and terminals reach the session as the client has sent them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import asyncssh
import pytest

from proctor.node.session.raw_requests import UNKNOWN_TERMINAL, channel_for
from proctor.sshkit import keys
from testing.polling import auntil

BYTES = bytes(range(256))


@dataclass
class Seen:
    """Requests that have reached the session of the server."""

    commands: list[bytes] = field(default_factory=list)
    subsystems: list[bytes] = field(default_factory=list)
    terminals: list[str] = field(default_factory=list)
    sizes: list[tuple[int, ...]] = field(default_factory=list)


class Session(asyncssh.SSHServerSession[bytes]):
    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    def pty_requested(self, term_type: str | None, term_size: Any, term_modes: Any) -> bool:
        self._seen.terminals.append(term_type or "")
        self._seen.sizes.append(tuple(term_size))
        return True

    def shell_requested(self) -> bool:
        return True

    def exec_requested(self, command: str) -> bool:
        self._seen.commands.append(os.fsencode(command))
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        self._seen.subsystems.append(os.fsencode(subsystem))
        return subsystem == "known"


class Server(asyncssh.SSHServer):
    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        return False

    def session_requested(self) -> tuple[asyncssh.SSHServerChannel[bytes], Session]:
        return channel_for(self._connection), Session(self._seen)


@dataclass
class Client:
    connection: asyncssh.SSHClientConnection
    seen: Seen

    async def request(self, **fields: Any) -> None:
        """Open a session; values are sent as they are. Raises ChannelOpenError when it is refused."""
        channel, _ = await self.connection.create_session(
            asyncssh.SSHClientSession, encoding=None, **{"request_pty": False, **fields}
        )
        channel.abort()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    seen = Seen()
    listener = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: Server(seen),
        server_host_keys=[asyncssh.import_private_key(keys.generate()[0])],
    )
    async with asyncssh.connect(
        "127.0.0.1", listener.get_port(), username="root", known_hosts=None, config=None, client_keys=None
    ) as connection:
        yield Client(connection, seen)
    listener.close()
    await listener.wait_closed()


@pytest.mark.parametrize(
    "command", [b"id", "sch\u00f6n".encode(), b"latin \xf6", BYTES, b"\xed\xb2\x80", b"x" * 20_000]
)
async def test_command_is_a_string_of_bytes(client: Client, command: bytes) -> None:
    await client.request(command=command)
    assert client.seen.commands == [command]


@pytest.mark.parametrize("name", [b"known", b"\xff", "sftp\u00e9".encode()])
async def test_subsystem_of_any_name_is_for_the_session_to_refuse(client: Client, name: bytes) -> None:
    if name == b"known":
        await client.request(subsystem=name)
    else:
        with pytest.raises(asyncssh.ChannelOpenError):
            await client.request(subsystem=name)
    assert client.seen.subsystems == [name]
    await client.request(command=b"id")  # the connection goes on


@pytest.mark.parametrize(
    ("name", "known"),
    [
        (b"xterm-256color", "xterm-256color"),
        (b"\xff", UNKNOWN_TERMINAL.decode()),
        ("xt\u00e9rm".encode(), UNKNOWN_TERMINAL.decode()),
        (b"x\0y", UNKNOWN_TERMINAL.decode()),
        (b"x\33[2J", UNKNOWN_TERMINAL.decode()),
        (b"x\n", UNKNOWN_TERMINAL.decode()),
    ],
)
async def test_terminal_of_any_name_is_one(client: Client, name: bytes, known: str) -> None:
    await client.request(request_pty=True, term_type=name, term_size=(80, 24, 640, 480))
    assert (client.seen.terminals, client.seen.sizes) == ([known], [(80, 24, 640, 480)])


async def test_second_request_on_a_channel_is_refused(client: Client) -> None:
    channel, _ = await client.connection.create_session(
        asyncssh.SSHClientSession, command="first", encoding=None, request_pty=False
    )
    assert not await channel._make_request(b"exec", b"\0\0\0\6second")
    assert client.seen.commands == [b"first"]
    channel.abort()


@pytest.mark.parametrize("kind", [b"exec", b"subsystem", b"pty-req"])
@pytest.mark.parametrize("content", [b"", b"\0\0\0\7id", b"\0\0\0\2id!"])
async def test_torn_request_ends_the_connection_and_starts_nothing(
    client: Client, kind: bytes, content: bytes
) -> None:
    channel, _ = await client.connection.create_session(
        asyncssh.SSHClientSession, command="first", encoding=None, request_pty=False
    )
    channel._send_request(kind, content)
    await auntil(client.connection.is_closed)
    assert (client.seen.commands, client.seen.subsystems, client.seen.terminals) == ([b"first"], [], [])
