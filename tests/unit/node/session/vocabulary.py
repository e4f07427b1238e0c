# SPDX-License-Identifier: Apache-2.0
"""Inputs and commands of the session's lifecycle as transcripts spell them."""

from __future__ import annotations

from typing import get_args

from proctor.model.network import NetworkPolicy
from proctor.node.session import inputs
from proctor.node.session.inputs import Input, OutputStream, SessionRequest
from proctor.node.session.lifecycle import Lifecycle
from proctor.spawnerproto.messages import Exited, SignalName, Terminal
from testing.transcript import Parse, Spelling, play, vocabulary

TERMINAL = Terminal(name="xterm", columns=80, rows=24)
NOWHERE = NetworkPolicy(allow=())


def _spell_request(request: SessionRequest) -> str:
    return "terminal" if request.interactive else f"{request.kind} {request.command_text}".strip()


SPELLING = Spelling(
    names={
        "spawn process": "spawn",
        "emit start": "emit session.start",
        "emit end": "emit session.end",
        "emit rejected": "emit session.rejected",
        "emit loss": "emit session.loss",
    },
    values={
        SessionRequest: _spell_request,
        Exited: lambda exited: f"by {exited.signal}" if exited.signal else f"{exited.code}",
    },
)


def _request(kind: str, command: str | None) -> SessionRequest:
    if kind == "terminal":
        return SessionRequest("shell", b"", TERMINAL)
    return SessionRequest("sftp") if kind == "sftp" else SessionRequest("exec", (command or "").encode())


def _signal(name: str) -> inputs.SignalRequested:
    (known,) = [known for known in get_args(SignalName) if known == name]
    return inputs.SignalRequested(known)


PARSE: Parse[Input] = vocabulary(
    {
        r"requested (terminal|sftp|exec)(?: (.+))?": lambda kind, text: inputs.Requested(
            _request(kind, text)
        ),
        r"record opened": inputs.RecordOpened,
        r"start refused: (.+)": inputs.StartRefused,
        r"spawned": inputs.ProcessSpawned,
        r"client data (.+)": lambda text: inputs.ClientData(text.encode()),
        r"client eof": inputs.ClientEof,
        r"client blocked": inputs.ClientBlocked,
        r"client ready": inputs.ClientReady,
        r"client gone": inputs.ClientGone,
        r"resized (\d+)x(\d+)": lambda columns, rows: inputs.Resized(int(columns), int(rows)),
        r"signal requested (\w+)": _signal,
        r"output recorded (.+)": lambda text: inputs.OutputRecorded(text.encode()),
        r"output (\w+) (.+)": lambda stream, text: inputs.OutputReceived(text.encode(), OutputStream(stream)),
        r"operations recorded (.+)": lambda text: inputs.OperationsRecorded(len(text)),
        r"outputs ended": inputs.OutputsEnded,
        r"exited (\d+)(?: because (.+))?": lambda code, reason: inputs.ProcessExited(
            Exited(code=int(code), reason=reason or "")
        ),
        r"killed by (\w+)": lambda name: inputs.ProcessExited(Exited(signal=name)),
        r"capture lost": inputs.CaptureLost,
        r"unrecorded: (.+)": inputs.Unrecorded,
        r"policy changed to nothing": lambda: inputs.PolicyChanged(NOWHERE),
        r"policy changed to anything": lambda: inputs.PolicyChanged(None),
        r"terminated: (.+)": inputs.Terminated,
        r"terminated at once: (.+)": lambda text: inputs.Terminated(text, kill=True),
        r"flushed": inputs.Flushed,
        r"drained": lambda: inputs.CaptureDrained(True),
        r"drain timeout": lambda: inputs.CaptureDrained(False),
    }
)


def make(*, captured: bool = True, file_copy: bool = True, network: NetworkPolicy | None = None) -> Lifecycle:
    """A session that was not requested yet."""
    return Lifecycle(captured=captured, file_copy=file_copy, network=network)


def transcript(lifecycle: Lifecycle, script: str) -> None:
    """Play ``script``."""
    play(lifecycle.receive, PARSE, script, SPELLING)
