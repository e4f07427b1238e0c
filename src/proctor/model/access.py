# SPDX-License-Identifier: Apache-2.0
"""The access decision: pure, with its reason; used by proxy, node, auth service and ``tctl``.

Rules (Teleport's role model): deny beats allow, nothing is allowed by default, labels match by
glob, ``^regex$`` or predicate; what a predicate cannot know counts as no where a role allows and
as yes where it denies. Options of several roles merge as the docstring of SessionOptions says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from proctor.model.identity import UserIdentity
from proctor.model.network import PROTOCOLS, NetworkPolicy, Reach, parse_networks, parse_ports
from proctor.model.rbac import patterns, predicate, templates
from proctor.model.rbac.templates import Traits
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

    ``enhanced_recording``: union. ``strict_recording``: strictest wins. ``forward_agent``: any role.
    ``port_forwarding``: any role, unless ``ssh_port_forwarding`` of one says no. ``ssh_file_copy``: all
    roles. TTLs (seconds) and limits (0 = none): minimum.
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


def _expand(logins: Iterable[str], traits: Traits) -> Iterable[str]:
    for login in logins:
        if not login.startswith("-"):  # placeholders of exported roles; and the internal principals
            yield from (each for each in templates.expand(login, traits) if not each.startswith("-"))


def check_login(
    identity: UserIdentity, roles: Sequence[Role], node_labels: Mapping[str, str], login: str
) -> Decision:
    """May ``identity`` open sessions as ``login`` on a node with ``node_labels``?"""
    for role in roles:
        if login in _expand(role.spec.deny.logins, identity.traits):
            return Decision(False, f"role {role.metadata.name} denies login {login}")
        if _denies_node(role.spec.deny, identity, node_labels):
            return Decision(False, f"role {role.metadata.name} denies access to this node's labels")
    matching = [role for role in roles if _allows_node(role.spec.allow, identity, node_labels)]
    if not matching:
        return Decision(False, f"no role of user {identity.username} allows access to this node")
    for role in matching:
        if login in _expand(role.spec.allow.logins, identity.traits):
            return Decision(True, f"allowed by role {role.metadata.name}")
    return Decision(False, f"no role of user {identity.username} allows login {login} on this node")


def _denies_node(deny: Conditions, identity: UserIdentity, labels: Mapping[str, str]) -> bool:
    """Labels or predicate match; a predicate that cannot be decided denies."""
    if match_labels(deny.node_labels, labels, identity.traits):
        return True
    expression = deny.node_labels_expression
    return bool(expression) and _node_predicate(expression, identity, labels) is not False


def _allows_node(allow: Conditions, identity: UserIdentity, labels: Mapping[str, str]) -> bool:
    """Labels and predicate match, as far as they are given; one of them must be."""
    expression = allow.node_labels_expression
    if expression and _node_predicate(expression, identity, labels) is not True:
        return False
    if not allow.node_labels:
        return bool(expression)
    return match_labels(allow.node_labels, labels, identity.traits)


def _node_predicate(text: str, identity: UserIdentity, labels: Mapping[str, str]) -> predicate.Value:
    def lookup(path: predicate.Path) -> predicate.Value:
        if path[0] == "labels" and len(path) == 2:
            return labels.get(path[1], "")
        return _user_value(identity, path)

    return _decided(text, lookup)


def _decided(text: str, lookup: predicate.Lookup) -> predicate.Value:
    """The value of a predicate; Unknown for one that is malformed, which is refused before it is stored."""
    try:
        return predicate.evaluate(predicate.parse(text), lookup)
    except predicate.PredicateError:
        return None


def _user_value(identity: UserIdentity, path: predicate.Path) -> predicate.Value:
    match path:
        case ("user", "metadata", "name"):
            return identity.username
        case ("user", "spec", "roles"):
            return tuple(identity.roles)
        case ("user", "spec", "traits", trait):
            return tuple(identity.traits.get(trait, ()))
    return None


def check_node(identity: UserIdentity, roles: Sequence[Role], node_labels: Mapping[str, str]) -> Decision:
    """May ``identity`` see and dial a node with ``node_labels``, whatever the login?"""
    for login in logins_of(roles, identity.traits):
        if decision := check_login(identity, roles, node_labels, login):
            return decision
    return Decision(False, f"no role of user {identity.username} allows access to this node")


def match_labels(
    wanted: Mapping[str, str | Sequence[str]], labels: Mapping[str, str], traits: Traits | None = None
) -> bool:
    """Do all ``wanted`` patterns match ``labels``? An empty mapping matches nothing; ``'*': '*'`` all."""
    if not wanted:
        return False
    return all(_match_label(key, patterns, labels, traits or {}) for key, patterns in wanted.items())


def _match_label(key: str, wanted: str | Sequence[str], labels: Mapping[str, str], traits: Traits) -> bool:
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if key == "*":
        return "*" in wanted
    if key not in labels:
        return False
    return any(
        patterns.matches(each, labels[key]) for text in wanted for each in templates.expand(text, traits)
    )


def check_resource(
    identity: UserIdentity,
    roles: Sequence[Role],
    resource: str,
    verb: str,
    *,
    participants: Sequence[str] = (),
) -> Decision:
    """May ``identity`` do ``verb`` (list, read, create, update, delete) on a kind of resource?

    ``participants``: the users of a session, for rules with a condition such as
    ``contains(session.participants, user.metadata.name)``.
    """

    def lookup(path: predicate.Path) -> predicate.Value:
        if path == ("session", "participants"):
            return tuple(participants)
        if path == ("session", "proto"):
            return "ssh"
        return _user_value(identity, path)

    for role in roles:
        if any(
            _match_rule(rule, resource, verb) and _holds(rule, lookup) is not False
            for rule in role.spec.deny.rules
        ):
            return Decision(False, f"role {role.metadata.name} denies {verb} on {resource}")
    for role in roles:
        if any(
            _match_rule(rule, resource, verb) and _holds(rule, lookup) is True
            for rule in role.spec.allow.rules
        ):
            return Decision(True, f"allowed by role {role.metadata.name}")
    return Decision(False, f"no role of user {identity.username} allows {verb} on {resource}")


OWN_SESSION = "contains(session.participants, user.metadata.name)"


def _match_rule(rule: Rule, resource: str, verb: str) -> bool:
    named = resource in rule.resources or "*" in rule.resources
    # Reading without secrets is what reading is here, except that the name of a token is its secret.
    plain = verb == "read" and resource != "token" and "readnosecrets" in rule.verbs
    return named and (verb in rule.verbs or "*" in rule.verbs or plain)


def _holds(rule: Rule, lookup: predicate.Lookup) -> predicate.Value:
    return _decided(rule.where, lookup) if rule.where else True


def session_options(roles: Sequence[Role]) -> SessionOptions:
    """The options of all ``roles``, merged."""
    options = [role.spec.options for role in roles]
    kinds = {kind for option in options for kind in _enhanced(option.enhanced_recording)}
    ttls = [parse_duration(option.max_session_ttl) for option in options if option.max_session_ttl]
    forwarding = [option.ssh_port_forwarding.local for option in options if option.ssh_port_forwarding]
    closed = any(local is not None and local.enabled is False for local in forwarding)
    idle = [parse_duration(o.client_idle_timeout) for o in options if o.client_idle_timeout]
    recordings = [option.record_session for option in options if option.record_session]
    return SessionOptions(
        enhanced_recording=tuple(kind for kind in ENHANCED_KINDS if kind in kinds),
        strict_recording=any((record.ssh or record.default) == "strict" for record in recordings),
        port_forwarding=not closed and any(option.port_forwarding is not False for option in options),
        forward_agent=any(bool(option.forward_agent) for option in options),
        ssh_file_copy=all(option.ssh_file_copy is not False for option in options),
        max_session_ttl=min(filter(None, ttls), default=DEFAULT_MAX_SESSION_TTL),
        client_idle_timeout=min(filter(None, idle), default=0),
        max_sessions=min((o.max_sessions for o in options if o.max_sessions), default=0),
        max_connections=min((o.max_connections for o in options if o.max_connections), default=0),
        disconnect_expired_cert=any(bool(option.disconnect_expired_cert) for option in options),
        network=network_policy(roles),
    )


def at_least(options: SessionOptions, kinds: Collection[EnhancedKind], *, strict: bool) -> SessionOptions:
    """``options`` with ``kinds`` recorded as well, and strictly if ``strict``."""
    recorded = {*options.enhanced_recording, *kinds}
    return msgspec.structs.replace(
        options,
        enhanced_recording=tuple(kind for kind in ENHANCED_KINDS if kind in recorded),
        strict_recording=options.strict_recording or strict,
    )


def network_policy(roles: Sequence[Role]) -> NetworkPolicy | None:
    """Merge network rules: a denial of any role holds; with any ``allow``, only what some role allows is.

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
