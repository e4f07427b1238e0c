# SPDX-License-Identifier: Apache-2.0
"""Attestations of sessions as a spawner makes them, for tests and benchmarks of what verifies them."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncssh

from proctor.auth.ca import CertificateAuthorities
from proctor.core.clock import SYSTEM, format_time
from proctor.model.identity import UserIdentity
from proctor.model.serde import to_json
from proctor.rpc.identity_files import Credentials
from proctor.spawnerproto.attestation import NAMESPACE, LoginProof, SessionStatement
from proctor.sshkit import certs, keys, sshsig
from proctor.storage.sqlite import SqliteBackend
from testing.attacker import Victim
from testing.auth import RunningAuth

CLIENT = "192.0.2.7:50000"


@dataclass(frozen=True)
class HostSigner:
    """A host's SSH key and the certificate for it."""

    host_id: str
    key: bytes
    certificate: str

    def attestation(
        self,
        sid: str,
        user: Victim,
        name: str,
        *,
        moment: datetime,
        session_id: bytes = b"",
        fields: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        """The event with which ``user``, called ``name``, starts the session ``sid`` here.

        ``fields``: other fields of the event; ``changes``: of the statement.
        """
        session_id = session_id or os.urandom(32)
        stated: dict[str, Any] = {
            "host_id": self.host_id,
            "sid": sid,
            "time": format_time(moment),
            "client": CLIENT,
            "proof": LoginProof(
                session_id=session_id, request=user.request(), signature=user.sign(session_id)
            ),
        }
        content = to_json(SessionStatement(**(stated | changes)))
        return {
            "event": "session.attestation",
            "code": "TP4920I",
            "server_id": self.host_id,
            "sid": sid,
            "time": stated["time"],
            "user": name,
            "login": user.login,
            "addr.remote": CLIENT,
            "statement": content.decode(),
            "signature": self.signed(content),
            "host_certificate": self.certificate,
            **(fields or {}),
        }

    def signed(self, content: bytes, namespace: str = NAMESPACE) -> str:
        """SSHSIG of ``content`` by the host key."""
        key = asyncssh.import_private_key(self.key)
        signature = key.sign(sshsig.signed_data(namespace, content), key.algorithm)
        public = base64.b64decode(keys.public_line(self.key).split()[1])
        return sshsig.armored(public, namespace, signature).decode()


def certified_user(
    ca_key: bytes, name: str = "alice", logins: Sequence[str] = ("root",), *, now: datetime
) -> Victim:
    """Somebody with a certificate of ``ca_key`` for an hour."""
    private, public = keys.generate()
    identity = UserIdentity(username=name, roles=("access",), logins=tuple(logins))
    certificate = certs.issue_user_certificate(
        ca_key, public, identity, now=now, valid_before=now + timedelta(hours=1)
    )
    return Victim(private, certificate, logins[0])


class ClusterAttestations:
    """Attestations that a running auth service accepts of a host that has joined it."""

    def __init__(self, authorities: CertificateAuthorities, host_id: str, credentials: Credentials) -> None:
        self._user_ca = authorities._stored.user.ssh_key.encode()
        self._host = HostSigner(host_id, credentials.ssh_key, credentials.ssh_certificate.decode())

    @classmethod
    async def of(cls, auth: RunningAuth, host_id: str, credentials: Credentials) -> ClusterAttestations:
        """For the host ``host_id`` of ``auth``, which may run in another process."""
        cluster = credentials.authorities.cluster_name
        backend = SqliteBackend(auth.data / "backend/state.sqlite", clock=SYSTEM)
        try:
            authorities = await CertificateAuthorities.open(backend, cluster, SYSTEM)
        finally:
            await backend.close()
        return cls(authorities, host_id, credentials)

    def event(self, sid: str, name: str = "alice", **fields: Any) -> dict[str, Any]:
        """``name`` starts the session ``sid`` as root."""
        now = SYSTEM.now()
        user = certified_user(self._user_ca, name, now=now)
        return self._host.attestation(sid, user, name, moment=now, fields=fields)
