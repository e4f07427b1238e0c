# SPDX-License-Identifier: Apache-2.0
"""The signed access bundle: all data by which the privileged side of a node decides."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from proctor.core.clock import format_time, parse_time
from proctor.core.errors import AccessDenied, Corrupted
from proctor.model.identity import UserIdentity
from proctor.model.rbac.locks import (
    OUTDATED,
    REVOKED,
    Certificate,
    LockingMode,
    Revocation,
    Subject,
    describe,
    find_lock,
    is_revoked,
    locking_mode,
)
from proctor.model.resources import Lock, Role
from proctor.model.serde import from_json

NAMESPACE = "access-bundle@proctor"
"""What the signature is made for."""

LIFETIME = timedelta(hours=72)
"""How long a node lets people in without hearing from the auth service."""

MAX_AHEAD = timedelta(minutes=5)
"""How far the clock of the auth service may be ahead of the node's."""

MAX_STALENESS = timedelta(minutes=5)
"""Age of a bundle from which on its locks are out of date, by the clocks of both hosts; strict mode then
refuses everybody. A node process knows earlier that it hears nothing (``rpc.watch``)."""

REMOVED = "this host was removed from the cluster; it must join again"


class AccessBundle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All roles and locks of ``cluster``, for the host ``host_id`` alone.

    ``issued``, ``expires``: RFC 3339. ``sequence``: microseconds since 1970, taken before the roles were
    read; of two bundles the one with the greater sequence is the newer. ``locking_mode``: of the cluster.
    ``removed_hosts``: ids of nodes that were removed lately and have not joined again.
    """

    host_id: str
    cluster: str
    sequence: int
    issued: str
    expires: str
    roles: list[Role]
    locks: list[Lock] = []
    revocations: list[Revocation] = []
    locking_mode: LockingMode = "best_effort"
    removed_hosts: list[str] = []

    def says_more_than(self, other: AccessBundle) -> bool:
        """Do the two differ in anything but the time of issue?"""
        return (
            msgspec.structs.replace(self, sequence=other.sequence, issued=other.issued, expires=other.expires)
            != other
        )

    def roles_of(self, user: UserIdentity) -> list[Role]:
        """The roles that the certificate of ``user`` names; AccessDenied when one is not known here."""
        if not user.roles:
            raise AccessDenied("the certificate names no roles")
        known = {role.metadata.name: role for role in self.roles}
        for name in user.roles:
            if name not in known:
                raise AccessDenied(f"role {name} of the certificate is not known to this node")
        return [known[name] for name in user.roles]

    def check_current(self, now: datetime) -> None:
        """Raise AccessDenied when the bundle has expired."""
        if now >= parse_time(self.expires):
            raise AccessDenied(
                f"what this node knows of roles has expired at {self.expires}",
                hint="See why the node does not reach the auth service.",
            )

    def refusal(self, subject: Subject, certificate: Certificate, now: datetime) -> str:
        """Why ``subject`` gets no access with ``certificate``, whatever roles allow; empty when it may."""
        if subject.server_id and subject.server_id in self.removed_hosts:
            return REMOVED
        if is_revoked(self.revocations, subject.user, certificate):
            return REVOKED
        lock = find_lock(self.locks, subject, now)
        return describe(lock) if lock else ""

    def is_strict(self, roles: list[Role] | None = None) -> bool:
        """Is the locking mode strict for a person with ``roles``, by default with any role there is?"""
        return locking_mode(self.roles if roles is None else roles, self.locking_mode) == "strict"

    def check_age(self, roles: list[Role], now: datetime) -> None:
        """Raise AccessDenied when the locking mode for ``roles`` is strict and the locks are out of date."""
        if self.is_strict(roles) and now - parse_time(self.issued) > MAX_STALENESS:
            raise AccessDenied(OUTDATED, hint="See why the node does not reach the auth service.")


def make_bundle(
    host_id: str, cluster: str, roles: list[Role], now: datetime, **restrictions: Any
) -> AccessBundle:
    """A bundle issued at ``now``, a time before ``roles`` were read; ``restrictions``: its other fields."""
    return AccessBundle(
        host_id=host_id,
        cluster=cluster,
        sequence=int(now.timestamp() * 1_000_000),
        issued=format_time(now),
        expires=format_time(now + LIFETIME),
        roles=roles,
        **restrictions,
    )


def read_bundle(data: bytes, host_id: str, now: datetime) -> AccessBundle:
    """The bundle in ``data``, whose signature was verified, when it is one for the node ``host_id``.

    It may have expired. Raises Corrupted, or AccessDenied when it is for another node or of the future.
    """
    bundle = from_json(data, AccessBundle)
    try:
        issued, _ = parse_time(bundle.issued), parse_time(bundle.expires)
    except ValueError as error:
        raise Corrupted(f"the access bundle has a wrong time: {error}") from None
    if bundle.host_id != host_id:
        raise AccessDenied(f"the access bundle is for the node {bundle.host_id}, not for {host_id}")
    if max(issued.timestamp(), bundle.sequence / 1_000_000) > (now + MAX_AHEAD).timestamp():
        raise AccessDenied(f"the access bundle was issued in the future ({bundle.issued}); check the clocks")
    return bundle
