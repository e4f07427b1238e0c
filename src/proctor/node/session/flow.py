# SPDX-License-Identifier: Apache-2.0
"""Bytes between client and process: order, back-pressure and counts. Part of the lifecycle, without I/O."""

from __future__ import annotations

import enum
from collections.abc import Iterator

from proctor.node.session.commands import (
    CloseInput,
    Command,
    FinishOutputs,
    FlushClient,
    PauseInput,
    PauseOutput,
    RecordOperations,
    RecordOutput,
    ResumeInput,
    ResumeOutput,
    Send,
    WriteInput,
)
from proctor.node.session.inputs import (
    ClientBlocked,
    ClientData,
    ClientEof,
    ClientReady,
    OperationsRecorded,
    OutputReceived,
    OutputRecorded,
    OutputsEnded,
    OutputStream,
)

MAX_UNRECORDED = 256 << 10
"""Bytes of output that may wait to be recorded before no more is read."""


class Drain(enum.Enum):
    """State of the output after the end of the process. FLUSHING: all of it was sent."""

    NOT_BEGUN = enum.auto()
    FINISHING = enum.auto()
    FLUSHING = enum.auto()


Commands = Iterator[Command]
FlowInput = (
    ClientData
    | ClientEof
    | ClientBlocked
    | ClientReady
    | OutputReceived
    | OutputRecorded
    | OperationsRecorded
    | OutputsEnded
)


class Flow:
    """Both directions of one session. Nothing is passed on before ``connect``.

    Output of a terminal is recorded before it is sent: what a client has seen is in the record.
    """

    def __init__(self) -> None:
        self.gone = False
        """The client has left."""
        self.ended = False
        """The process writes no more."""
        self.drained = Drain.NOT_BEGUN
        self.sent = self.received = 0
        """Bytes to and from the client."""
        self._connected = False
        self._interactive = False
        self._early: list[bytes] = []
        self._eof = False
        self._ready = True
        self._paused = False
        self._recording = 0
        """Bytes that are being recorded, and are sent after that."""

    def receive(self, given: FlowInput) -> Commands:
        """Return the consequences of ``given``."""
        match given:
            case ClientData(data):
                yield from self._input(data)
            case ClientEof():
                self._eof = True
                yield from self._close_input()
            case ClientBlocked():
                self._ready = self.gone
            case ClientReady():
                self._ready = True
            case OutputReceived(data, stream) if self._connected:
                yield from self._output(data, stream)
            case OutputRecorded(data) if self._connected:
                self._recording = max(0, self._recording - len(data))
                yield from self.send(data, OutputStream.STDOUT)
            case OperationsRecorded(size) if self._connected:
                self._recording = max(0, self._recording - size)
            case OutputsEnded():
                self.ended = self._connected
        yield from self._regulate()

    def connect(self, *, interactive: bool) -> Commands:
        """There is a process: pass on what has come before."""
        self._connected, self._interactive = True, interactive
        yield from self._regulate()
        early, self._early = self._early, []
        for data in early:
            yield WriteInput(data)
        if self._eof:
            yield from self._close_input()
        if not self.gone:
            yield ResumeInput()

    def leave(self) -> Commands:
        """The client has gone: nothing waits for it, or goes to it."""
        self.gone = self._ready = True
        self._early.clear()
        yield from self._regulate()

    def send(self, data: bytes, stream: OutputStream) -> Commands:
        """Send ``data`` to the client, if there is one."""
        if not self.gone:
            self.sent += len(data)
            yield Send(data, stream)

    def drain(self) -> Commands:
        """The process has ended: pass on the rest of its output, then wait until the client has it."""
        if self.drained is Drain.NOT_BEGUN and (self._ready or not self._interactive):
            self.drained = Drain.FINISHING
            if self._interactive:
                yield FinishOutputs()
        if self.drained is Drain.FINISHING and self.ended and not self._recording:
            self.drained = Drain.FLUSHING
            yield FlushClient()

    def _input(self, data: bytes) -> Commands:
        self.received += len(data)
        if self._connected:
            yield WriteInput(data)
        elif not self.gone:
            self._early.append(data)
            yield PauseInput()

    def _close_input(self) -> Commands:
        if self._connected and not self._interactive:  # the end of a terminal would end the session
            yield CloseInput()

    def _output(self, data: bytes, stream: OutputStream) -> Commands:
        if stream is OutputStream.AUDIT:
            self._recording += len(data)
            yield RecordOperations(data)
        elif stream is OutputStream.TERMINAL:
            self._recording += len(data)
            yield RecordOutput(data)
        else:
            yield from self.send(data, stream)

    def _regulate(self) -> Commands:
        """Read output no faster than the client reads and the disk records."""
        pause = not self._ready or self._recording > MAX_UNRECORDED
        if self._connected and pause != self._paused:
            self._paused = pause
            yield PauseOutput() if pause else ResumeOutput()
