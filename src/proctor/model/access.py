"""The access decision: pure, with its reason; used by proxy, node, auth service and ``tctl``.

Rules (Teleport's role model): deny beats allow, nothing is allowed by default, labels match by
glob or ``^regex$``; options of several roles merge as the docstrings of SessionOptions say.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from proctor.model.identity import UserIdentity
from proctor.model.network import PROTOCOLS, NetworkPolicy, Reach, parse_networks, parse_ports
from proctor.model.resources import (
    ENHANCED_DEFAULT,
    ENHANCED_KINDS,
    Conditions,
    EnhancedKind,
    NetworkRule,
    Role,
    Rule,
    parse_duration,
)

DEFAULT_MAX_SESSION_TTL = 30 * 3600
INTERNAL_LOGINS = "{{internal.logins}}"


class Decision(msgspec.Struct, frozen=True):
    """Allowed or not, and the sentence to show and to audit."""

    allowed: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed


class SessionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options in force for one identity, merged over its roles.

    ``enhanced_recording``: union. ``strict_recording``: strictest wins. ``port_forwarding``,
    ``forward_agent``: any role. ``ssh_file_copy``: all roles. TTLs (seconds) and limits (0 = none): minimum.
    ``network``: as ``network_policy`` says; None restricts nothing.
    """

    enhanced_recording: tuple[EnhancedKind, ...]
    strict_recording: bool
    port_forwarding: bool
    forward_agent: bool
    ssh_file_copy: bool
    max_session_ttl: int
    client_idle_timeout: int
    max_sessions: int
    max_connections: int
    disconnect_expired_cert: bool
    network: NetworkPolicy | None = None


