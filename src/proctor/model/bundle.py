"""What the auth service gives a node, signed, so that the node's privileged side can decide by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from proctor.core.clock import format_time, parse_time
from proctor.core.errors import AccessDenied, Corrupted
from proctor.model.identity import UserIdentity
from proctor.model.resources import Role
from proctor.model.serde import from_json

NAMESPACE = "access-bundle@proctor"
"""What the signature is made for."""

LIFETIME = timedelta(hours=72)
"""How long a node lets people in without hearing from the auth service."""

MAX_AHEAD = timedelta(minutes=5)
"""How far the clock of the auth service may be ahead of the node's."""


class AccessBundle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All roles of ``cluster``, for the node ``host_id`` alone.

    ``issued``, ``expires``: RFC 3339. ``sequence``: microseconds since 1970, taken before the roles were
    read; of two bundles the one with the greater sequence is the newer.
    """

    host_id: str
    cluster: str
    sequence: int
    issued: str
    expires: str
    roles: list[Role]

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


def make_bundle(host_id: str, cluster: str, roles: list[Role], now: datetime) -> AccessBundle:
    """A bundle issued at ``now``, a time before ``roles`` were read."""
    return AccessBundle(
        host_id=host_id,
        cluster=cluster,
        sequence=int(now.timestamp() * 1_000_000),
        issued=format_time(now),
        expires=format_time(now + LIFETIME),
        roles=roles,
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
