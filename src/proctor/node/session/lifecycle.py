# SPDX-License-Identifier: Apache-2.0
"""The life of one SSH session as a state machine without I/O: inputs in, commands out.

The style is that of mitmproxy's protocol layers: ``receive`` takes one input and returns the commands
that follow from it, in order, so that every path can be tested as a transcript, without root. What
carries them out is ``session.Session``.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from proctor.model.network import NetworkPolicy
from proctor.node.session.commands import (
    AttachCapture,
    AwaitDrain,
    AwaitExit,
    CloseRecord,
    Command,
    EmitEnd,
    EmitFileCopyRefused,
    EmitLoss,
    EmitOutcome,
    EmitRejected,
    EmitResize,
    EmitStart,
    FollowPolicy,
    HangUp,
    Kill,
    LoseCapture,
    OpenRecord,
    RefuseClient,
    ReleaseProcess,
    ReleaseStreams,
    ReportExit,
    ResizeTerminal,
    Signal,
    SpawnProcess,
)
from proctor.node.session.flow import Commands, Drain, Flow, FlowInput
from proctor.node.session.inputs import (
    CaptureDrained,
    CaptureLost,
    ClientBlocked,
    ClientData,
    ClientEof,
    ClientGone,
    ClientReady,
    Flushed,
    Input,
    OperationsRecorded,
    OutputReceived,
    OutputRecorded,
    OutputsEnded,
    OutputStream,
    PolicyChanged,
    ProcessExited,
    ProcessSpawned,
    RecordOpened,
    Requested,
    Resized,
    SessionRequest,
    SignalRequested,
    StartRefused,
    Terminated,
    Unrecorded,
)
from proctor.spawnerproto.messages import Exited

NO_FILE_COPY = "copying files is not allowed"
CLIENT_GONE = "the client has closed the session"
UNDELIVERED = "capture has not delivered everything"
UNENFORCEABLE = "This session is ended because this node cannot restrict the network for it"


class State(enum.Enum):
    """How far a session is; it only moves forward.

    OPENING: the record is being opened. STARTING: the monitor starts the process. DRAINING: the process
    has ended, and the client has not received all of its output. SETTLING: events of the kernel are missing.
    """

    NEW = enum.auto()
    OPENING = enum.auto()
    STARTING = enum.auto()
    RUNNING = enum.auto()
    DRAINING = enum.auto()
    SETTLING = enum.auto()
    ENDED = enum.auto()


class Lifecycle:
    """One session, from the client's request to the last event.

    ``captured``: capture follows it, to report or to restrict. ``file_copy``: SFTP and scp are allowed.
    ``network``: what its roles allow at the login; None: any connection.
    """

    def __init__(self, *, captured: bool, file_copy: bool, network: NetworkPolicy | None) -> None:
        self.state = State.NEW
        self._captured = captured
        self._file_copy = file_copy
        self._network = self._enforced = network
        self._request = SessionRequest("shell")
        self._flow = Flow()
        self._reason = ""
        """Why the session is ended, when the user has not ended it."""
        self._doom: Terminated | None = None
        """Came before there was a process."""
        self._exited = Exited()

    def receive(self, given: Input) -> list[Command]:
        """Return the commands that follow from ``given``; none when it comes too late or out of order."""
        if self.state is State.ENDED:
            return []
        return list(_HANDLERS[type(given)](self, given))

    @property
    def _recorded(self) -> bool:
        """Does the session have a recording? Others leave single events only."""
        return self._request.interactive or self._captured

    # --- start ---

    def _requested(self, given: Requested) -> Commands:
        if self.state is not State.NEW:
            return
        self._request = given.request
        self.state = State.OPENING
        if given.request.copies_files and not self._file_copy:
            yield EmitFileCopyRefused(given.request, NO_FILE_COPY)
            yield from self._refuse(NO_FILE_COPY)
        else:
            yield OpenRecord(given.request)

    def _record_opened(self, _given: RecordOpened) -> Commands:
        if self.state is not State.OPENING:
            return
        self.state = State.STARTING
        if self._flow.gone or self._doom:
            yield from self._refuse(self._doom.text if self._doom else CLIENT_GONE)
            return
        self._enforced = self._network
        yield SpawnProcess(self._request)

    def _start_refused(self, given: StartRefused) -> Commands:
        if self.state in {State.OPENING, State.STARTING}:
            yield from self._refuse(given.reason)

    def _refuse(self, reason: str) -> Commands:
        """There is no process: say so to the client and to the audit log."""
        opened = self.state is State.STARTING
        yield from self._flow.send(f"ERROR: {reason}\r\n".encode(), OutputStream.STDERR)
        if not self._flow.gone:
            yield RefuseClient()
        yield EmitRejected(reason)
        if opened:
            yield CloseRecord()
        self.state = State.ENDED

    def _spawned(self, _given: ProcessSpawned) -> Commands:
        if self.state is not State.STARTING:
            return
        self.state = State.RUNNING
        if self._recorded:
            yield EmitStart()
        if self._captured:
            yield AttachCapture()
        yield AwaitExit()
        yield from self._flow.connect(interactive=self._request.interactive)
        if self._doom:
            yield from self._end_process(kill=self._doom.kill)
        elif self._flow.gone:
            yield from self._hang_up()
        if self._network != self._enforced:  # the roles have changed meanwhile
            yield from self._enforce()

    # --- client and output ---

    def _client_gone(self, _given: ClientGone) -> Commands:
        if self._flow.gone:
            return
        yield from self._flow.leave()
        if self.state is State.NEW:
            self.state = State.ENDED
        elif self.state is State.RUNNING:
            yield from self._hang_up()
        elif self.state is State.DRAINING:
            yield ReleaseStreams()
            yield from self._flow.drain()

    def _resized(self, given: Resized) -> Commands:
        if self.state is State.RUNNING and self._request.interactive and not self._flow.ended:
            yield ResizeTerminal(given.columns, given.rows)
            yield EmitResize(given.columns, given.rows)

    def _signal_requested(self, given: SignalRequested) -> Commands:
        if self.state is State.RUNNING:
            yield Signal(given.name)

    def _flows(self, given: FlowInput) -> Commands:
        if self.state is not State.SETTLING:
            yield from self._flow.receive(given)
        if self.state is State.DRAINING:
            yield from self._flow.drain()

    # --- capture, policy and the node ---

    def _capture_lost(self, _given: CaptureLost) -> Commands:
        if self.state is State.RUNNING and self._captured:
            yield LoseCapture()

    def _unrecorded(self, given: Unrecorded) -> Commands:
        text = f"This session is ended because it cannot be recorded: {given.reason}"
        yield from self._terminated(Terminated(text, kill=True))

    def _policy_changed(self, given: PolicyChanged) -> Commands:
        self._network = given.network
        if self.state is State.RUNNING:
            yield from self._enforce()

    def _enforce(self) -> Commands:
        if self._captured:
            yield FollowPolicy()
        elif self._network is not None:
            yield from self._terminated(Terminated(UNENFORCEABLE, kill=True))

    def _terminated(self, given: Terminated) -> Commands:
        if self.state is State.SETTLING:
            return
        if given.kill and self.state in {State.RUNNING, State.DRAINING}:
            yield Kill()
        yield from self._flow.send(f"\r\n{given.text}\r\n".encode(), OutputStream.STDERR)
        self._reason = self._reason or given.text
        if self.state is State.RUNNING:
            yield from self._end_process(kill=False)
        elif self._doom is None or given.kill:
            self._doom = given

    def _end_process(self, *, kill: bool) -> Commands:
        if kill:
            yield Kill()
        yield Signal("HUP")
        yield from self._hang_up()

    def _hang_up(self) -> Commands:
        """Listen no more; reports of the SFTP server are recorded to their end."""
        yield ReleaseStreams()
        yield HangUp()

    # --- end ---

    def _process_exited(self, given: ProcessExited) -> Commands:
        if self.state is not State.RUNNING:
            return
        self.state = State.DRAINING
        self._exited = given.exited
        if reason := given.exited.reason:
            yield from self._flow.send(
                f"\r\nThis session is ended: {reason}\r\n".encode(), OutputStream.STDERR
            )
            self._reason = self._reason or reason
        yield from self._flow.drain()

    def _flushed(self, _given: Flushed) -> Commands:
        if self.state is not State.DRAINING or self._flow.drained is not Drain.FLUSHING:
            return
        self.state = State.SETTLING
        if not self._flow.gone:
            yield ReportExit(self._exited)
        yield ReleaseStreams()
        yield ReleaseProcess()
        if self._captured:
            yield AwaitDrain()
        else:
            yield from self._end(complete=True)

    def _drained(self, given: CaptureDrained) -> Commands:
        if self.state is State.SETTLING:
            yield from self._end(complete=given.complete)

    def _end(self, *, complete: bool) -> Commands:
        if not complete:
            yield EmitLoss(UNDELIVERED)
        if self._request.kind != "shell":
            yield EmitOutcome(self._exited)
        if self._recorded:
            yield EmitEnd(self._reason, self._flow.sent, self._flow.received)
        yield CloseRecord()
        self.state = State.ENDED


_HANDLERS: dict[type[Input], Callable[[Lifecycle, Any], Commands]] = {
    Requested: Lifecycle._requested,
    RecordOpened: Lifecycle._record_opened,
    StartRefused: Lifecycle._start_refused,
    ProcessSpawned: Lifecycle._spawned,
    ClientData: Lifecycle._flows,
    ClientEof: Lifecycle._flows,
    ClientBlocked: Lifecycle._flows,
    ClientReady: Lifecycle._flows,
    ClientGone: Lifecycle._client_gone,
    Resized: Lifecycle._resized,
    SignalRequested: Lifecycle._signal_requested,
    OutputReceived: Lifecycle._flows,
    OutputRecorded: Lifecycle._flows,
    OperationsRecorded: Lifecycle._flows,
    OutputsEnded: Lifecycle._flows,
    ProcessExited: Lifecycle._process_exited,
    CaptureLost: Lifecycle._capture_lost,
    Unrecorded: Lifecycle._unrecorded,
    PolicyChanged: Lifecycle._policy_changed,
    Terminated: Lifecycle._terminated,
    Flushed: Lifecycle._flushed,
    CaptureDrained: Lifecycle._drained,
}
