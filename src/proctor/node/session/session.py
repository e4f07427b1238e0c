# SPDX-License-Identifier: Apache-2.0
"""A session's lifecycle in the event loop: carries out its commands, and reports back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import uuid
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol

from proctor.captureproto.byte_text import to_text
from proctor.core.errors import ProctorError
from proctor.model.events import (
    SCP_DISALLOWED,
    SFTP_DISALLOWED,
    Scp,
    SessionPart,
    SessionRejected,
    Sftp,
)
from proctor.node import timeouts
from proctor.node.host import AuthenticatedClient, NodeContext
from proctor.node.session import commands
from proctor.node.session.auditor import SessionAuditor
from proctor.node.session.inputs import (
    CaptureDrained,
    CaptureLost,
    Input,
    OperationsRecorded,
    OutputReceived,
    OutputRecorded,
    OutputsEnded,
    OutputStream,
    ProcessExited,
    ProcessSpawned,
    RecordOpened,
    Requested,
    SessionRequest,
    StartRefused,
    Unrecorded,
)
from proctor.node.session.lifecycle import UNDELIVERED, Lifecycle, State
from proctor.node.session.stdio import Stdio
from proctor.node.spawn import Process, spawn
from proctor.spawnerproto import messages
from proctor.spawnerproto.messages import ACCEPTED_VARIABLE, MAX_VARIABLES, Exited

_log = logging.getLogger(__name__)


class SessionClient(Protocol):
    """The client's side of a session: an SSH channel, which may be closed already."""

    def environment(self) -> Mapping[bytes, bytes]:
        """Variables that the client has sent."""

    def send(self, data: bytes, stream: OutputStream) -> None:
        """Send output."""

    def pause_input(self) -> None:
        """Take no more input."""

    def resume_input(self) -> None:
        """Take input again."""

    def flush(self) -> None:
        """Report ``Flushed`` when everything was sent."""

    def exit(self, exited: Exited) -> None:
        """Send the exit status, and close the channel."""

    def refuse(self) -> None:
        """Close the channel of a session that was refused."""


class Session:
    """One session. What takes time is a *step*; steps are done one after the other, by one task.

    ``auditor`` is set by the command ``OpenRecord``, ``process`` and ``stdio`` by ``SpawnProcess``:
    the lifecycle gives no command that needs them before.
    """

    auditor: SessionAuditor
    process: Process
    stdio: Stdio

    def __init__(self, host: NodeContext, login: AuthenticatedClient, client: SessionClient) -> None:
        self.sid = str(uuid.uuid4())
        self.client = client
        self.host = host
        self.login = login
        self.captured = login.captured(host)
        self._lifecycle = Lifecycle(
            captured=self.captured,
            file_copy=host.policy.file_copy and login.options.ssh_file_copy,
            network=login.options.network,
        )
        self._inputs: deque[Input] = deque()
        self._receiving = False
        self._steps: asyncio.Queue[Coroutine[Any, Any, Input] | None] = asyncio.Queue()

    @property
    def ended(self) -> bool:
        """Is it over?"""
        return self._lifecycle.state is State.ENDED

    def start(self, request: SessionRequest) -> None:
        """The client has asked for ``request``."""
        self.host.sessions.spawn(self._run(), name=self.sid)
        self.receive(Requested(request))

    async def _run(self) -> None:
        while not self.ended and (step := await self._steps.get()) is not None:
            self.receive(await step)

    def step(self, step: Coroutine[Any, Any, Input]) -> None:
        """Do ``step`` when those before it are done; its result is the next input."""
        self._steps.put_nowait(step)

    def receive(self, given: Input) -> None:
        """Hand ``given`` to the lifecycle, and do what it commands.

        An input that comes while commands are carried out waits until all of them are.
        """
        self._inputs.append(given)
        if self._receiving:
            return
        self._receiving = True
        try:
            while self._inputs:
                for command in self._lifecycle.receive(self._inputs.popleft()):
                    _PERFORM[type(command)](self, command)
        finally:
            self._receiving = False
        if self.ended:
            self._steps.put_nowait(None)

    async def open_record(self, request: SessionRequest) -> Input:
        """The step ``OpenRecord``."""
        opened = SessionAuditor.open(self.host, self.login, self.sid, request, self._unrecorded)
        try:
            self.auditor = await opened
        except (ProctorError, OSError) as error:
            return StartRefused(_reason(error))
        return RecordOpened()

    def _unrecorded(self, reason: str) -> None:
        self.receive(Unrecorded(reason))

    async def spawn(self, request: SessionRequest) -> Input:
        """The step ``SpawnProcess``."""
        feed = self.host.feed if self.captured else None
        with contextlib.ExitStack() as undo:
            try:
                if feed is not None:
                    feed.expect(self.sid)
                    undo.callback(feed.forget, self.sid)
                    await feed.claim(self.sid)
                self.process = await spawn(self.login.privileged, self._spawn_message(request))
                self.stdio = self._connect(self.process)
            except (ProctorError, OSError) as error:
                return StartRefused(_reason(error))
            undo.pop_all()
        self.auditor.attest(self.process)
        return ProcessSpawned()

    def _spawn_message(self, request: SessionRequest) -> messages.Spawn:
        given = {os.fsdecode(name): value for name, value in self.client.environment().items()}
        accepted = {name: value for name, value in given.items() if ACCEPTED_VARIABLE.fullmatch(name)}
        return messages.Spawn(
            sid=self.sid,
            kind=request.kind,
            command=request.command,
            term=request.term,
            env=dict(sorted(accepted.items())[:MAX_VARIABLES]),
            client_version=self.login.client_version,
            proxy=self.host.proxy,
        )

    def _connect(self, process: Process) -> Stdio:
        try:
            return Stdio(
                process.take(),
                received=lambda data, stream: self.receive(OutputReceived(data, stream)),
                ended=lambda: self.receive(OutputsEnded()),
                full=lambda full: self.client.pause_input() if full else self.client.resume_input(),
            )
        except OSError:
            process.release()
            raise

    async def exited(self) -> Input:
        """The step ``AwaitExit``.

        The end of a session with a recording waits for what was put into the record before: when that
        fails, or capture is lost, a strict session must know why it ends before it has ended.
        """
        exited = await self.process.wait(lambda: self.receive(CaptureLost()))
        if self.auditor.recorded:
            await self.host.writes.run(lambda: None)
        return ProcessExited(exited)

    async def drained(self) -> Input:
        """The step ``AwaitDrain``."""
        feed = self.host.feed
        complete = feed is None or await feed.drained(self.sid, timeouts.CAPTURE_DRAIN)
        if not complete:
            _log.warning("session %s: %s", self.sid, UNDELIVERED)
        return CaptureDrained(complete)

    def attach_capture(self) -> None:
        """The command ``AttachCapture``."""
        if self.host.feed is not None:
            self.host.feed.attach(self.sid, self.auditor.recorder)

    def lose_capture(self) -> None:
        """The command ``LoseCapture``."""
        if self.host.feed is not None:
            self.host.feed.broke_off(self.sid)

    def record_output(self, data: bytes) -> None:
        """The command ``RecordOutput``."""
        self.auditor.output(data, lambda: self.receive(OutputRecorded(data)))

    def record_operations(self, data: bytes) -> None:
        """The command ``RecordOperations``."""
        self.auditor.operations(data, lambda: self.receive(OperationsRecorded(len(data))))

    def rejected(self, reason: str) -> None:
        """The command ``EmitRejected``."""
        _log.warning("session %s of %s refused: %s", self.sid, self.login.user.username, reason)
        self.emit(SessionRejected(reason=reason))

    def emit(self, event: SessionPart) -> None:
        """Put an event into the audit log of a session that has not begun, and so has no ``sid``."""
        context = self.login.context(self.host.facts())
        self.host.audit(context.fill(event))


