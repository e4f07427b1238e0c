# SPDX-License-Identifier: Apache-2.0
"""The auditor of one session: its events in their order, and its recording."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial

from proctor.captureproto.byte_text import to_text
from proctor.core.clock import format_time
from proctor.core.errors import Unavailable
from proctor.core.tasks import in_loop
from proctor.model.events import (
    SCP_CODES,
    Exec,
    Resize,
    Scp,
    SessionAttestation,
    SessionData,
    SessionEnd,
    SessionLeave,
    SessionLoss,
    SessionPart,
    SessionStart,
    Subsystem,
)
from proctor.model.serde import from_json, to_json
from proctor.model.stamp import MAX_LINE
from proctor.node.host import AuthenticatedClient, NodeContext
from proctor.node.record.filecopy import sftp_event
from proctor.node.record.recorder import Recorder
from proctor.node.session.inputs import SessionRequest
from proctor.node.spawn import Process
from proctor.recording.writer import RecordingError, SessionWriter
from proctor.spawnerproto.attestation import SessionStatement
from proctor.spawnerproto.messages import Exited

_RECORDING = "node"
_LAST_EVENTS, _MORE_BYTES = 7, 1024
"""How many events end a session, and how much longer than ``session.start`` each is at most."""

_MAX_REPORT = 1 << 20
"""Bytes of one line of the SFTP server's reports."""

_NOT_RUN = 255
_log = logging.getLogger(__name__)


