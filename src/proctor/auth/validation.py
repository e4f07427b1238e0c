# SPDX-License-Identifier: Apache-2.0
"""Semantic validation of documents; each function raises BadRequest that names the fields."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from proctor.core.errors import BadRequest
from proctor.core.text import is_printable
from proctor.model.rbac.checks import LOGIN, Remark, lock_problems, role_problems, token_problems
from proctor.model.resources import Lock, Node, Role, Token, User


def check_role(role: Role) -> None:
    """Durations, logins, patterns, predicates, restrictions: what does not work must not be stored.

    A pattern that never matches would be harmless in ``allow`` but void in ``deny``.
    """
    _refuse("role", role_problems(role))


def check_token(token: Token) -> None:
    """Roles that exist, and conditions that go with the join method."""
    _refuse("token", token_problems(token))


def check_lock(lock: Lock) -> None:
    """Something is locked, that can be locked here."""
    _refuse("lock", lock_problems(lock))


def _refuse(kind: str, problems: Iterable[Remark]) -> None:
    lines = [f"{kind}: {'.'.join(path).replace('.[', '[')}: {message}" for path, message in problems]
    if lines:
        raise BadRequest("\n".join(lines))


def check_user(user: User, known_roles: Collection[str]) -> None:
    """A usable name, roles that exist, logins that can be logins."""
    name = user.metadata.name
    if name.startswith("-") or any(mark in name for mark in "/\\ ") or not is_printable(name):
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
        if not LOGIN.fullmatch(login) or not is_printable(login):
            raise BadRequest(f"{login!r} is no login")


MAX_LABELS, MAX_LABEL = 64, 256
MAX_VERSION = 64


def check_reported(node: Node) -> None:
    """Check a host's report: printable, and of limited length."""
    spec = node.spec
    texts = {"version": spec.server_version, "hostname": spec.hostname, "address": spec.addr}
    texts |= {f"label {key!r}": f"{key}={value}" for key, value in spec.labels.items()}
    for what, text in texts.items():
        if not is_printable(text) or len(text) > 2 * MAX_LABEL:
            raise BadRequest(f"the {what} of the host is too long or not printable")
    if len(spec.labels) > MAX_LABELS or len(spec.server_version) > MAX_VERSION:
        raise BadRequest(f"a host has at most {MAX_LABELS} labels, and a version of {MAX_VERSION} characters")