def _reason(error: ProctorError | OSError) -> str:
    """Why there is no process, for the client."""
    if isinstance(error, ProctorError):
        return error.message
    _log.error("a session cannot be started", exc_info=error)
    return f"this node cannot start a session: {error.strerror}"


def _file_copy_refused(given: commands.EmitFileCopyRefused) -> Sftp | Scp:
    scp = given.request.scp
    if scp is None:
        return Sftp(code=SFTP_DISALLOWED, error=given.reason)
    return Scp(
        code=SCP_DISALLOWED,
        command=given.request.command_text,
        path=to_text(scp.path),
        action=scp.action,
        exitError=given.reason,
    )


_PERFORM: dict[type[commands.Command], Callable[[Session, Any], object]] = {
    commands.OpenRecord: lambda s, c: s.step(s.open_record(c.request)),
    commands.SpawnProcess: lambda s, c: s.step(s.spawn(c.request)),
    commands.EmitStart: lambda s, _: s.auditor.start(),
    commands.AttachCapture: lambda s, _: s.attach_capture(),
    commands.AwaitExit: lambda s, _: s.step(s.exited()),
    commands.WriteInput: lambda s, c: s.stdio.write(c.data),
    commands.CloseInput: lambda s, _: s.stdio.close_input(),
    commands.PauseInput: lambda s, _: s.client.pause_input(),
    commands.ResumeInput: lambda s, _: s.client.resume_input(),
    commands.PauseOutput: lambda s, _: s.stdio.pause(),
    commands.ResumeOutput: lambda s, _: s.stdio.resume(),
    commands.RecordOutput: lambda s, c: s.record_output(c.data),
    commands.RecordOperations: lambda s, c: s.record_operations(c.data),
    commands.Send: lambda s, c: s.client.send(c.data, c.stream),
    commands.ResizeTerminal: lambda s, c: s.stdio.resize(c.columns, c.rows),
    commands.EmitResize: lambda s, c: s.auditor.resize(c.columns, c.rows),
    commands.Signal: lambda s, c: s.process.signal(c.name),
    commands.Kill: lambda s, _: s.process.kill(),
    commands.HangUp: lambda s, _: s.process.hang_up(),
    commands.FollowPolicy: lambda s, _: s.process.follow(),
    commands.LoseCapture: lambda s, _: s.lose_capture(),
    commands.FinishOutputs: lambda s, _: s.stdio.finish(),
    commands.FlushClient: lambda s, _: s.client.flush(),
    commands.ReportExit: lambda s, c: s.client.exit(c.exited),
    commands.ReleaseStreams: lambda s, _: s.stdio.release(),
    commands.ReleaseProcess: lambda s, _: s.process.release(),
    commands.AwaitDrain: lambda s, _: s.step(s.drained()),
    commands.EmitFileCopyRefused: lambda s, c: s.emit(_file_copy_refused(c)),
    commands.RefuseClient: lambda s, _: s.client.refuse(),
    commands.EmitRejected: lambda s, c: s.rejected(c.reason),
    commands.EmitLoss: lambda s, c: s.auditor.incomplete(c.reason),
    commands.EmitOutcome: lambda s, c: s.auditor.outcome(c.exited),
    commands.EmitEnd: lambda s, c: s.auditor.end(c.reason, sent=c.sent, received=c.received),
    commands.CloseRecord: lambda s, _: s.auditor.close(),
}
