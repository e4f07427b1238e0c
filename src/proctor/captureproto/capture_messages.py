# SPDX-License-Identifier: Apache-2.0
"""Messages on ``capture.sock``.

The frames themselves are those of ``core.wire``; ``docs/capture.md`` describes the exchange.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from proctor.model.network import NetworkPolicy
from proctor.model.resources import EnhancedKind
from proctor.model.serde import to_json

MAX_KINDS = 3


class RegisterSession(msgspec.Struct, frozen=True, kw_only=True):
    """A monitor registers its session; the child's pidfd rides along as a descriptor."""

    op: Literal["open"] = "open"
    sid: str
    cgroup_id: int
    cgroup: str
    kinds: list[EnhancedKind]
    strict: bool = False
    network: NetworkPolicy | None = None


class ResumeSession(msgspec.Struct, frozen=True, kw_only=True):
    """A monitor registers its session again, with a capture that has taken it over."""

    op: Literal["resume"] = "resume"
    sid: str


class RestrictSession(msgspec.Struct, frozen=True, kw_only=True):
    """A monitor says what network policy holds for its session from now on."""

    op: Literal["restrict"] = "restrict"
    sid: str
    network: NetworkPolicy | None


class CloseSession(msgspec.Struct, frozen=True, kw_only=True):
    """A monitor reports that the session's child has ended."""

    op: Literal["close"] = "close"
    sid: str


class Subscribe(msgspec.Struct, frozen=True, kw_only=True):
    """A node wants the events of its sessions: ``sessions``, and for the ``main`` one all that are unclaimed.

    ``owner``: a name that stays the same when it connects again.
    """

    op: Literal["subscribe"] = "subscribe"
    owner: str = ""
    main: bool = True
    sessions: list[str] = []


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A node that is not the main one is about to have session ``sid`` started."""

    op: Literal["claim"] = "claim"
    sid: str
    owner: str


class Acknowledge(msgspec.Struct, frozen=True, kw_only=True):
    """The node has stored everything of ``sid`` up to and including ``seq``."""

    op: Literal["ack"] = "ack"
    sid: str
    seq: int


class Subscribed(msgspec.Struct, frozen=True, kw_only=True, tag="subscribed", tag_field="op"):
    """First message after (re)connecting to capture.

    ``instance`` is a random name of the running capture process: when it differs from the one before,
    capture was restarted. ``sessions``: those of which messages may follow; others are not recorded.
    """

    instance: str
    sessions: list[str]


class LossAccounting(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of a session's records by kind and outcome, as far as capture knows.

    For each kind *submitted = delivered + filtered + the sum of lost over its stages*: ``ring`` (it was
    full), ``undecodable``, ``memory`` (the node did not acknowledge) and ``unexplained`` (the difference,
    which is none). ``started``: attempts, counted where the kernel programs know them first; of these,
    ``unfinished`` have no record, since they have not ended. *started = submitted + unfinished + lost at the
    stage* ``unreported`` (which is none). ``freezes``, ``frozen_ms``: how often and for how long the session
    was held.
    """

    started: dict[str, int] = {}
    unfinished: dict[str, int] = {}
    submitted: dict[str, int] = {}
    delivered: dict[str, int] = {}
    filtered: dict[str, int] = {}
    lost: dict[str, dict[str, int]] = {}
    freezes: int = 0
    frozen_ms: int = 0


class KernelEvents(msgspec.Struct, frozen=True, kw_only=True, tag="events", tag_field="op"):
    """Kernel events of one session, oldest first.

    ``lines`` are those of ``captureproto.lines``, whose slots the node fills. ``lost`` counts all losses of
    the session so far, by kind; ``counts`` the records in ``lines``.
    """

    sid: str
    seq: int
    counts: dict[str, int] = {}
    lost: dict[str, int] = {}
    lines: bytes = b""


class Drained(msgspec.Struct, frozen=True, kw_only=True, tag="drained", tag_field="op"):
    """The session's child has ended, and every event up to then was in the batches before this one.

    Events that follow come from processes that outlived the session and carry ``detached``.
    """

    sid: str
    seq: int
    lost: dict[str, int] = {}
    account: LossAccounting | None = None


class Closed(msgspec.Struct, frozen=True, kw_only=True, tag="closed", tag_field="op"):
    """Nothing of the session follows: no process of it is left, or it is not recorded any more.

    ``reason`` says why it is not; empty in the first case.
    ``lost`` and ``account`` are final; without an account nothing is known of what was submitted.
    """

    sid: str
    seq: int
    lost: dict[str, int] = {}
    account: LossAccounting | None = None
    reason: str = ""


class Forgotten(msgspec.Struct, frozen=True, kw_only=True, tag="forgotten", tag_field="op"):
    """All of the session was acknowledged, and nothing of it is ever sent again."""

    sid: str


Delivery = Subscribed | KernelEvents | Drained | Closed | Forgotten
Lost = Mapping[str, int]

_deliveries: msgspec.json.Decoder[Delivery] = msgspec.json.Decoder(Delivery)


def encode(message: Delivery) -> bytes:
    """The body of a frame: JSON, and behind a newline the lines of ``KernelEvents``."""
    if not isinstance(message, KernelEvents):
        return to_json(message)
    return to_json(msgspec.structs.replace(message, lines=b"")) + b"\n" + message.lines


def decode(body: bytes) -> Delivery:
    """The inverse of ``encode``. Raises msgspec.DecodeError."""
    head, _, lines = body.partition(b"\n")
    message = _deliveries.decode(head)
    return msgspec.structs.replace(message, lines=lines) if isinstance(message, KernelEvents) else message
