"""The events of one session in their order, from its start to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from proctor.core.clock import Clock, format_time
from proctor.core.errors import Unavailable
from proctor.model.events import (
    SCP_CODES,
    Exec,
    Resize,
    Scp,
    SessionData,
    SessionEnd,
    SessionLeave,
    SessionStart,
    Subsystem,
)
from proctor.model.kernel_events import SessionLoss
from proctor.model.serde import to_json
from proctor.model.stamp import MAX_LINE
from proctor.node.host import Host, Login
from proctor.node.record.filecopy import sftp_event
from proctor.node.record.recorder import Recorder
from proctor.recording.writer import RecordingError, SessionWriter
from proctor.spawnerproto.messages import Exited, Kind, Terminal
from proctor.spawnerproto.scp import ScpCommand, parse_scp

_RECORDING = "node"
_LAST_EVENTS, _MORE_BYTES = 7, 1024
"""How many events end a session, and how much longer than ``session.start`` each is at most."""

_NOT_RUN = 255


@dataclass(frozen=True)
class Asked:
    """What the client wants to run."""

    kind: Kind
    command: str
    term: Terminal | None

    @property
    def interactive(self) -> bool:
        """Is there a terminal?"""
        return self.term is not None

    @property
    def scp(self) -> ScpCommand | None:
        """The command, when it is scp's server side."""
        return parse_scp(self.command) if self.kind == "exec" else None


class SessionJournal:
    """Writes the record of one session. A session without terminal and capture leaves single events only."""

    def __init__(
        self, host: Host, login: Login, sid: str, asked: Asked, failed: Callable[[str], None]
    ) -> None:
        """Open the recording if there is to be one.

        Raises Unavailable when it cannot be opened and the roles are strict about that.
        """
        self._clock: Clock = host.clock
        self._tasks = host.background
        self._asked = asked
        self._enhanced = login.captured(host)
        self._whole = asked.interactive or self._enhanced
        self._started = ""
        self.reason = ""
        """Why the session is ended, when the user has not ended it."""
        context = login.context(host.facts(), sid)
        strict = login.options.strict_recording
        writer, reason = _open(host, context.node.cluster, sid) if self._whole else (None, "")
        if reason and strict:
            raise Unavailable(reason)
        self.recorder = Recorder(context, writer, host.spool, strict=strict, failed=failed)
        if reason:
            self.recorder.lose(reason)
        if writer is not None:
            host.background.spawn(writer.keep_flushed(host.replicator.notify), name=f"flush {sid}")

    @property
    def _command(self) -> list[str]:
        return [self._asked.command] if self._asked.command else []

    def start(self) -> None:
        """The process is about to run."""
        self._started = format_time(self._clock.now())
        term = self._asked.term
        if self._whole:
            start = SessionStart(
                time=self._started,
                size=f"{term.columns}:{term.rows}" if term else "",
                initial_command=self._command,
                session_recording=_RECORDING,
            )
            self.recorder.emit(start)
            self.recorder.reserve(_LAST_EVENTS * min(len(to_json(start.to_dict())) + _MORE_BYTES, MAX_LINE))

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        self.recorder.emit(Resize(size=f"{columns}:{rows}"))

    def file_operation(self, report: dict[str, object]) -> None:
        """The SFTP server has done something; ValueError when ``report`` is nonsense."""
        self.recorder.emit(sftp_event(report))

    def incomplete(self, reason: str) -> None:
        """Events of the kernel may be missing."""
        self.recorder.emit(SessionLoss(reason=reason))

    def outcome(self, exited: Exited) -> None:
        """The process has ended: the event that belongs to what was asked."""
        if self._asked.kind == "sftp":
            self.recorder.emit(Subsystem(name="sftp", exitError=_error(exited)), last=self._whole)
        elif scp := self._asked.scp:
            code = SCP_CODES[scp.action][bool(_error(exited))]
            self.recorder.emit(
                Scp(
                    code=code,
                    command=self._asked.command,
                    path=scp.path,
                    action=scp.action,
                    exitCode=_status(exited),
                    exitError=_error(exited),
                ),
                last=self._whole,
            )
        elif self._asked.kind == "exec":
            self.recorder.emit(
                Exec(command=self._asked.command, exitCode=_status(exited), exitError=_error(exited)),
                last=self._whole,
            )

    def end(self, sent: int, received: int) -> None:
        """Nothing follows. ``sent`` and ``received`` count the connection's bytes."""
        if self._whole and self._started:
            self.recorder.report_losses()
            self.recorder.emit(SessionLeave(), last=True)
            self.recorder.emit(SessionData(tx=sent, rx=received), last=True)
            user = self.recorder.context.user
            self.recorder.emit(
                SessionEnd(
                    enhanced_recording=self._enhanced,
                    interactive=self._asked.interactive,
                    participants=[user.username] if user else [],
                    session_start=self._started,
                    session_stop=format_time(self._clock.now()),
                    initial_command=self._command,
                    session_recording=_RECORDING,
                    reason=self.reason,
                ),
                last=True,
            )
        self._tasks.spawn(self.recorder.finish(), name=f"finish {self.recorder.context.sid}")


def _open(host: Host, cluster: str, sid: str) -> tuple[SessionWriter | None, str]:
    try:
        return SessionWriter(host.upload_dir, sid, host.clock, cluster_name=cluster), ""
    except RecordingError as error:
        return None, error.message


def _status(exited: Exited) -> str:
    return str(_NOT_RUN if exited.code is None else exited.code)


def _error(exited: Exited) -> str:
    if exited.signal:
        return f"killed by signal {exited.signal}"
    return f"exit status {exited.code}" if exited.code else ""