class SessionAuditor:
    """Writes the record of one session. ``enhanced``: capture follows it.

    A session without terminal and capture leaves single events only.
    """

    def __init__(
        self, host: NodeContext, request: SessionRequest, recorder: Recorder, *, enhanced: bool
    ) -> None:
        self.recorder = recorder
        self._clock = host.clock
        self._tasks = host.background
        self._writes = host.writes
        self._host_certificate = host.certificate
        self._request = request
        self._enhanced = enhanced
        self._started = ""
        self._report = b""
        """The beginning of a line of the SFTP server."""

    @classmethod
    async def open(
        cls,
        host: NodeContext,
        login: AuthenticatedClient,
        sid: str,
        request: SessionRequest,
        failed: Callable[[str], None],
    ) -> SessionAuditor:
        """Open the recording if there is to be one; ``failed`` gets the reason when a strict one breaks off.

        Raises Unavailable when it cannot be opened and the roles are strict about that.
        """
        context = login.context(host.facts(), sid)
        enhanced, strict = login.captured(host), login.options.strict_recording
        writer, reason = None, ""
        if request.interactive or enhanced:
            writer, reason = await host.writes.run(_open, host, context.node.cluster, sid)
        if reason and strict:
            raise Unavailable(reason)
        recorder = Recorder(
            context,
            writer,
            host.spool,
            strict=strict,
            failed=in_loop(failed),
        )
        if reason:
            host.writes.put(partial(recorder.lose, reason))
        if writer is not None:
            host.background.spawn(writer.keep_flushed(host.replicator.notify), name=f"flush {sid}")
        return cls(host, request, recorder, enhanced=enhanced)

    def _emit(self, *events: SessionPart, last: bool = False) -> None:
        for event in events:
            self._writes.put(partial(self.recorder.emit, event, last=last))

    @property
    def recorded(self) -> bool:
        """Is there to be a recording?"""
        return self._request.interactive or self._enhanced

    @property
    def _command(self) -> list[str]:
        return [self._request.command_text] if self._request.command else []

    def attest(self, process: Process) -> None:
        """Emit ``session.attestation`` before everything else: whose session ``process`` is."""
        if (given := process.attestation) is not None:
            event = SessionAttestation(
                time=from_json(given.statement.encode(), SessionStatement).time,
                statement=given.statement,
                signature=given.signature,
                host_certificate=self._host_certificate,
            )
            self._writes.put(partial(self._write_attestation, event))

    def _write_attestation(self, event: SessionAttestation) -> None:
        try:
            self.recorder.spool.attest(self.recorder.context.fill(event))
        except Unavailable as error:
            self.recorder.fail(error.message)

    def start(self) -> None:
        """Emit ``session.start``, and reserve space for the events that end the session."""
        self._started = format_time(self._clock.now())
        term = self._request.term
        start = SessionStart(
            time=self._started,
            size=f"{term.columns}:{term.rows}" if term else "",
            initial_command=self._command,
            session_recording=_RECORDING,
        )
        self._writes.put(partial(self._write_start, start))

    def _write_start(self, start: SessionStart) -> None:
        self.recorder.emit(start)
        self.recorder.reserve(_LAST_EVENTS * min(len(to_json(start.to_dict())) + _MORE_BYTES, MAX_LINE))

    def resize(self, columns: int, rows: int) -> None:
        """Emit ``resize``."""
        self._emit(Resize(size=f"{columns}:{rows}"))

    def output(self, data: bytes, done: Callable[[], None]) -> None:
        """Record output of the terminal, then call ``done``, whether or not that worked."""
        self._writes.put(partial(self.recorder.output, data), lambda _: done())

    def operations(self, data: bytes, done: Callable[[], None]) -> None:
        """Emit what the SFTP server has done, from its lines, then call ``done``.

        ``data`` may end within a line.
        """
        *lines, rest = (self._report + data).split(b"\n")
        self._report = rest[:_MAX_REPORT]
        for line in lines:
            try:
                event = sftp_event(json.loads(line))
            except ValueError as error:
                sid = self.recorder.context.sid
                _log.error("session %s: a report of the SFTP server is wrong: %s", sid, error)
            else:
                self._emit(event)
        self._writes.put(lambda: None, lambda _: done())

    def incomplete(self, reason: str) -> None:
        """Emit ``session.loss``: events of the kernel may be missing."""
        self._emit(SessionLoss(reason=reason))

    def outcome(self, exited: Exited) -> None:
        """Emit the event that belongs to the request."""
        if event := _outcome(self._request, exited):
            self._emit(event, last=self.recorded)

    def end(self, reason: str, *, sent: int, received: int) -> None:
        """Emit the last events. ``reason``: why the session was ended, when the user has not ended it.

        ``sent`` and ``received``: bytes to and from the client.
        """
        user = self.recorder.context.user
        end = SessionEnd(
            enhanced_recording=self._enhanced,
            interactive=self._request.interactive,
            participants=[user.username] if user else [],
            session_start=self._started,
            session_stop=format_time(self._clock.now()),
            initial_command=self._command,
            session_recording=_RECORDING,
            reason=reason,
        )
        self._writes.put(self.recorder.report_losses)
        self._emit(SessionLeave(), SessionData(tx=sent, rx=received), end, last=True)

    def close(self) -> None:
        """Complete the recording in the background."""
        self._tasks.spawn(self.recorder.finish(self._writes.run), name=f"finish {self.recorder.context.sid}")


def _open(host: NodeContext, cluster: str, sid: str) -> tuple[SessionWriter | None, str]:
    try:
        return SessionWriter(host.upload_dir, sid, host.clock, cluster_name=cluster), ""
    except RecordingError as error:
        return None, error.message


def _outcome(request: SessionRequest, exited: Exited) -> Subsystem | Scp | Exec | None:
    error, status = _error(exited), str(_NOT_RUN if exited.code is None else exited.code)
    if request.kind == "sftp":
        return Subsystem(name="sftp", exitError=error)
    if scp := request.scp:
        return Scp(
            code=SCP_CODES[scp.action][bool(error)],
            command=request.command_text,
            path=to_text(scp.path),
            action=scp.action,
            exitCode=status,
            exitError=error,
        )
    if request.kind == "exec":
        return Exec(command=request.command_text, exitCode=status, exitError=error)
    return None


def _error(exited: Exited) -> str:
    if exited.signal:
        return f"killed by signal {exited.signal}"
    return f"exit status {exited.code}" if exited.code else ""
