# SPDX-License-Identifier: Apache-2.0
"""Semantic validation of role, token and lock documents, and fields without effect.

What would restrict and cannot be enforced is a problem; what would only grant is worth a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from proctor.core.clock import parse_time
from proctor.model.rbac import patterns, predicate, templates
from proctor.model.rbac.foreign import FOREIGN_KINDS, FOREIGN_SERVICES, FOREIGN_VERBS, KINDS, VERBS
from proctor.model.resources import (
    Conditions,
    ForeignConditions,
    ForeignJoining,
    ForeignOptions,
    Lock,
    Role,
    RoleOptions,
    Rule,
    Token,
    parse_duration,
)

KeyPath = tuple[str, ...]
Remark = tuple[KeyPath, str]
LOGIN = re.compile(r"[^\s,:/*{}-][^\s,:/*{}]*")
_PLACEHOLDER = re.compile(r"-teleport-nologin-[\w-]+")
_NO = frozenset({"", "no", "off", "false", "0", "none"})
_CERTIFICATE_FORMATS = frozenset({"", "standard"})
_LOCKABLE = ("user", "role", "login", "node", "server_id", "mfa_device", "access_request")
_SCOPE = frozenset({"ssh", "*"})
_USER = frozenset({("metadata", "name"), ("spec", "roles")})
_ROOTS = frozenset(
    {
        *("access_request", "ca", "host_cert", "impersonate_role", "impersonate_user", "request", "resource"),
        *("reviewer", "session", "session_tracker", "ssh_session", "user"),
    }
)


def role_problems(role: Role) -> Iterator[Remark]:
    """Key and message of everything in ``role`` that would not do what it says."""
    options = role.spec.options
    for key in ("max_session_ttl", "client_idle_timeout"):
        text = getattr(options, key)
        try:
            _ = parse_duration(text) if text else 0
        except ValueError as error:
            yield ("spec", "options", key), str(error)
    yield from _restricting_options(options)
    for name in ("allow", "deny"):
        yield from _conditions(("spec", name), getattr(role.spec, name), denies=name == "deny")


def _restricting_options(options: RoleOptions) -> Iterator[Remark]:
    for key, instead in (
        ("require_session_mfa", "a second factor for each session is not supported; expected no"),
        ("pin_source_ip", "certificates are not bound to an address; expected no"),
    ):
        if _is_on(getattr(options, key)):
            yield ("spec", "options", key), instead
    for key, harmless, message in (
        ("device_trust_mode", {"", "off", "optional"}, "devices are not checked; expected off"),
        (
            "request_access",
            {"", "optional", "denied"},
            "access requests are not supported; remove it",
        ),
    ):
        if getattr(options, key) not in harmless:
            yield ("spec", "options", key), message


def _is_on(value: Any) -> bool:
    return value is not None and str(value).lower() not in _NO


def _conditions(path: KeyPath, side: Conditions, *, denies: bool) -> Iterator[Remark]:
    for index, login in enumerate(side.logins):
        yield from _login((*path, "logins", f"[{index}]"), login)
    yield from _labels((*path, "node_labels"), side.node_labels)
    if side.node_labels_expression:
        yield from _expression((*path, "node_labels_expression"), side.node_labels_expression, _is_node_name)
    for index, rule in enumerate(side.rules):
        yield from _rule((*path, "rules", f"[{index}]"), rule, denies=denies)
    if side.namespaces and not {"default", "*"} & set(side.namespaces):
        yield (*path, "namespaces"), "there are no namespaces; expected default"
    for index, policy in enumerate(side.require_session_join):
        if not isinstance(policy, dict) or not policy.get("kinds") or _SCOPE & set(policy["kinds"]):
            message = "sessions that others must join are not supported; remove it"
            yield (*path, "require_session_join", f"[{index}]"), message


def _login(path: KeyPath, text: str) -> Iterator[Remark]:
    try:
        if templates.parse(text) or LOGIN.fullmatch(text) or _PLACEHOLDER.fullmatch(text):
            return
    except ValueError as error:
        yield path, str(error)
        return
    yield path, f"{text!r} is not a login; expected a name or {{{{internal.logins}}}}"


def _labels(path: KeyPath, labels: Mapping[str, str | Sequence[str]]) -> Iterator[Remark]:
    for key, wanted in labels.items():
        values = [wanted] if isinstance(wanted, str) else wanted
        if key == "*" and list(values) != ["*"]:
            yield (*path, key), "'*' as a label goes with the value '*' only"
        for value in values:
            try:
                if templates.parse(value) is None:
                    patterns.check(value)
            except ValueError as error:
                yield (*path, key), str(error)


def _expression(path: KeyPath, text: str, names: Any) -> Iterator[Remark]:
    try:
        predicate.check(predicate.parse(text), names)
    except ValueError as error:
        yield path, str(error)


def _is_node_name(path: KeyPath) -> bool:
    return (len(path) == 2 and path[0] == "labels") or _is_user_name(path)


def _is_user_name(path: KeyPath) -> bool:
    return path[0] == "user" and (path[1:] in _USER or (len(path) == 4 and path[1:3] == ("spec", "traits")))


def _is_documented(path: KeyPath) -> bool:
    return path[0] in _ROOTS


def _is_known(path: KeyPath) -> bool:
    return _is_user_name(path) or path in {("session", "participants"), ("session", "proto")}


def _rule(path: KeyPath, rule: Rule, *, denies: bool) -> Iterator[Remark]:
    if rule.where:
        yield from _expression((*path, "where"), rule.where, _is_documented)
    if not denies:
        return
    for key, words, known in _words(rule):
        if unknown := sorted(set(words) - known - {"*"}):
            yield (*path, key), f"{', '.join(unknown)}: not known, so that nothing would be denied"


def _words(rule: Rule) -> Iterator[tuple[str, Sequence[str], frozenset[str]]]:
    yield "resources", rule.resources, KINDS | FOREIGN_KINDS
    yield "verbs", rule.verbs, VERBS | FOREIGN_VERBS


def role_warnings(role: Role) -> Iterator[Remark]:
    """Key and message of everything in ``role`` that is kept and has no effect."""
    options, allow = role.spec.options, role.spec.allow
    if foreign := list(_set(options, ForeignOptions)):
        yield ("spec", "options", foreign[0]), _without_effect(foreign)
    if options.forward_agent:
        yield ("spec", "options", "forward_agent"), "the agent is not forwarded yet; without effect"
    if options.permit_x11_forwarding:
        yield ("spec", "options", "permit_x11_forwarding"), "X11 is not forwarded; without effect"
    if options.cert_format not in _CERTIFICATE_FORMATS:
        message = f"certificates have the standard format; {options.cert_format} is without effect"
        yield ("spec", "options", "cert_format"), message
    if foreign := [
        *_set(allow, ForeignConditions),
        *(["require_session_join"] * bool(allow.require_session_join)),
    ]:
        yield ("spec", "allow", foreign[0]), _without_effect(foreign)
    if role.version == "v3" and not allow.node_labels and not allow.node_labels_expression and allow.logins:
        message = "no node_labels, so no node: in version v3 of Teleport all nodes; write '*': '*' for them"
        yield ("spec", "allow"), message
    for index, rule in enumerate(allow.rules):
        yield from _idle_rule(("spec", "allow", "rules", f"[{index}]"), rule)


def _idle_rule(path: KeyPath, rule: Rule) -> Iterator[Remark]:
    for key, words, _ in _words(rule):
        known = (KINDS if key == "resources" else VERBS) | {"*"}
        if foreign := [word for word in dict.fromkeys(words) if word not in known]:
            yield (*path, key), f"{', '.join(foreign)}: nothing here to grant"
    if rule.where:
        unknown = dict.fromkeys(predicate.unknown_parts(predicate.parse(rule.where), _is_known))
        if unknown:
            yield (*path, "where"), f"{', '.join(unknown)}: not known here, so the rule may never apply"
    if rule.actions:
        yield (*path, "actions"), "without effect"


def token_problems(token: Token) -> Iterator[Remark]:
    """Key and message of everything in ``token`` that would not do what it says."""
    known = FOREIGN_SERVICES | {"node", "proxy"}
    if unknown := [role for role in token.spec.roles if role.lower() not in known]:
        yield ("spec", "roles"), f"{', '.join(unknown)}: not known; roles that join: node, proxy"
    if token.spec.method == "token" and token.spec.allow:
        yield ("spec", "allow"), "conditions do not go with the join method token; remove them"


def token_warnings(token: Token) -> Iterator[Remark]:
    """Key and message of everything in ``token`` that is kept and has no effect."""
    spec = token.spec
    if spec.method != "token":
        path = ("spec", "join_method" if spec.join_method else "allow")
        yield path, f"the join method {spec.method} is not offered: nothing can join with this token"
        return
    if foreign := [role for role in spec.roles if role.lower() in FOREIGN_SERVICES]:
        yield ("spec", "roles"), f"nothing can join as {', '.join(foreign)} here"
    if foreign := list(_set(spec, ForeignJoining)):
        yield ("spec", foreign[0]), _without_effect(foreign)


def lock_problems(lock: Lock) -> Iterator[Remark]:
    """Key and message of everything in ``lock`` that would not do what it says."""
    target = lock.spec.target
    for key, what in (("windows_desktop", "Windows desktops"), ("device", "devices")):
        if getattr(target, key):
            yield ("spec", "target", key), f"{what} are not known here, and cannot be locked; remove it"
    if not any(getattr(target, key) for key in target.__struct_fields__):
        names = ", ".join(_LOCKABLE)
        yield ("spec", "target"), f"nothing is named that is to be locked; expected one or more of {names}"
    for key, text in (("expires", lock.spec.expires), ("created_at", lock.spec.created_at)):
        if text and not _is_time(text):
            yield ("spec", key), f"{text!r} is not a time; expected RFC 3339, like 2030-01-01T00:00:00Z"


def _is_time(text: str) -> bool:
    try:
        return 1970 <= parse_time(text).year < 9000
    except (ValueError, OverflowError):
        return False


def _set(document: Any, base: type[Any]) -> Iterator[str]:
    """Names of the fields of ``base`` that ask for something in ``document``."""
    for name in base.__struct_fields__:
        value = getattr(document, name)
        if value not in (None, [], {}, False) and not (isinstance(value, str) and not _is_on(value)):
            yield name


def _without_effect(keys: Iterable[str]) -> str:
    return f"kept, but not offered here: {', '.join(keys)}"
