"""One SSH session channel: from the client's request through the user's process to the exit status."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import json
import logging
import os
import uuid
from collections.abc import Callable
from typing import get_args

import asyncssh

from proctor.core.errors import AccessDenied, ProctorError
from proctor.model.events import SCP_DISALLOWED, SFTP_DISALLOWED, Scp, SessionRejected, Sftp
from proctor.model.network import NetworkPolicy
from proctor.node.host import Host, Login
from proctor.node.record.capture import CaptureFeed
from proctor.node.record.journal import Asked, SessionJournal
from proctor.node.spawn import Process, spawn
from proctor.node.streams import Input, Output
from proctor.spawnerproto.messages import (
    ACCEPTED_VARIABLE,
    MAX_VARIABLES,
    Exited,
    Kind,
    SignalName,
    Spawn,
    Terminal,
)
from proctor.spawnerproto.terminal import resize

DRAIN_SECONDS = 30.0
_MAX_AUDIT_LINE = 1 << 20
_REFUSED = 254
_UNDELIVERED = "capture has not delivered everything"
_SIGNALS: tuple[SignalName, ...] = get_args(SignalName)
_log = logging.getLogger(__name__)


class Stage(enum.Enum):
    """How far a session is; it only moves forward."""

    NEW = enum.auto()
    STARTING = enum.auto()
    RUNNING = enum.auto()
    DRAINING = enum.auto()
    ENDED = enum.auto()


class Session(asyncssh.SSHServerSession[bytes]):
    """A session channel. ``active`` is called whenever the client sends something."""

    def __init__(self, host: Host, login: Login, active: Callable[[], None]) -> None:
        self.sid = str(uuid.uuid4())
        self.stage = Stage.NEW
        self._host = host
        self._login = login
        self._network = login.options.network
        self._active = active
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._term: Terminal | None = None
        self._asked = Asked("shell", "", None)
        self._journal: SessionJournal | None = None
        self._process: Process | None = None
        self._input: Input | None = None
        self._outputs: list[Output] = []
        self._terminal = -1
        self._early: list[bytes] = []
        self._early_end = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open_outputs = 0
        self._quiet = asyncio.Event()
        self._gone = False
        self._sent = self._received = 0
        self._audit = b""

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """The channel is open."""
        self._channel = chan

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: object) -> bool:
        """The client wants a terminal."""
        if self._channel is None or self.stage is not Stage.NEW:
            return False
        columns, rows, _, _ = term_size
        modes = sorted(term_modes.items()) if isinstance(term_modes, dict) else []
        self._term = Terminal(name=term_type, columns=columns, rows=rows, modes=modes)
        return True

    def shell_requested(self) -> bool:
        """The client wants a login shell."""
        return self._ask("shell")

    def exec_requested(self, command: str) -> bool:
        """The client wants a command run."""
        return self._ask("exec", command)

    def subsystem_requested(self, subsystem: str) -> bool:
        """The client wants a subsystem; there is one."""
        return subsystem == "sftp" and self._ask("sftp")

    def _ask(self, kind: Kind, command: str = "") -> bool:
        self._asked = Asked(kind, command, None if kind == "sftp" else self._term)
        return True

    def session_started(self) -> None:
        """The client was told that its request is being done."""
        self.stage = Stage.STARTING
        self._host.sessions.spawn(self._run(), name=self.sid)

    async def _run(self) -> None:
        try:
            process = await self._start()
        except ProctorError as error:
            await self._refuse(error.message)
            return
        except OSError as error:
            _log.exception("session %s", self.sid)
            await self._refuse(f"this node cannot start a session: {error.strerror}")
            return
        exited = await process.wait(self._capture_ended)
        if exited.reason:
            self._explain(exited.reason)
        self.stage = Stage.DRAINING
        await self._drain()
        await self._report(exited)
        await self._end(exited)

    async def _start(self) -> Process:
        self._check_file_copy()
        self._journal = SessionJournal(self._host, self._login, self.sid, self._asked, self._unrecorded)
        feed = self._host.feed
        captured = self._login.captured(self._host)
        if feed is not None and captured:
            feed.expect(self.sid)
            await feed.claim(self.sid)
        request, network = self._spawn_request(), self._network
        try:
            process = await spawn(self._login.privileged, request)
        except BaseException:
            if feed is not None:
                feed.forget(self.sid)
            raise
        try:
            self._begin(process, self._journal, feed if captured else None)
            if network != self._network:  # the roles have changed meanwhile
                self._enforce(process)
        except BaseException:
            process.release()
            raise
        return process

    def _begin(self, process: Process, journal: SessionJournal, feed: CaptureFeed | None) -> None:
        """The process runs: record it, and join it to the channel."""
        self._process = process
        journal.start()
        if feed is not None:
            feed.attach(self.sid, journal.recorder)
        self.stage = Stage.RUNNING
        self._connect(process)
        if self._gone:
            self._hang_up()

    def _check_file_copy(self) -> None:
        if self._host.policy.file_copy and self._login.options.ssh_file_copy:
            return
        reason = "copying files is not allowed"
        event: Sftp | Scp
        if self._asked.kind == "sftp":
            event = Sftp(code=SFTP_DISALLOWED, error=reason)
        elif scp := self._asked.scp:
            command = self._asked.command
            event = Scp(
                code=SCP_DISALLOWED, command=command, path=scp.path, action=scp.action, exitError=reason
            )
        else:
            return
        self._host.spool.append(self._login.context(self._host.facts(), self.sid).fill(event))
        raise AccessDenied(reason)

    def _spawn_request(self) -> Spawn:
        if self._channel is None:
            raise AccessDenied("the client has closed the session")
        given = self._channel.get_environment()
        accepted = {name: value for name, value in given.items() if ACCEPTED_VARIABLE.fullmatch(name)}
        return Spawn(
            sid=self.sid,
            kind=self._asked.kind,
            command=self._asked.command,
            term=self._asked.term,
            env=dict(sorted(accepted.items())[:MAX_VARIABLES]),
            client_version=self._login.client_version,
            proxy=self._host.proxy,
        )

    def _connect(self, process: Process) -> None:
        """Join the process's descriptors to the channel."""
        copies = [os.dup(descriptor) for descriptor in process.descriptors if self._asked.interactive]
        stdin, stdout, *others = copies + process.take()
        if self._asked.interactive:
            self._terminal = stdout
        self._input = Input(stdin, self._input_full)
        self._outputs = [self._output(stdout, self._terminal_output if self._terminal >= 0 else self._stdout)]
        for descriptor, received in zip(others, (self._stderr, self._audited), strict=False):
            self._outputs.append(self._output(descriptor, received))
        if not self._flowing.is_set():
            self.pause_writing()
        early, self._early = self._early, []
        for data in early:
            self._input.write(data)
        if self._early_end:
            self.eof_received()
        if self._channel is not None:
            self._channel.resume_reading()

    def _output(self, descriptor: int, received: Callable[[bytes], None]) -> Output:
        self._open_outputs += 1
        return Output(descriptor, received, self._output_ended)

    def _output_ended(self) -> None:
        self._terminal = -1
        self._open_outputs -= 1
        if self._open_outputs == 0:
            self._quiet.set()

    def _terminal_output(self, data: bytes) -> None:
        if self._journal is not None:
            self._journal.recorder.output(data)
        self._stdout(data)

    def _stdout(self, data: bytes) -> None:
        self._send(data, None)

    def _stderr(self, data: bytes) -> None:
        self._send(data, asyncssh.EXTENDED_DATA_STDERR)

    def _send(self, data: bytes, kind: int | None) -> None:
        if self._channel is not None and not self._gone:
            with contextlib.suppress(OSError):  # the channel is closing
                self._channel.write(data, kind)
                self._sent += len(data)

    def _audited(self, data: bytes) -> None:
        """Lines of the SFTP server's audit."""
        *lines, self._audit = (self._audit + data).split(b"\n")
        self._audit = self._audit[:_MAX_AUDIT_LINE]
        for line in lines:
            try:
                report = json.loads(line)
                if self._journal is not None:
                    self._journal.file_operation(report)
            except ValueError as error:
                _log.error("session %s: a report of the SFTP server is wrong: %s", self.sid, error)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """The client has sent input."""
        self._active()
        self._received += len(data)
        if self._input is not None:
            self._input.write(data)
        elif self._channel is not None:
            self._early.append(data)
            self._channel.pause_reading()

    def eof_received(self) -> bool:
        """The client sends no more; a terminal stays open, as its hang-up would end the session."""
        if self._input is None:
            self._early_end = True
        elif not self._asked.interactive:
            self._input.end()
        return True

    def _input_full(self, full: bool) -> None:
        if self._channel is not None:
            (self._channel.pause_reading if full else self._channel.resume_reading)()

    def pause_writing(self) -> None:
        """The client reads too slowly: let the program wait."""
        self._flowing.clear()
        for output in self._outputs:
            output.pause()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._flowing.set()
        for output in self._outputs:
            output.resume()

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """The client's window has another size."""
        self._active()
        if self._terminal >= 0 and self.stage is Stage.RUNNING and self._journal is not None:
            resize(self._terminal, width, height)
            self._journal.resize(width, height)

    def signal_received(self, signal: str) -> None:
        """The client wants the process to get a signal."""
        if self._process is not None and self.stage is Stage.RUNNING:
            for name in (known for known in _SIGNALS if known == signal):
                self._process.signal(name)

    def break_received(self, msec: int) -> bool:
        """A break means nothing to a pseudo-terminal."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed, by the client or at the end."""
        self._gone = True
        self._channel = None
        self._flowing.set()
        if self._process is not None and self.stage is Stage.RUNNING:
            self._hang_up()
        else:
            self._release_streams()

    def _hang_up(self) -> None:
        """Nobody listens any more; the audit of SFTP is heard to its end."""
        self._release_streams()
        if self._process is not None:
            self._process.hang_up()

    def _release_streams(self) -> None:
        if self._input is not None:
            self._input.close()
        for output in self._outputs[:2]:
            output.close()

    def _explain(self, reason: str) -> None:
        """Tell the client and the record why the session is ended."""
        self._stderr(f"\r\nThis session is ended: {reason}\r\n".encode())
        if self._journal is not None:
            self._journal.reason = self._journal.reason or reason

    def terminate(self, reason: str) -> None:
        """End the session from our side, telling the client why."""
        self._stderr(f"\r\n{reason}\r\n".encode())
        if self._journal is not None:
            self._journal.reason = self._journal.reason or reason
        if self._process is not None and self.stage is Stage.RUNNING:
            self._process.signal("HUP")
            self._hang_up()

    def restrict(self, network: NetworkPolicy | None) -> None:
        """What the session connects to from now on, ``network`` must allow."""
        self._network = network
        if self._process is not None and self.stage is Stage.RUNNING:
            self._enforce(self._process)

    def _enforce(self, process: Process) -> None:
        if self._login.captured(self._host):
            process.follow()
        elif self._network is not None:
            process.kill()
            self.terminate("This session is ended because this node cannot restrict the network for it")

    def _unrecorded(self, reason: str) -> None:
        """A strict session cannot be recorded any more."""
        if self._process is not None:
            self._process.kill()
        self.terminate(f"This session is ended because it cannot be recorded: {reason}")

    def _capture_ended(self) -> None:
        if self._host.feed is not None:
            self._host.feed.broke_off(self.sid)

    async def _drain(self) -> None:
        """Everything that the program has written goes to the client before its exit status."""
        if self._asked.interactive:
            await self._flowing.wait()
            for output in self._outputs:
                output.finish()
        await self._quiet.wait()
        if self._channel is not None:
            self._channel.set_write_buffer_limits(high=0)
        await self._flowing.wait()

    async def _report(self, exited: Exited) -> None:
        channel = self._channel
        if channel is None:
            return
        with contextlib.suppress(OSError):
            if exited.signal is not None and exited.signal in _SIGNALS:
                channel.exit_with_signal(exited.signal, exited.core)
            else:
                channel.exit(255 if exited.code is None else exited.code)

    async def _end(self, exited: Exited) -> None:
        self._release_streams()
        if self._process is not None:
            self._process.release()
        feed = self._host.feed
        if feed is not None and not await feed.drained(self.sid, DRAIN_SECONDS):
            _log.warning("session %s: %s", self.sid, _UNDELIVERED)
            if self._journal is not None:
                self._journal.incomplete(_UNDELIVERED)
        if self._journal is not None:
            self._journal.outcome(exited)
            self._journal.end(self._sent, self._received)
        self.stage = Stage.ENDED

    async def _refuse(self, reason: str) -> None:
        """No process: say so to the client and to the audit log."""
        _log.warning("session %s of %s refused: %s", self.sid, self._login.user.username, reason)
        self._stderr(f"ERROR: {reason}\r\n".encode())
        if self._channel is not None:
            with contextlib.suppress(OSError):
                self._channel.exit(_REFUSED)
        context = self._login.context(self._host.facts(), self.sid)
        with contextlib.suppress(ProctorError):
            self._host.spool.append(context.fill(SessionRejected(reason=reason)))
        if self._journal is not None:
            self._journal.end(self._sent, self._received)
        self.stage = Stage.ENDED
