# SPDX-License-Identifier: Apache-2.0
"""The adapter between asyncssh and a session: the only module that knows ``SSHServerSession``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from typing import get_args

import asyncssh

from proctor.model.network import NetworkPolicy
from proctor.node.host import AuthenticatedClient, NodeContext
from proctor.node.session.inputs import (
    ClientBlocked,
    ClientData,
    ClientEof,
    ClientGone,
    ClientReady,
    Flushed,
    OutputStream,
    PolicyChanged,
    Resized,
    SessionRequest,
    SignalRequested,
    Terminated,
)
from proctor.node.session.session import Session
from proctor.spawnerproto.messages import Exited, SignalName, Terminal

_REFUSED = 254
_SIGNALS: tuple[SignalName, ...] = get_args(SignalName)


class SessionChannel(asyncssh.SSHServerSession[bytes]):
    """A session channel, and its session's client. ``active`` is called when the client sends something."""

    def __init__(self, host: NodeContext, login: AuthenticatedClient, active: Callable[[], None]) -> None:
        self._session = Session(host, login, self)
        self._active = active
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._request: SessionRequest | None = None
        self._term: Terminal | None = None
        self._blocked = False
        self._flushing = False

    @property
    def ended(self) -> bool:
        """Is the session over?"""
        return self._session.ended

    def terminate(self, text: str, *, kill: bool = False) -> None:
        """End the session, telling the client why; ``kill``: without hanging it up first."""
        self._session.receive(Terminated(text, kill))

    def restrict(self, network: NetworkPolicy | None) -> None:
        """Let the session make the connections from now on that ``network`` allows; None: any."""
        self._session.receive(PolicyChanged(network))

    # --- called by asyncssh ---

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """Take the channel, which is open."""
        self._channel = chan

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: object) -> bool:
        """Note the terminal that the client wants."""
        if self._channel is None or self._request is not None:
            return False
        columns, rows, _, _ = term_size
        modes = sorted(term_modes.items()) if isinstance(term_modes, dict) else []
        self._term = Terminal(name=term_type, columns=columns, rows=rows, modes=modes)
        return True

    def shell_requested(self) -> bool:
        """Note that the client wants a login shell."""
        return self._ask(SessionRequest("shell", term=self._term))

    def exec_requested(self, command: str) -> bool:
        """Note that the client wants a command run, which ``raw_requests`` has decoded."""
        return self._ask(SessionRequest("exec", os.fsencode(command), self._term))

    def subsystem_requested(self, subsystem: str) -> bool:
        """Note that the client wants a subsystem; SFTP is the only one."""
        return subsystem == "sftp" and self._ask(SessionRequest("sftp"))

    def _ask(self, request: SessionRequest) -> bool:
        """Take the first request; "Only one of these requests can succeed per channel" (RFC 4254, 6.5)."""
        if self._request is not None:
            return False
        self._request = request
        return True

    def session_started(self) -> None:
        """Start the session: the client has the answer to its request."""
        if self._request is not None:
            self._session.start(self._request)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Take input from the client."""
        self._active()
        self._session.receive(ClientData(data))

    def eof_received(self) -> bool:
        """Take the end of input, and keep the channel open for output."""
        self._session.receive(ClientEof())
        return True

    def pause_writing(self) -> None:
        """Let the process wait: the client reads too slowly."""
        self._blocked = True
        self._session.receive(ClientBlocked())

    def resume_writing(self) -> None:
        """Let the process go on: the client has caught up."""
        self._blocked = False
        self._session.receive(ClientReady())
        self._report_flushed()

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """Pass on the size of the client's window."""
        self._active()
        self._session.receive(Resized(width, height))

    def signal_received(self, signal: str) -> None:
        """Pass on a signal, if there is one of that name."""
        for name in (known for known in _SIGNALS if known == signal):
            self._session.receive(SignalRequested(name))

    def break_received(self, msec: int) -> bool:
        """Refuse a break (RFC 4335), which means nothing to a pseudo-terminal."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the session go on without a client, to its end."""
        self._channel = None
        self._blocked = False
        self._session.receive(ClientGone())
        self._report_flushed()

    # --- called by the session ---

    def environment(self) -> Mapping[bytes, bytes]:
        """Variables that the client has sent."""
        return self._channel.get_environment_bytes() if self._channel is not None else {}

    def send(self, data: bytes, stream: OutputStream) -> None:
        """Send output."""
        kind = asyncssh.EXTENDED_DATA_STDERR if stream is OutputStream.STDERR else None
        if self._channel is not None:
            with contextlib.suppress(OSError):  # the channel is closing
                self._channel.write(data, kind)

    def pause_input(self) -> None:
        """Take no more input."""
        if self._channel is not None:
            self._channel.pause_reading()

    def resume_input(self) -> None:
        """Take input again."""
        if self._channel is not None:
            self._channel.resume_reading()

    def flush(self) -> None:
        """Report ``Flushed`` when everything was sent."""
        self._flushing = True
        if self._channel is not None:
            self._channel.set_write_buffer_limits(high=0)  # calls pause_writing when something is waiting
        self._report_flushed()

    def _report_flushed(self) -> None:
        if self._flushing and not self._blocked:
            self._flushing = False
            self._session.receive(Flushed())

    def exit(self, exited: Exited) -> None:
        """Send the exit status, and close the channel."""
        if self._channel is None:
            return
        with contextlib.suppress(OSError):
            if exited.signal is not None and exited.signal in _SIGNALS:
                self._channel.exit_with_signal(exited.signal, exited.core)
            else:
                self._channel.exit(255 if exited.code is None else exited.code)

    def refuse(self) -> None:
        """Close the channel of a session that was refused."""
        if self._channel is not None:
            with contextlib.suppress(OSError):
                self._channel.exit(_REFUSED)
