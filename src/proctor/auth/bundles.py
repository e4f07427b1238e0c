# SPDX-License-Identifier: Apache-2.0
"""Issues access bundles: what the privileged side of each node decides by."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from proctor.auth.ca import CertificateAuthorities
from proctor.auth.document_store import Documents
from proctor.auth.revocation.restrictions import Restrictions
from proctor.core.clock import Clock
from proctor.model.bundle import LIFETIME, NAMESPACE, AccessBundle, make_bundle
from proctor.model.rbac.locks import LockingMode
from proctor.model.serde import to_json
from proctor.rpc._pb import auth_pb2 as pb
from proctor.sshkit import keys, sshsig

KEY_LIFETIME = timedelta(days=30)


class _Key(NamedTuple):
    private: bytes
    certificate: str
    valid_before: datetime


class AccessBundles:
    """Signs with a key of its own, which lives in memory only and which the user CA certifies.

    ``mode``: the locking mode of the cluster.
    """

    def __init__(
        self,
        authorities: CertificateAuthorities,
        documents: Documents,
        restrictions: Restrictions,
        clock: Clock,
        mode: LockingMode = "best_effort",
    ) -> None:
        self._authorities = authorities
        self._documents = documents
        self._restrictions = restrictions
        self._clock = clock
        self._mode = mode
        self._key: _Key | None = None

    async def issue(self, host_id: str) -> pb.AccessBundle:
        """A bundle of all roles and locks as they are now, for the host ``host_id``."""
        now = self._clock.now()  # before the roles are read: see AccessBundle.sequence
        restrictions = self._restrictions
        bundle = make_bundle(
            host_id,
            self._authorities.cluster_name,
            list(await self._documents.roles.list()),
            now,
            locks=restrictions.locks_in_force(),
            revocations=restrictions.users_in_force(),
            locking_mode=self._mode,
            removed_hosts=await restrictions.removed_lately(),
        )
        return self._signed(bundle, now)

    def issue_to_removed(self, host_id: str) -> pb.AccessBundle:
        """A bundle that says no more than that the host was removed."""
        now = self._clock.now()
        cluster = self._authorities.cluster_name
        return self._signed(make_bundle(host_id, cluster, [], now, removed_hosts=[host_id]), now)

    def _signed(self, bundle: AccessBundle, now: datetime) -> pb.AccessBundle:
        content, key = to_json(bundle), self._current(now)
        return pb.AccessBundle(
            json=content, signature=sshsig.sign(key.private, key.certificate, NAMESPACE, content)
        )

    def _current(self, now: datetime) -> _Key:
        """The key; its certificate outlives whatever is signed now."""
        if self._key is None or self._key.valid_before < now + LIFETIME:
            private, public = keys.generate()
            certificate = self._authorities.delegate(public, NAMESPACE, KEY_LIFETIME)
            self._key = _Key(private, certificate, now + KEY_LIFETIME)
        return self._key
