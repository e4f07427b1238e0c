# SPDX-License-Identifier: Apache-2.0
"""The certificate authorities of a cluster: one for hosts, one for people, each for SSH and X.509."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from proctor.core.clock import Clock, format_time
from proctor.core.errors import AlreadyExists, ProctorError, Unauthenticated
from proctor.model import serde
from proctor.model.identity import HostIdentity, UserIdentity
from proctor.rpc import tls
from proctor.rpc.identity_files import Authorities, Credentials
from proctor.sshkit import certs, keys
from proctor.storage.base import Backend

CA_LIFETIME = timedelta(days=3650)
HOST_LIFETIME = timedelta(days=3650)
RENEWED_BEFORE = timedelta(days=90)
_KEY = "authorities/current"


class _Authority(msgspec.Struct, frozen=True):
    """Keys of one CA, as stored."""

    tls_key: str
    tls_certificate: str
    ssh_key: str
    ssh_public_key: str


class _Stored(msgspec.Struct, frozen=True):
    cluster_name: str
    host: _Authority
    user: _Authority


@dataclass(frozen=True)
class Issued:
    """The certificates of a person or a host, which have one serial number, and when they end."""

    tls_certificate: bytes
    ssh_certificate: str
    expires: datetime
    serial: int


class CertificateAuthorities:
    """Issues certificates; private keys do not leave this object and the backend."""

    def __init__(self, stored: _Stored, clock: Clock) -> None:
        self._stored = stored
        self._clock = clock

    @classmethod
    async def open(cls, backend: Backend, cluster_name: str, clock: Clock) -> CertificateAuthorities:
        """The cluster's CAs, made on first use. Raises ProctorError when the cluster has another name."""
        item = await backend.get(_KEY)
        if item is None:
            fresh = _Stored(
                cluster_name, _make("host", cluster_name, clock), _make("user", cluster_name, clock)
            )
            try:
                item = await backend.create(_KEY, serde.to_json(fresh))
            except AlreadyExists:
                return await cls.open(backend, cluster_name, clock)
        stored = serde.from_json(item.value, _Stored)
        if stored.cluster_name != cluster_name:
            raise ProctorError(
                f"this data directory belongs to the cluster {stored.cluster_name}, not {cluster_name}",
                hint="A cluster keeps its name: set auth_service.cluster_name back, or use another data_dir.",
            )
        return cls(stored, clock)

    @property
    def cluster_name(self) -> str:
        """Name of the cluster."""
        return self._stored.cluster_name

    @property
    def host_tls_ca(self) -> bytes:
        """X.509 certificate of the host CA, PEM."""
        return self._stored.host.tls_certificate.encode()

    @property
    def user_tls_ca(self) -> bytes:
        """X.509 certificate of the user CA, PEM."""
        return self._stored.user.tls_certificate.encode()

    def public(self) -> Authorities:
        """The public half of everything."""
        return Authorities(
            cluster_name=self.cluster_name,
            host_tls_ca=self.host_tls_ca,
            user_tls_ca=self.user_tls_ca,
            host_ssh_ca=[self._stored.host.ssh_public_key],
            user_ssh_ca=[self._stored.user.ssh_public_key],
        )

    def issue_host(
        self, tls_key: bytes, ssh_key: str, identity: HostIdentity, names: Sequence[str]
    ) -> Issued:
        """Both certificates of a service that joins; ``names`` are for the SSH certificate."""
        serial = certs.new_serial()
        return Issued(
            self.issue_host_tls(tls_key, identity, (), serial=serial),
            self.issue_host_ssh(ssh_key, identity, names, serial=serial),
            self._clock.now() + HOST_LIFETIME,
            serial,
        )

    def issue_host_tls(
        self, public_key: bytes, identity: HostIdentity, names: Sequence[str], *, serial: int = 0
    ) -> bytes:
        """An X.509 certificate for a service on a host."""
        now = self._clock.now()
        authority = self._stored.host
        return tls.issue(
            authority.tls_key.encode(),
            authority.tls_certificate.encode(),
            public_key,
            identity,
            now=now,
            valid_before=now + HOST_LIFETIME,
            names=names,
            serial=serial,
        )

    def issue_host_ssh(
        self, public_key: str, identity: HostIdentity, names: Sequence[str], *, serial: int = 0
    ) -> str:
        """An SSH host certificate for UUID and node name, with and without the cluster's, and ``names``."""
        cluster = self.cluster_name
        own = [identity.host_id, f"{identity.host_id}.{cluster}"]
        if identity.node_name:
            own += [identity.node_name, f"{identity.node_name}.{cluster}"]
        # OpenSSH compares principals with the name that it was given, in lower case (sshconnect.c).
        own += [name.lower() for name in (*own, *names)]
        now = self._clock.now()
        return certs.issue_host_certificate(
            self._stored.host.ssh_key.encode(),
            public_key,
            key_id=identity.name,
            role=identity.role.value,
            principals=list(dict.fromkeys([*own, "localhost", "127.0.0.1", "::1", *names])),
            now=now,
            valid_before=now + HOST_LIFETIME,
            serial=serial,
        )

    def delegate(self, public_key: str, purpose: str, lifetime: timedelta) -> str:
        """A certificate of the user CA for a key that signs for ``purpose`` in its place."""
        now = self._clock.now()
        key = self._stored.user.ssh_key.encode()
        return certs.issue_delegation(key, public_key, purpose, now=now, valid_before=now + lifetime)

    def issue_user(self, tls_key: bytes, ssh_key: str, identity: UserIdentity, lifetime: timedelta) -> Issued:
        """Both certificates of a person, valid for ``lifetime`` from now."""
        now = self._clock.now()
        authority = self._stored.user
        expires, serial = now + lifetime, certs.new_serial()
        tls_certificate = tls.issue(
            authority.tls_key.encode(),
            authority.tls_certificate.encode(),
            tls_key,
            identity,
            now=now,
            valid_before=expires,
            serial=serial,
        )
        ssh_certificate = certs.issue_user_certificate(
            authority.ssh_key.encode(), ssh_key, identity, now=now, valid_before=expires, serial=serial
        )
        return Issued(tls_certificate, ssh_certificate, expires, serial)

    def still_vouches(self, kept: Credentials, identity: HostIdentity, names: Sequence[str]) -> bool:
        """Would fresh credentials of :meth:`own_credentials` be equivalent to ``kept``?"""
        soon = self._clock.now() + RENEWED_BEFORE
        try:
            holder = tls.identify(
                kept.tls_certificate, host_ca=self.host_tls_ca, user_ca=self.user_tls_ca, now=soon
            ).identity
            certificate = tls.load_certificate(kept.tls_certificate)
        except (ValueError, Unauthenticated):
            return False
        return holder == identity and kept.authorities == self.public() and tls.has_names(certificate, names)

    def own_credentials(self, identity: HostIdentity, names: Sequence[str]) -> Credentials:
        """Fresh keys and certificates for a service of the auth host itself."""
        tls_key = tls.generate_key()
        ssh_key, ssh_public = keys.generate()
        return Credentials(
            tls_key=tls_key,
            tls_certificate=self.issue_host_tls(tls.public_key(tls_key), identity, names),
            ssh_key=ssh_key,
            ssh_certificate=self.issue_host_ssh(ssh_public, identity, names).encode(),
            authorities=self.public(),
        )


def _make(kind: str, cluster_name: str, clock: Clock) -> _Authority:
    tls_key = tls.generate_key()
    common_name = f"{kind} CA of {cluster_name}"[:64]
    certificate = tls.self_signed_ca(tls_key, common_name, now=clock.now(), lifetime=CA_LIFETIME)
    ssh_key, ssh_public = keys.generate()
    return _Authority(tls_key.decode(), certificate.decode(), ssh_key.decode(), ssh_public)


def describe(identity: UserIdentity, expires: datetime, impersonator: str = "") -> dict[str, object]:
    """The ``identity`` of a ``cert.create`` event; ``impersonator`` is who had it made for somebody else."""
    asked = {"impersonator": impersonator} if impersonator else {}
    return {
        **asked,
        "user": identity.username,
        "roles": list(identity.roles),
        "logins": list(identity.logins),
        "expires": format_time(expires),
        "route_to_cluster": identity.cluster,
        "teleport_cluster": identity.cluster,
    }
