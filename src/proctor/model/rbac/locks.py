# SPDX-License-Identifier: Apache-2.0
"""Withdrawal of access before a certificate ends: locks (Teleport's lock v2) and revocations. Pure.

Names of targets are literal. A lock with several targets holds where all of them match.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from proctor.core.clock import format_time, parse_time
from proctor.model.identity import UserIdentity
from proctor.model.resources import Lock, LockTarget, Role

LockingMode = Literal["strict", "best_effort"]
"""What holds when a list of locks is out of date: nothing is allowed, or the list as it is."""

ROUNDING = timedelta(seconds=1)
"""Certificates have whole seconds."""

REVOKED = "the certificate has been revoked"
OUTDATED = "the list of locks is out of date here, and the locking mode is strict"

_NAMES = (
    ("User", "user"),
    ("Role", "role"),
    ("Login", "login"),
    ("Node", "node"),
    ("MFADevice", "mfa_device"),
    ("AccessRequest", "access_request"),
    ("ServerID", "server_id"),
)
"""Targets as messages spell them (Teleport's LockTarget, in the order of its fields)."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The object of a comparison with locks: a person, a host, or both; empty where not known."""

    user: str = ""
    roles: tuple[str, ...] = ()
    login: str = ""
    server_id: str = ""
    node_name: str = ""
    mfa_device: str = ""
    access_requests: tuple[str, ...] = ()

    @classmethod
    def of(cls, user: UserIdentity, *, login: str = "", server_id: str = "", node_name: str = "") -> Subject:
        """A person, optionally as ``login`` on a host."""
        return cls(
            user=user.username,
            roles=user.roles,
            login=login,
            server_id=server_id,
            node_name=node_name,
            mfa_device=user.mfa_device,
            access_requests=user.access_requests,
        )


def matches(target: LockTarget, subject: Subject) -> bool:
    """Does everything that ``target`` names match? A target that names nothing matches nothing."""
    wanted = {key: getattr(target, key) for key in target.__struct_fields__ if getattr(target, key)}
    values: dict[str, Sequence[str]] = {
        "user": (subject.user,),
        "role": subject.roles,
        "login": (subject.login,),
        "node": (subject.server_id, subject.node_name),
        "server_id": (subject.server_id,),
        "mfa_device": (subject.mfa_device,),
        "access_request": subject.access_requests,
    }
    return bool(wanted) and all(name in values.get(key, ()) for key, name in wanted.items())


def in_force(lock: Lock, now: datetime) -> bool:
    """Has ``lock`` not expired?"""
    ends = [text for text in (lock.spec.expires, lock.metadata.expires) if text]
    return all(now < parse_time(text) for text in ends)


def find_lock(locks: Iterable[Lock], subject: Subject, now: datetime) -> Lock | None:
    """A lock in force that matches ``subject``."""
    return next((lock for lock in locks if matches(lock.spec.target, subject) and in_force(lock, now)), None)


def describe(lock: Lock) -> str:
    """``lock targeting User:"alice" is in force: <message>``, as Teleport words it."""
    target = lock.spec.target
    named = [f'{name}:"{getattr(target, key)}"' for name, key in _NAMES if getattr(target, key)]
    message = f": {lock.spec.message}" if lock.spec.message else ""
    return f"lock targeting {' '.join(named)} is in force{message}"


class Revocation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Certificates of ``holder`` that count no more: those with ``serials``, and all older than ``before``.

    ``holder``: name of a user, or id of a host. ``before``: RFC 3339. Serial numbers are exact; the time
    covers what was issued before they were kept. ``expires``: RFC 3339, when the last one has ended anyway.
    """

    holder: str
    before: str
    serials: list[int] = []
    expires: str = ""

    def covers(self, serial: int, issued: datetime) -> bool:
        """Is the certificate of this holder revoked? ``issued`` may be rounded down to whole seconds."""
        return serial in self.serials or issued + ROUNDING <= parse_time(self.before)


def revoke(holder: str, serials: Iterable[int], now: datetime, expires: datetime) -> Revocation:
    """Revoke everything that ``holder`` has been given up to ``now``."""
    return Revocation(
        holder=holder, before=format_time(now), serials=sorted(serials), expires=format_time(expires)
    )


class Certificate(msgspec.Struct, frozen=True):
    """Identity of a certificate. ``issued``: not before this time, which is not backdated."""

    serial: int
    issued: datetime


def is_revoked(revocations: Iterable[Revocation], holder: str, certificate: Certificate) -> bool:
    """Is the certificate of ``holder`` revoked?"""
    return any(
        each.covers(certificate.serial, certificate.issued) for each in revocations if each.holder == holder
    )


def locking_mode(roles: Iterable[Role], default: LockingMode) -> LockingMode:
    """``strict`` when the cluster or one of the roles says so."""
    return "strict" if "strict" in {default, *(role.spec.options.lock for role in roles)} else "best_effort"
