"""What travels over ``spawn.sock``, as node and spawner see it; frames are those of ``core.wire``."""

from __future__ import annotations

import re
import signal
from typing import Literal
from uuid import UUID

import msgspec

from proctor.core import wire
from proctor.core.errors import BadRequest
from proctor.model.network import NetworkPolicy
from proctor.model.resources import EnhancedKind
from proctor.model.serde import convert

Kind = Literal["shell", "exec", "sftp", "forward"]
SignalName = Literal[
    "ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"
]
"""The signals of RFC 4254, section 6.9, that a client may send."""

ACCEPTED_VARIABLE = re.compile(r"LANG|LC_[A-Z]{1,32}")
MAX_VARIABLES = 64
_MAX_TEXT = 1 << 20


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base: unknown fields are an error."""


class Endpoint(Message, kw_only=True, frozen=True):
    """One end of a TCP connection."""

    addr: str
    port: int

    def __str__(self) -> str:
        return f"[{self.addr}]:{self.port}" if ":" in self.addr else f"{self.addr}:{self.port}"


class Terminal(Message, kw_only=True, frozen=True):
    """A pseudo-terminal to open; ``modes`` are opcodes and values of RFC 4254, section 8."""

    name: str
    columns: int
    rows: int
    modes: list[tuple[int, int]] = []


class Spawn(Message, kw_only=True, frozen=True):
    """Start a session's process, or (kind ``forward``) connect to ``target`` as the user."""

    op: Literal["spawn"] = "spawn"
    sid: str
    certificate: str
    login: str
    kind: Kind
    command: str = ""
    term: Terminal | None = None
    env: dict[str, str] = {}
    kinds: list[EnhancedKind] = []
    strict: bool = False
    network: NetworkPolicy | None = None
    client: Endpoint
    client_version: str = ""
    server: Endpoint
    cluster: str = ""
    proxy: str = ""
    target: Endpoint | None = None


class Spawned(Message, kw_only=True, frozen=True):
    """The process waits to run; descriptors ride along: terminal, or stdin, stdout, stderr (and audit)."""

    ok: Literal[True] = True
    pid: int = 0
    cgroup_id: int = 0


class Refused(Message, kw_only=True, frozen=True):
    """There is no process; ``error`` says why."""

    ok: Literal[False] = False
    error: str


class SendSignal(Message, kw_only=True, frozen=True, tag_field="op", tag="signal"):
    """Send a signal to the session's process group."""

    signal: SignalName


class Restrict(Message, kw_only=True, frozen=True, tag_field="op", tag="restrict"):
    """From now on ``network`` holds for the session; when it cannot be enforced, the session is ended."""

    network: NetworkPolicy | None


Order = SendSignal | Restrict
"""What the node may ask for while a session runs."""


class CaptureEnded(Message, kw_only=True, frozen=True):
    """Capture has ended before the process has; what it does from now on is not recorded."""

    op: Literal["capture_ended"] = "capture_ended"


class Exited(Message, kw_only=True, frozen=True):
    """The process has ended, with a status or by a signal; capture has passed its drain barrier.

    ``drained`` is false when capture broke off, and events may be missing. ``reason``: why it was ended,
    when neither the program nor the node has ended it.
    """

    op: Literal["exit"] = "exit"
    code: int | None = None
    signal: str | None = None
    core: bool = False
    drained: bool = True
    reason: str = ""


def check_spawn(message: wire.Message) -> Spawn:
    """The request in ``message``, every field checked; raises BadRequest."""
    try:
        request = convert(message, Spawn)
        UUID(request.sid)
    except (msgspec.ValidationError, ValueError) as error:
        raise BadRequest(f"malformed spawn request: {error}") from None
    texts = [request.login, request.command, request.cluster, request.proxy, *request.env.values()]
    if any("\0" in text or len(text) > _MAX_TEXT for text in texts):
        raise BadRequest("malformed spawn request: text with NUL, or too long")
    if len(request.env) > MAX_VARIABLES or not all(map(ACCEPTED_VARIABLE.fullmatch, request.env)):
        raise BadRequest("malformed spawn request: variables other than LANG and LC_*")
    if request.kind == "forward" and request.target is None:
        raise BadRequest("malformed spawn request: forward without target")
    return request


def check_order(message: wire.Message) -> Order:
    """The order in ``message``; raises msgspec.ValidationError."""
    order: Order = msgspec.convert(message, type=Order)
    return order


def signal_name(number: int) -> str:
    """A signal's name as SSH spells it: ``TERM``."""
    try:
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:
        return str(number)
