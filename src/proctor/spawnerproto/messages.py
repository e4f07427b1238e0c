# SPDX-License-Identifier: Apache-2.0
"""Messages on ``spawn.sock``; frames are those of ``core.wire``."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from proctor.core.errors import BadRequest
from proctor.core.net import format_address
from proctor.core.text import is_uuid
from proctor.model.network import MAX_PORT
from proctor.model.serde import convert
from proctor.spawnerproto.attestation import Attestation

Kind = Literal["shell", "exec", "sftp", "forward"]
SignalName = Literal[
    "ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"
]
"""The signals of RFC 4254, section 6.9, that a client may send."""

ACCEPTED_VARIABLE = re.compile(r"LANG|LC_[A-Z]{1,32}")
MAX_VARIABLES = 64
_MAX_TEXT = 1 << 20
_MAX_NAME = 512


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base: unknown fields are an error."""


class Endpoint(Message, kw_only=True, frozen=True):
    """One end of a TCP connection."""

    addr: str
    port: int

    def __str__(self) -> str:
        return format_address(self.addr, self.port)


class Terminal(Message, kw_only=True, frozen=True):
    """A pseudo-terminal to open; ``modes`` are opcodes and values of RFC 4254, section 8."""

    name: str
    columns: int
    rows: int
    modes: list[tuple[int, int]] = []


class Hello(Message, kw_only=True, frozen=True):
    """First frame of the spawner: the cookie that the server's first KEXINIT is to have."""

    op: Literal["hello"] = "hello"
    cookie: bytes


class SignExchange(Message, kw_only=True, frozen=True, tag_field="op", tag="sign"):
    """Sign the hash of a key exchange. ``first``: the one of which the hash is the session id.

    With the first one travels the accepted TCP connection. ``hash_name``: as in ``sshkit.exchange``.
    """

    transcript: bytes
    hash_name: str
    first: bool = False


class Authenticate(Message, kw_only=True, frozen=True, tag_field="op", tag="authenticate"):
    """A user wants to log in over the connection: ``request`` and ``signature`` as the client sent them.

    ``labels``: values of the labels that commands print.
    """

    request: bytes
    signature: bytes
    labels: dict[str, str] = {}


class OpenSession(Message, kw_only=True, frozen=True, tag_field="op", tag="session"):
    """Start a monitor for the user of this connection; the socket that it talks over rides along.

    ``sid``: of the session that the monitor is to be asked for.
    """

    sid: str = ""


class StoreBundle(Message, kw_only=True, frozen=True, tag_field="op", tag="store_bundle"):
    """Decide by this access bundle from now on."""

    content: bytes
    signature: bytes


class GetBundle(Message, kw_only=True, frozen=True, tag_field="op", tag="get_bundle"):
    """Answer with the access bundle that is in force."""


class PingRequest(Message, kw_only=True, frozen=True, tag_field="op", tag="ping"):
    """Answer when a process could be started."""


Request = SignExchange | Authenticate | OpenSession | StoreBundle | GetBundle | PingRequest
"""What the node asks the spawner itself; monitors get ``Spawn`` and ``Order``."""


class Answer(Message, kw_only=True, frozen=True):
    """Done.

    ``signature``: for ``SignExchange``, in wire format. ``content``: for ``GetBundle``; empty without one.
    """

    ok: Literal[True] = True
    signature: bytes = b""
    content: bytes = b""


class Spawn(Message, kw_only=True, frozen=True):
    """Start a session's process, or (kind ``forward``) connect to ``target`` as the user.

    Who that is, from where, and what is recorded of it, the monitor knows by itself. ``command`` and values
    of ``env`` are bytes of any encoding (RFC 4254, sections 6.4 and 6.5).
    """

    op: Literal["spawn"] = "spawn"
    sid: str
    kind: Kind
    command: bytes = b""
    term: Terminal | None = None
    env: dict[str, bytes] = {}
    client_version: str = ""
    proxy: str = ""
    target: Endpoint | None = None


class Spawned(Message, kw_only=True, frozen=True):
    """The process waits to run; descriptors ride along: terminal, or stdin, stdout, stderr (and audit).

    ``attestation``: proves to the auth service whose session it is; forwards have none.
    """

    ok: Literal[True] = True
    pid: int = 0
    cgroup_id: int = 0
    attestation: Attestation | None = None


class SpawnRejected(Message, kw_only=True, frozen=True):
    """There is no process; ``error`` says why."""

    ok: Literal[False] = False
    error: str


class SendSignal(Message, kw_only=True, frozen=True, tag_field="op", tag="signal"):
    """Send a signal to the session's process group; ``everyone``: kill all processes of the session."""

    signal: SignalName
    everyone: bool = False


class Follow(Message, kw_only=True, frozen=True, tag_field="op", tag="follow"):
    """The access bundle has changed: the network policy in it holds for the session from now on.

    When it cannot be enforced, the session is ended.
    """


Order = SendSignal | Follow
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


def check_spawn(message: Mapping[str, Any]) -> Spawn:
    """The request in ``message``, every field checked; raises BadRequest."""
    try:
        request = convert(message, Spawn)
        if not is_uuid(request.sid):
            raise ValueError("sid is not a UUID in its usual spelling")
    except (msgspec.ValidationError, ValueError) as error:
        raise BadRequest(f"malformed spawn request: {error}") from None
    if any(b"\0" in text or len(text) > _MAX_TEXT for text in (request.command, *request.env.values())):
        raise BadRequest("malformed spawn request: text with NUL, or too long")
    names = [request.client_version, request.proxy]
    names += [request.term.name] if request.term else []
    names += [request.target.addr] if request.target else []
    for text in names:
        if len(text) > _MAX_NAME or not text.isprintable():
            raise BadRequest("malformed spawn request: a name that is not printable, or too long")
    if len(request.env) > MAX_VARIABLES or not all(map(ACCEPTED_VARIABLE.fullmatch, request.env)):
        raise BadRequest("malformed spawn request: variables other than LANG and LC_*")
    if (request.kind == "forward") != (request.target is not None):
        raise BadRequest("malformed spawn request: a target belongs to forward, and to nothing else")
    if request.target is not None and not 0 < request.target.port <= MAX_PORT:
        raise BadRequest("malformed spawn request: not a port")
    return request


def check_request(message: Mapping[str, Any]) -> Request:
    """The request in ``message``; raises BadRequest."""
    try:
        request: Request = msgspec.convert(message, type=Request)
    except msgspec.ValidationError as error:
        raise BadRequest(f"malformed request: {error}") from None
    return request


def check_order(message: Mapping[str, Any]) -> Order:
    """The order in ``message``; raises msgspec.ValidationError."""
    order: Order = msgspec.convert(message, type=Order)
    return order


def signal_name(number: int) -> str:
    """A signal's name as SSH spells it: ``TERM``."""
    try:
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:
        return str(number)