def logins_of(roles: Iterable[Role], traits: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Logins allowed by ``roles`` less those denied, templates expanded from ``traits``, sorted."""
    roles = list(roles)
    allowed = {login for role in roles for login in _expand(role.spec.allow.logins, traits)}
    denied = {login for role in roles for login in _expand(role.spec.deny.logins, traits)}
    return tuple(sorted(allowed - denied))


def _expand(logins: Iterable[str], traits: Mapping[str, Sequence[str]]) -> Iterable[str]:
    for login in logins:
        template = re.fullmatch(r"\{\{\s*(internal|external)\.([\w-]+)\s*\}\}", login)
        if template is None:
            yield login
        else:
            yield from traits.get(template.group(2), ())


def check_login(
    identity: UserIdentity, roles: Sequence[Role], node_labels: Mapping[str, str], login: str
) -> Decision:
    """May ``identity`` open sessions as ``login`` on a node with ``node_labels``?"""
    for role in roles:
        deny = role.spec.deny
        if login in _expand(deny.logins, identity.traits):
            return Decision(False, f"role {role.metadata.name} denies login {login}")
        if deny.node_labels and match_labels(deny.node_labels, node_labels):
            return Decision(False, f"role {role.metadata.name} denies access to this node's labels")
    matching = [role for role in roles if match_labels(role.spec.allow.node_labels, node_labels)]
    if not matching:
        return Decision(False, f"no role of user {identity.username} allows access to this node")
    for role in matching:
        if login in _expand(role.spec.allow.logins, identity.traits):
            return Decision(True, f"allowed by role {role.metadata.name}")
    return Decision(False, f"no role of user {identity.username} allows login {login} on this node")


def check_node(identity: UserIdentity, roles: Sequence[Role], node_labels: Mapping[str, str]) -> Decision:
    """May ``identity`` see and dial a node with ``node_labels``, whatever the login?"""
    for login in logins_of(roles, identity.traits):
        if decision := check_login(identity, roles, node_labels, login):
            return decision
    return Decision(False, f"no role of user {identity.username} allows access to this node")


def match_labels(wanted: Mapping[str, str | Sequence[str]], labels: Mapping[str, str]) -> bool:
    """Do all ``wanted`` patterns match ``labels``? An empty mapping matches nothing; ``'*': '*'`` all."""
    if not wanted:
        return False
    return all(_match_label(key, patterns, labels) for key, patterns in wanted.items())


def _match_label(key: str, patterns: str | Sequence[str], labels: Mapping[str, str]) -> bool:
    patterns = [patterns] if isinstance(patterns, str) else patterns
    if key == "*":
        return "*" in patterns
    return key in labels and any(_match_value(pattern, labels[key]) for pattern in patterns)


def _match_value(pattern: str, value: str) -> bool:
    if pattern.startswith("^") and pattern.endswith("$"):
        return re.fullmatch(pattern[1:-1], value) is not None
    return fnmatch.fnmatchcase(value, pattern)


def check_resource(
    identity: UserIdentity,
    roles: Sequence[Role],
    resource: str,
    verb: str,
    *,
    participants: Sequence[str] = (),
) -> Decision:
    """May ``identity`` do ``verb`` (list, read, create, update, delete) on a kind of resource?

    ``participants``: the users of a session, for rules with the condition
    ``contains(session.participants, user.metadata.name)``.
    """
    own = identity.username in participants
    for role in roles:
        if _any_rule(role.spec.deny, resource, verb, own):
            return Decision(False, f"role {role.metadata.name} denies {verb} on {resource}")
    for role in roles:
        if _any_rule(role.spec.allow, resource, verb, own):
            return Decision(True, f"allowed by role {role.metadata.name}")
    return Decision(False, f"no role of user {identity.username} allows {verb} on {resource}")


OWN_SESSION = "contains(session.participants, user.metadata.name)"


def _any_rule(side: Conditions, resource: str, verb: str, own: bool) -> bool:
    return any(_match_rule(rule, resource, verb, own) for rule in side.rules)


def _match_rule(rule: Rule, resource: str, verb: str, own: bool) -> bool:
    named = resource in rule.resources or "*" in rule.resources
    may = verb in rule.verbs or "*" in rule.verbs
    return named and may and (not rule.where or (rule.where == OWN_SESSION and own))


def session_options(roles: Sequence[Role]) -> SessionOptions:
    """The options of all ``roles``, merged."""
    options = [role.spec.options for role in roles]
    kinds = {kind for option in options for kind in _enhanced(option.enhanced_recording)}
    ttls = [parse_duration(option.max_session_ttl) for option in options if option.max_session_ttl]
    idle = [parse_duration(o.client_idle_timeout) for o in options if o.client_idle_timeout]
    recordings = [option.record_session for option in options if option.record_session]
    return SessionOptions(
        enhanced_recording=tuple(kind for kind in ENHANCED_KINDS if kind in kinds),
        strict_recording=any((record.ssh or record.default) == "strict" for record in recordings),
        port_forwarding=any(option.port_forwarding is not False for option in options),
        forward_agent=any(bool(option.forward_agent) for option in options),
        ssh_file_copy=all(option.ssh_file_copy is not False for option in options),
        max_session_ttl=min(ttls, default=DEFAULT_MAX_SESSION_TTL),
        client_idle_timeout=min(filter(None, idle), default=0),
        max_sessions=min((o.max_sessions for o in options if o.max_sessions), default=0),
        max_connections=min((o.max_connections for o in options if o.max_connections), default=0),
        disconnect_expired_cert=any(bool(option.disconnect_expired_cert) for option in options),
        network=network_policy(roles),
    )


def network_policy(roles: Sequence[Role]) -> NetworkPolicy | None:
    """What all ``roles`` deny is denied. As soon as one says what it allows, only what some role says is.

    None when no role says anything.
    """
    allowed = [role.spec.allow.network for role in roles if role.spec.allow.network is not None]
    denied = [rule for role in roles for rule in role.spec.deny.network or ()]
    if not allowed and not denied:
        return None
    allow = tuple(reach for rules in allowed for rule in rules for reach in _reaches(rule))
    deny = tuple(reach for rule in denied for reach in _reaches(rule))
    return NetworkPolicy(allow if allowed else None, deny)


def _reaches(rule: NetworkRule) -> Iterable[Reach]:
    ports = parse_ports(rule.ports)
    tcp, udp = ((ports if rule.protocol in ("any", protocol) else ()) for protocol in PROTOCOLS)
    return (Reach(str(network), tcp, udp) for network in parse_networks(rule.cidr))


def _enhanced(kinds: list[EnhancedKind] | None) -> Sequence[EnhancedKind]:
    return ENHANCED_DEFAULT if kinds is None else kinds
