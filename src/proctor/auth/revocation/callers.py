# SPDX-License-Identifier: Apache-2.0
"""Check before each call whether the caller of the auth service is locked or revoked."""

from __future__ import annotations

from proctor.auth.revocation.restrictions import Restrictions
from proctor.core.errors import Unauthenticated
from proctor.model.identity import HostIdentity, SystemRole, UserIdentity
from proctor.model.rbac.locks import REVOKED, Certificate, Subject
from proctor.rpc.grpc_server import Caller

HOST_REVOKED = "the certificate of this host has been revoked"
JOIN_AGAIN = "Have it join again: remove proc/node in its data directory, and start it with a new token."

_OF_LOCKED_HOSTS = frozenset(
    {
        "/proctor.v1.Auth/Ping",
        "/proctor.v1.Auth/GetAccessBundle",
        "/proctor.v1.Auth/WatchAccessBundle",
        "/proctor.v1.Audit/Emit",
        "/proctor.v1.Recordings/Upload",
    }
)
"""What a locked host may still call: it learns of the lock, and delivers what it has recorded."""

_OF_REVOKED_HOSTS = frozenset({"/proctor.v1.Auth/WatchAccessBundle"})
"""What a removed host may still call: it learns that it was removed, and nothing else."""


class Admission:
    """To be called with the name of the method, and the caller."""

    def __init__(self, restrictions: Restrictions) -> None:
        self._restrictions = restrictions

    def __call__(self, method: str, caller: Caller) -> None:
        """Raise Unauthenticated when the certificate is revoked, AccessDenied when its holder is locked."""
        identity = caller.identity
        if isinstance(identity, UserIdentity):
            if self._restrictions.is_user_revoked(identity.username, caller.certificate):
                raise Unauthenticated(REVOKED, hint="Log in again.")
            self._restrictions.check_lock(Subject.of(identity))
        elif isinstance(identity, HostIdentity):
            self._check_host(method, identity, caller.certificate)

    def _check_host(self, method: str, identity: HostIdentity, certificate: Certificate) -> None:
        if identity.role in {SystemRole.ADMIN, SystemRole.AUTH}:
            return  # a lock of the auth service's host could not be lifted otherwise
        revoked = self._restrictions.is_host_revoked(identity, certificate)
        if revoked and method not in _OF_REVOKED_HOSTS:
            raise Unauthenticated(HOST_REVOKED, hint=JOIN_AGAIN)
        if method not in _OF_LOCKED_HOSTS:
            self._restrictions.check_lock(Subject(server_id=identity.host_id, node_name=identity.node_name))
