# SPDX-License-Identifier: Apache-2.0
"""Inputs of a session's lifecycle: what the client, the process, capture and the node do."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from proctor.captureproto.byte_text import to_text
from proctor.model.network import NetworkPolicy
from proctor.spawnerproto.messages import Exited, Kind, SignalName, Terminal
from proctor.spawnerproto.scp import ScpCommand, parse_scp


class OutputStream(enum.Enum):
    """Source of output. ``AUDIT``: lines about the operations of the SFTP server."""

    TERMINAL = "terminal"
    STDOUT = "stdout"
    STDERR = "stderr"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """What the client asks for (RFC 4254, section 6.5); ``term`` is None without a pseudo-terminal.

    ``command``: in whatever encoding the client uses.
    """

    kind: Kind
    command: bytes = b""
    term: Terminal | None = None

    @property
    def interactive(self) -> bool:
        """Does the session have a terminal?"""
        return self.term is not None

    @property
    def command_text(self) -> str:
        """The command as events have it."""
        return to_text(self.command)

    @property
    def scp(self) -> ScpCommand | None:
        """The command, when it is scp's server side."""
        return parse_scp(self.command) if self.kind == "exec" else None

    @property
    def copies_files(self) -> bool:
        """Is it one of the protocols that copy files?"""
        return self.kind == "sftp" or self.scp is not None


@dataclass(frozen=True, slots=True)
class Requested:
    """The client has asked for a shell, a command or SFTP, and was answered."""

    request: SessionRequest


@dataclass(frozen=True, slots=True)
class RecordOpened:
    """``OpenRecord`` is done."""


@dataclass(frozen=True, slots=True)
class StartRefused:
    """``OpenRecord`` or ``SpawnProcess`` has failed: there is no process."""

    reason: str


@dataclass(frozen=True, slots=True)
class ProcessSpawned:
    """``SpawnProcess`` is done: the process is about to run."""


@dataclass(frozen=True, slots=True)
class ClientData:
    """The client has sent input."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ClientEof:
    """The client sends no further input."""


@dataclass(frozen=True, slots=True)
class ClientBlocked:
    """The client reads too slowly."""


@dataclass(frozen=True, slots=True)
class ClientReady:
    """The client has caught up."""


@dataclass(frozen=True, slots=True)
class ClientGone:
    """The channel is closed."""


@dataclass(frozen=True, slots=True)
class Resized:
    """The client's window has this size, in characters."""

    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class SignalRequested:
    """The client wants a signal sent to the process (RFC 4254, section 6.9)."""

    name: SignalName


@dataclass(frozen=True, slots=True)
class OutputReceived:
    """The process has written ``data``."""

    data: bytes
    stream: OutputStream


@dataclass(frozen=True, slots=True)
class OutputRecorded:
    """``RecordOutput`` is done with ``data``, whether or not it could be recorded."""

    data: bytes


@dataclass(frozen=True, slots=True)
class OperationsRecorded:
    """``RecordOperations`` is done with ``size`` bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class OutputsEnded:
    """All output streams are at their end, or released."""


@dataclass(frozen=True, slots=True)
class ProcessExited:
    """The process has ended, and the monitor has passed on how."""

    exited: Exited


@dataclass(frozen=True, slots=True)
class CaptureLost:
    """Capture has ended before the session, and no longer records it."""


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """The session cannot be recorded as its role demands, which is strict about it."""

    reason: str


@dataclass(frozen=True, slots=True)
class PolicyChanged:
    """The roles now allow these connections; None: any."""

    network: NetworkPolicy | None


@dataclass(frozen=True, slots=True)
class Terminated:
    """The node ends the session: a limit of time, a lock, a stop of the service.

    ``text`` goes to the client and into the record. ``kill``: kill all processes of the session at once,
    instead of hanging them up.
    """

    text: str
    kill: bool = False


@dataclass(frozen=True, slots=True)
class Flushed:
    """``FlushClient`` is done: the client's side has everything that was sent."""


@dataclass(frozen=True, slots=True)
class CaptureDrained:
    """``AwaitDrain`` is done; ``complete`` is false when capture did not deliver all events in time."""

    complete: bool


Input = (
    Requested
    | RecordOpened
    | StartRefused
    | ProcessSpawned
    | ClientData
    | ClientEof
    | ClientBlocked
    | ClientReady
    | ClientGone
    | Resized
    | SignalRequested
    | OutputReceived
    | OutputRecorded
    | OperationsRecorded
    | OutputsEnded
    | ProcessExited
    | CaptureLost
    | Unrecorded
    | PolicyChanged
    | Terminated
    | Flushed
    | CaptureDrained
)
