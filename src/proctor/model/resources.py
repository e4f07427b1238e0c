"""Documents kept by the auth service: versioned, as read and written by ``tctl get`` and ``create``.

Field names are those of Teleport's resources (role v7, user v2, token v2), see docs/resources.md.
"""

from __future__ import annotations

import math
import re
from typing import Any, Literal

import msgspec

from proctor.model.network import parse_networks, parse_ports

Labels = dict[str, str]
EnhancedKind = Literal["command", "disk", "network"]
ENHANCED_KINDS: tuple[EnhancedKind, ...] = ("command", "disk", "network")
ENHANCED_DEFAULT: tuple[EnhancedKind, ...] = ("command", "network")
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = r"(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|ns|[dhms])"
_LONGEST = 100 * 365 * 86400


def parse_duration(text: str) -> int:
    """Seconds in a duration as Go writes it (``12h``, ``1h30m0s``, ``1.5h``) or in days (``365d``).

    Parts of a second are rounded up, so that what is not zero does not become it. Raises ValueError.
    """
    if text == "0":
        return 0
    if not re.fullmatch(f"(?:{_PART})+", text, re.ASCII):
        raise ValueError(f"{text!r} is not a duration (examples: 30s, 5m, 12h, 1h30m)")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, text, re.ASCII))
    if seconds > _LONGEST:
        raise ValueError(f"{text!r} is more than 100 years")
    return math.ceil(round(seconds, 6)) or int(seconds > 0)


def format_duration(seconds: int) -> str:
    """``12h0m0s``: hours, minutes and seconds, as Go prints durations."""
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    if hour:
        return f"{hour}h{minute}m{second}s"
    return f"{minute}m{second}s" if minute else f"{second}s"


class Document(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base of nested documents: unknown keys are an error, defaults are not written."""


class Metadata(Document, kw_only=True):
    """Name and bookkeeping of a resource; ``expires`` is RFC 3339."""

    name: str
    namespace: str = ""
    description: str = ""
    labels: Labels = {}
    expires: str = ""
    revision: str = ""
    id: int = 0


class Rule(Document, kw_only=True):
    """Verbs allowed or denied on kinds of resources; ``*`` stands for any."""

    resources: list[str]
    verbs: list[str]
    where: str = ""


class NetworkRule(Document, kw_only=True):
    """Destinations of sessions: all addresses of a network, all of their ports unless some are named.

    ``cidr``: one or several networks. ``ports``: numbers, or texts such as ``8000-8100``.
    """

    cidr: str | list[str]
    ports: list[int | str] = []
    protocol: Literal["any", "tcp", "udp"] = "any"

    def __post_init__(self) -> None:
        parse_networks(self.cidr)
        parse_ports(self.ports)


class Conditions(Document):
    """One side, allow or deny, of a role.

    ``network`` restricts where sessions connect to: an empty list that allows lets them go nowhere.
    """

    logins: list[str] = []
    node_labels: dict[str, str | list[str]] = {}
    rules: list[Rule] = []
    network: list[NetworkRule] | None = None


class RecordSession(Document):
    """What to do when a session cannot be recorded."""

    default: Literal["strict", "best_effort"] = "best_effort"
    ssh: Literal["strict", "best_effort", ""] = ""


class RoleOptions(Document):
    """Options of a role; see ``model.access`` for how several roles merge."""

    max_session_ttl: str = ""
    enhanced_recording: list[EnhancedKind] | None = None
    record_session: RecordSession | None = None
    port_forwarding: bool | None = None
    forward_agent: bool | None = None
    ssh_file_copy: bool | None = None
    permit_x11_forwarding: bool | None = None
    client_idle_timeout: str = ""
    disconnect_expired_cert: bool | None = None
    max_sessions: int = 0
    max_connections: int = 0
    cert_format: str = ""


class RoleSpec(Document):
    """What a role allows, denies and sets."""

    options: RoleOptions = msgspec.field(default_factory=RoleOptions)
    allow: Conditions = msgspec.field(default_factory=Conditions)
    deny: Conditions = msgspec.field(default_factory=Conditions)


class Role(Document, kw_only=True, omit_defaults=False):
    """A role document."""

    kind: Literal["role"] = "role"
    version: Literal["v3", "v4", "v5", "v6", "v7"] = "v7"
    metadata: Metadata
    spec: RoleSpec = msgspec.field(default_factory=RoleSpec)


class UserSpec(Document):
    """Roles and traits of a person; secrets are kept apart and never leave the auth service."""

    roles: list[str] = []
    traits: dict[str, list[str]] = {}
    created_by: dict[str, Any] = {}
    expires: str = ""
    status: dict[str, Any] = {}


class User(Document, kw_only=True, omit_defaults=False):
    """A user document."""

    kind: Literal["user"] = "user"
    version: Literal["v2"] = "v2"
    metadata: Metadata
    spec: UserSpec = msgspec.field(default_factory=UserSpec)


class TokenSpec(Document, kw_only=True):
    """Which services a token may join, and how."""

    roles: list[str]
    join_method: Literal["token"] = "token"


class Token(Document, kw_only=True, omit_defaults=False):
    """A join token; ``metadata.name`` is the secret itself."""

    kind: Literal["token"] = "token"
    version: Literal["v2"] = "v2"
    metadata: Metadata
    spec: TokenSpec


class NodeSpec(Document, kw_only=True):
    """Where a node listens and what it runs; written by its heartbeat."""

    hostname: str
    addr: str
    labels: Labels = {}
    server_version: str = ""
    enhanced_recording: bool = False
    last_seen: str = ""


class Node(Document, kw_only=True, omit_defaults=False):
    """A node; ``metadata.name`` is its host UUID."""

    kind: Literal["node"] = "node"
    version: Literal["v2"] = "v2"
    metadata: Metadata
    spec: NodeSpec


Resource = Role | User | Token | Node
KINDS: dict[str, type[Resource]] = {"role": Role, "user": User, "token": Token, "node": Node}
