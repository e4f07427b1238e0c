# SPDX-License-Identifier: Apache-2.0
"""Documents kept by the auth service: versioned, as read and written by ``tctl get`` and ``create``.

Field names are those of Teleport's resources (role v3 to v8; user, token, node, lock v2), see
docs/resources.md.
"""

from __future__ import annotations

import math
import re
from typing import Any, Literal

import msgspec

from proctor.model.network import parse_networks, parse_ports

Labels = dict[str, str]
EnhancedKind = Literal["command", "disk", "network"]
JoinMethod = Literal[
    "token", "azure", "azure_devops", "bitbucket", "bound_keypair", "circleci", "ec2", "env0", "gcp",
    "github", "gitlab", "iam", "kubernetes", "oracle", "spacelift", "terraform_cloud", "tpm",
]  # fmt: skip
"""How hosts join; only ``token`` is offered."""
ENHANCED_KINDS: tuple[EnhancedKind, ...] = ("command", "disk", "network")
ENHANCED_DEFAULT: tuple[EnhancedKind, ...] = ("command", "network")
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = r"(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|ns|[dhms])"
_LONGEST = 100 * 365 * 86400


def parse_duration(text: str) -> int:
    """Seconds in a duration as Go writes it (``1h30m0s``, ``1.5h``), in days (``365d``); 0 for ``never``.

    Parts of a second are rounded up, so that what is not zero does not become it. Raises ValueError.
    """
    if text in {"0", "never"}:
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
    """Verbs allowed or denied on kinds of resources; ``*`` stands for any.

    ``where``: a predicate (``model.rbac.predicate``). ``actions``: of old roles, without effect.
    """

    resources: list[str]
    verbs: list[str]
    where: str = ""
    actions: list[str] = []


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


class ForeignConditions(Document):
    """What a role says of protocols and features that are not offered: kept as it is, and without effect."""

    account_assignments: Any = None
    app_labels: Any = None
    app_labels_expression: Any = None
    aws_role_arns: Any = None
    azure_identities: Any = None
    cluster_labels: Any = None
    cluster_labels_expression: Any = None
    db_labels: Any = None
    db_labels_expression: Any = None
    db_names: Any = None
    db_permissions: Any = None
    db_roles: Any = None
    db_service_labels: Any = None
    db_service_labels_expression: Any = None
    db_users: Any = None
    desktop_groups: Any = None
    gcp_service_accounts: Any = None
    github_permissions: Any = None
    group_labels: Any = None
    group_labels_expression: Any = None
    host_groups: Any = None
    host_sudoers: Any = None
    impersonate: Any = None
    join_sessions: Any = None
    kubernetes_groups: Any = None
    kubernetes_labels: Any = None
    kubernetes_labels_expression: Any = None
    kubernetes_resources: Any = None
    kubernetes_users: Any = None
    linux_desktop_labels: Any = None
    linux_desktop_labels_expression: Any = None
    mcp: Any = None
    request: Any = None
    review_requests: Any = None
    saml_idp_service_provider_labels: Any = None
    spiffe: Any = None
    windows_desktop_labels: Any = None
    windows_desktop_labels_expression: Any = None
    windows_desktop_logins: Any = None
    workload_identity_labels: Any = None
    workload_identity_labels_expression: Any = None


class Conditions(ForeignConditions):
    """One side, allow or deny, of a role.

    ``network`` restricts where sessions connect to: an empty list that allows lets them go nowhere.
    ``node_labels_expression``: a predicate (``model.rbac.predicate``) over ``labels`` and ``user``.
    ``namespaces`` and ``require_session_join`` are checked, see ``model.rbac.checks``.
    """

    logins: list[str] = []
    node_labels: dict[str, str | list[str]] = {}
    node_labels_expression: str = ""
    rules: list[Rule] = []
    network: list[NetworkRule] | None = None
    namespaces: list[str] = []
    require_session_join: list[Any] = []


class RecordSession(Document):
    """What to do when a session cannot be recorded; the rest is without effect."""

    default: Literal["strict", "best_effort"] = "best_effort"
    ssh: Literal["strict", "best_effort", ""] = ""
    desktop: Any = None
    db: Any = None
    k8s: Any = None


class Forwarding(Document):
    """Forwarding of one direction."""

    enabled: bool | None = None


class PortForwarding(Document):
    """Forwarding by direction (role v8): ``local`` as ``port_forwarding``; ``remote`` is not offered."""

    local: Forwarding | None = None
    remote: Forwarding | None = None


class ForeignOptions(Document):
    """Options about protocols and features that are not offered: kept as they are, and without effect."""

    cert_extensions: Any = None
    create_db_user: Any = None
    create_db_user_mode: Any = None
    create_desktop_user: Any = None
    create_host_user: Any = None
    create_host_user_default_shell: Any = None
    create_host_user_mode: Any = None
    desktop_clipboard: Any = None
    desktop_directory_sharing: Any = None
    idp: Any = None
    max_kubernetes_connections: Any = None
    mfa_verification_interval: Any = None
    record_desktop_session: Any = None
    request_prompt: Any = None


