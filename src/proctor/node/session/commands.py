# SPDX-License-Identifier: Apache-2.0
"""Commands of a session's lifecycle: what is to be done about an input, in order.

Some are answered by an input later on; their docstrings name it.
"""

from __future__ import annotations

from dataclasses import dataclass

from proctor.node.session.inputs import OutputStream, SessionRequest
from proctor.spawnerproto.messages import Exited, SignalName


@dataclass(frozen=True, slots=True)
class OpenRecord:
    """Open the session's record. Answer: ``RecordOpened`` or ``StartRefused``."""

    request: SessionRequest


@dataclass(frozen=True, slots=True)
class SpawnProcess:
    """Have the monitor start the process, and take its descriptors.

    Answer: ``StartRefused``, or ``ProcessSpawned`` and then ``OutputReceived`` and ``OutputsEnded``.
    """

    request: SessionRequest


@dataclass(frozen=True, slots=True)
class EmitStart:
    """Emit ``session.start``."""


@dataclass(frozen=True, slots=True)
class AttachCapture:
    """Put events of the kernel into the record from now on."""


@dataclass(frozen=True, slots=True)
class AwaitExit:
    """Watch the process. Inputs: ``CaptureLost`` at most once, then ``ProcessExited``."""


@dataclass(frozen=True, slots=True)
class WriteInput:
    """Pass input on to the process."""

    data: bytes


@dataclass(frozen=True, slots=True)
class CloseInput:
    """Let the process see the end of its input."""


@dataclass(frozen=True, slots=True)
class PauseInput:
    """Take no more input from the client."""


@dataclass(frozen=True, slots=True)
class ResumeInput:
    """Take input from the client again."""


@dataclass(frozen=True, slots=True)
class PauseOutput:
    """Leave output in the kernel for a while."""


@dataclass(frozen=True, slots=True)
class ResumeOutput:
    """Read output again."""


@dataclass(frozen=True, slots=True)
class RecordOutput:
    """Record output of a terminal. Answer: ``OutputRecorded``."""

    data: bytes


@dataclass(frozen=True, slots=True)
class RecordOperations:
    """Record what the SFTP server reports: bytes of lines, which may end within a line.

    Answer: ``OperationsRecorded``.
    """

    data: bytes


@dataclass(frozen=True, slots=True)
class Send:
    """Send bytes to the client."""

    data: bytes
    stream: OutputStream


@dataclass(frozen=True, slots=True)
class ResizeTerminal:
    """Change the size of the terminal."""

    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class EmitResize:
    """Emit ``resize``."""

    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class Signal:
    """Send a signal to the process group."""

    name: SignalName


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill all processes of the session."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """Let the monitor hang the process up; its exit is still awaited."""


@dataclass(frozen=True, slots=True)
class FollowPolicy:
    """Have the monitor enforce the network policy of the access bundle, or end the session."""


@dataclass(frozen=True, slots=True)
class LoseCapture:
    """Say in the record that capture has ended. Input, when the session is strict: ``Unrecorded``."""


@dataclass(frozen=True, slots=True)
class FinishOutputs:
    """Read what a terminal still holds, then release it.

    Inputs: ``OutputReceived``, then ``OutputsEnded``.
    """


@dataclass(frozen=True, slots=True)
class FlushClient:
    """Wait until the client's side has taken what was sent. Answer: ``Flushed``."""


@dataclass(frozen=True, slots=True)
class ReportExit:
    """Send the exit status, and close the channel."""

    exited: Exited


@dataclass(frozen=True, slots=True)
class ReleaseStreams:
    """Release standard input, output and error. Input: ``OutputsEnded``."""


@dataclass(frozen=True, slots=True)
class ReleaseProcess:
    """Close the connection to the monitor."""


@dataclass(frozen=True, slots=True)
class AwaitDrain:
    """Wait for capture's last events. Answer: ``CaptureDrained``."""


@dataclass(frozen=True, slots=True)
class EmitFileCopyRefused:
    """Emit the failed ``sftp`` or ``scp`` event of a request that is not allowed."""

    request: SessionRequest
    reason: str


@dataclass(frozen=True, slots=True)
class RefuseClient:
    """Close the channel with the exit status of sessions that were refused."""


@dataclass(frozen=True, slots=True)
class EmitRejected:
    """Emit ``session.rejected``."""

    reason: str


@dataclass(frozen=True, slots=True)
class EmitLoss:
    """Emit ``session.loss``: events of the kernel may be missing."""

    reason: str


@dataclass(frozen=True, slots=True)
class EmitOutcome:
    """Emit ``exec``, ``scp`` or ``subsystem``, whichever belongs to the request."""

    exited: Exited


@dataclass(frozen=True, slots=True)
class EmitEnd:
    """Emit ``session.leave``, ``session.data`` and ``session.end``; ``sent``, ``received``: bytes."""

    reason: str
    sent: int
    received: int


@dataclass(frozen=True, slots=True)
class CloseRecord:
    """Complete the record."""


Command = (
    OpenRecord
    | SpawnProcess
    | EmitStart
    | AttachCapture
    | AwaitExit
    | WriteInput
    | CloseInput
    | PauseInput
    | ResumeInput
    | PauseOutput
    | ResumeOutput
    | RecordOutput
    | RecordOperations
    | Send
    | ResizeTerminal
    | EmitResize
    | Signal
    | Kill
    | HangUp
    | FollowPolicy
    | LoseCapture
    | FinishOutputs
    | FlushClient
    | ReportExit
    | ReleaseStreams
    | ReleaseProcess
    | AwaitDrain
    | EmitFileCopyRefused
    | RefuseClient
    | EmitRejected
    | EmitLoss
    | EmitOutcome
    | EmitEnd
    | CloseRecord
)
