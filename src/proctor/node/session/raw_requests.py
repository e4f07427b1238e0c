# SPDX-License-Identifier: Apache-2.0
"""Take commands, names of subsystems and types of terminals in any encoding, as OpenSSH does.

RFC 4254, section 6.5, calls a command a string of bytes. asyncssh refuses those that are not UTF-8, and
disconnects clients whose ``TERM`` is not ASCII.
"""

from __future__ import annotations

import os

import asyncssh
from asyncssh.packet import SSHPacket, String

UNKNOWN_TERMINAL = b"dumb"
"""Stands for a type of terminal whose name cannot be one of terminfo(5)."""


def channel_for(connection: asyncssh.SSHServerConnection) -> asyncssh.SSHServerChannel[bytes]:
    """Return a channel of ``connection`` that takes such requests; for ``SSHServer.session_requested``.

    ``exec_requested`` gets the command as ``os.fsdecode`` spells it, which ``os.fsencode`` reverses.
    """
    channel = connection.create_server_channel(encoding=None)
    requests = _RawRequests(channel)
    # asyncssh looks the handler of a request up by its name on the channel.
    channel._process_exec_request = requests.exec  # type: ignore[method-assign]
    channel._process_subsystem_request = requests.subsystem  # type: ignore[method-assign]
    channel._process_pty_req_request = requests.terminal  # type: ignore[method-assign]
    return channel


class _RawRequests:
    """Handlers of the requests of one channel."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        self._start = channel._start_session
        self._terminal = channel._process_pty_req_request

    def exec(self, packet: SSHPacket) -> bool:
        command = packet.get_string()
        packet.check_end()
        return self._start(command=os.fsdecode(command))

    def subsystem(self, packet: SSHPacket) -> bool:
        name = packet.get_string()
        packet.check_end()
        return self._start(subsystem=os.fsdecode(name))

    def terminal(self, packet: SSHPacket) -> bool:
        name, rest = packet.get_string(), packet.get_remaining_payload()
        if not (name.isascii() and name.decode().isprintable()):
            name = UNKNOWN_TERMINAL
        return self._terminal(SSHPacket(String(name) + rest))