class RoleOptions(ForeignOptions):
    """Options of a role; see ``model.access`` for how several roles merge.

    ``lock``: what holds when a host's list of locks is out of date, see ``model.rbac.locks``. Those from
    ``require_session_mfa`` on would restrict and are not enforced: only values that restrict nothing are
    accepted, see ``model.rbac.checks``.
    """

    max_session_ttl: str = ""
    enhanced_recording: list[EnhancedKind] | None = None
    record_session: RecordSession | None = None
    port_forwarding: bool | None = None
    ssh_port_forwarding: PortForwarding | None = None
    forward_agent: bool | None = None
    ssh_file_copy: bool | None = None
    permit_x11_forwarding: bool | None = None
    client_idle_timeout: str = ""
    disconnect_expired_cert: bool | None = None
    max_sessions: int = 0
    max_connections: int = 0
    cert_format: str = ""
    lock: Literal["strict", "best_effort", ""] = ""
    require_session_mfa: Any = None
    pin_source_ip: Any = None
    device_trust_mode: str = ""
    request_access: str = ""


class RoleSpec(Document):
    """What a role allows, denies and sets."""

    options: RoleOptions = msgspec.field(default_factory=RoleOptions)
    allow: Conditions = msgspec.field(default_factory=Conditions)
    deny: Conditions = msgspec.field(default_factory=Conditions)


class Role(Document, kw_only=True, omit_defaults=False):
    """A role document."""

    kind: Literal["role"] = "role"
    version: Literal["v3", "v4", "v5", "v6", "v7", "v8"] = "v7"
    sub_kind: str = ""
    metadata: Metadata
    spec: RoleSpec = msgspec.field(default_factory=RoleSpec)


class UserSpec(Document):
    """Roles and traits of a person; secrets are kept apart and never leave the auth service."""

    roles: list[str] = []
    traits: dict[str, list[str]] = {}
    created_by: dict[str, Any] = {}
    expires: str = ""
    status: dict[str, Any] = {}
    github_identities: Any = None
    oidc_identities: Any = None
    saml_identities: Any = None
    trusted_device_ids: Any = None


class User(Document, kw_only=True, omit_defaults=False):
    """A user document."""

    kind: Literal["user"] = "user"
    version: Literal["v2"] = "v2"
    sub_kind: str = ""
    metadata: Metadata
    spec: UserSpec = msgspec.field(default_factory=UserSpec)


class ForeignJoining(Document):
    """Settings of join methods that are not offered: kept as they are, and without effect."""

    allow: Any = None
    aws_iid_ttl: Any = None
    azure: Any = None
    azure_devops: Any = None
    bitbucket: Any = None
    bot_name: Any = None
    bound_keypair: Any = None
    circleci: Any = None
    env0: Any = None
    gcp: Any = None
    github: Any = None
    gitlab: Any = None
    kubernetes: Any = None
    oracle: Any = None
    spacelift: Any = None
    suggested_agent_matcher_labels: Any = None
    suggested_labels: Any = None
    terraform_cloud: Any = None
    tpm: Any = None


class TokenSpec(ForeignJoining, kw_only=True):
    """Which services a token may join, and how.

    ``host_names``: the only names that hosts may have that join with it (``*`` and ``?`` as in a shell), even
    if another host holds them. ``host_addresses``: networks whose addresses their certificates may name.
    """

    roles: list[str]
    join_method: JoinMethod | Literal[""] = ""
    host_names: list[str] = []
    host_addresses: list[str] = []

    def __post_init__(self) -> None:
        parse_networks(self.host_addresses)

    @property
    def method(self) -> JoinMethod:
        """The join method in force: where none is named, conditions (``allow``) make it ``ec2``."""
        return self.join_method or ("ec2" if self.allow else "token")


class Token(Document, kw_only=True, omit_defaults=False):
    """A join token; ``metadata.name`` is the secret itself when the join method is ``token``."""

    kind: Literal["token"] = "token"
    version: Literal["v2"] = "v2"
    sub_kind: str = ""
    metadata: Metadata
    spec: TokenSpec
    status: Any = None


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


class LockTarget(Document, kw_only=True):
    """What a lock is about: names as they are, without patterns; where several are given, all must match.

    ``node``: id or name of a host. ``server_id``: id of a host. ``mfa_device``: UUID of a second factor.
    ``device`` and ``windows_desktop`` are not offered, see ``model.rbac.checks``.
    """

    user: str = ""
    role: str = ""
    login: str = ""
    node: str = ""
    mfa_device: str = ""
    windows_desktop: str = ""
    access_request: str = ""
    device: str = ""
    server_id: str = ""


class LockSpec(Document, kw_only=True):
    """Target, what to tell whom it concerns, and when it ends; times are RFC 3339, empty: never."""

    target: LockTarget
    message: str = ""
    expires: str = ""
    created_at: str = ""
    created_by: str = ""


class Lock(Document, kw_only=True, omit_defaults=False):
    """A lock: while it is in force, nothing that it targets gets access."""

    kind: Literal["lock"] = "lock"
    version: Literal["v2"] = "v2"
    sub_kind: str = ""
    metadata: Metadata
    spec: LockSpec


Resource = Role | User | Token | Node | Lock
KINDS: dict[str, type[Resource]] = {
    "role": Role,
    "user": User,
    "token": Token,
    "node": Node,
    "lock": Lock,
}
