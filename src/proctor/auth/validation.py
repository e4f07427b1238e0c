"""What documents must hold beyond their shape; each function raises BadRequest that names the field."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from proctor.core.errors import BadRequest
from proctor.model.access import OWN_SESSION
from proctor.model.resources import Conditions, Role, User, parse_duration

_LOGIN = re.compile(r"[^\s,:/*{}-][^\s,:/*{}]*")
_TEMPLATE = re.compile(r"\{\{\s*(internal|external)\.[\w-]+\s*\}\}")


def check_role(role: Role) -> None:
    """Durations, logins, label patterns and conditions of rules: what does not work must not be stored.

    A pattern that never matches would be harmless in ``allow`` but void in ``deny``.
    """
    for key in ("max_session_ttl", "client_idle_timeout"):
        _check_duration(f"spec.options.{key}", getattr(role.spec.options, key))
    for side in ("allow", "deny"):
        _check_conditions(f"spec.{side}", getattr(role.spec, side))


def _check_duration(where: str, text: str) -> None:
    try:
        _ = parse_duration(text) if text else 0
    except ValueError as error:
        raise BadRequest(f"role: {where}: {error}") from None


def _check_conditions(where: str, conditions: Conditions) -> None:
    for login in conditions.logins:
        if not (_TEMPLATE.fullmatch(login) or _LOGIN.fullmatch(login)):
            raise BadRequest(
                f"role: {where}.logins: {login!r} is no login", hint="Use a name or {{internal.logins}}."
            )
    _check_labels(f"{where}.node_labels", conditions.node_labels)
    for rule in conditions.rules:
        if rule.where not in {"", OWN_SESSION}:
            raise BadRequest(
                f"role: {where}.rules: the condition {rule.where!r} is not known",
                hint=f"Known is: {OWN_SESSION}",
            )


def _check_labels(where: str, labels: Mapping[str, str | Sequence[str]]) -> None:
    for key, patterns in labels.items():
        values = [patterns] if isinstance(patterns, str) else patterns
        if key == "*" and list(values) != ["*"]:
            raise BadRequest(f"role: {where}: '*' as a label goes with the value '*' only")
        for pattern in values:
            _check_pattern(f"{where}.{key}", pattern)


def _check_pattern(where: str, pattern: str) -> None:
    if not (pattern.startswith("^") and pattern.endswith("$")):
        return
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadRequest(f"role: {where}: {pattern!r} is no regular expression: {error}") from None


def check_user(user: User, known_roles: Collection[str]) -> None:
    """A usable name, roles that exist, logins that can be logins."""
    name = user.metadata.name
    if name.startswith("-") or any(mark in name for mark in "/\\ \n"):
        raise BadRequest(f"{name!r} is not a name for a user")
    if not user.spec.roles:
        raise BadRequest("a user needs at least one role", hint="For example: --roles=access")
    if unknown := sorted(set(user.spec.roles) - set(known_roles)):
        raise BadRequest(
            f"role {unknown[0]} does not exist", hint=f"Roles: {', '.join(sorted(known_roles))}."
        )
    check_logins(user.spec.traits.get("logins", ()))


def check_logins(logins: Iterable[str]) -> None:
    """Names of accounts on hosts."""
    for login in logins:
        if not _LOGIN.fullmatch(login):
            raise BadRequest(f"{login!r} is no login")
