# SPDX-License-Identifier: Apache-2.0
"""RPC: people log in and set their secrets, by way of a proxy."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import msgspec

from proctor.auth import hashing
from proctor.auth.ca import Issued, describe
from proctor.auth.cluster import Cluster
from proctor.auth.credentials import OTP_DEVICE, LoginFailed, OtpDevice
from proctor.auth.document_store import MAX_NAME, expiry
from proctor.auth.revocation.issued import IssuedCertificate
from proctor.core.clock import format_time
from proctor.core.errors import AccessDenied, LimitExceeded
from proctor.core.text import escaped
from proctor.model.access import logins_of, session_options
from proctor.model.events import CertCreate, MfaAdd, UserLogin, UserPasswordChange
from proctor.model.identity import UserIdentity
from proctor.model.rbac.locks import Subject
from proctor.model.resources import Role, User
from proctor.rpc._pb import auth_pb2 as pb

SHORTEST_TTL = 60


class Wanted(NamedTuple):
    """A request for certificates: a lifetime in seconds (0: the default), and the public keys."""

    ttl: int
    tls_key: bytes
    ssh_key: bytes


class Logins:
    """The methods of AuthService that people without a certificate need."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def login(self, request: pb.LoginRequest) -> pb.UserCertificates:
        """Password and one-time code against certificates; every attempt is audited."""
        version = self._cluster.restrictions.version
        event = UserLogin(
            user=escaped(request.username[:MAX_NAME]),
            addr_remote=escaped(request.client_address[:MAX_NAME]),
            user_agent=escaped(request.user_agent[:MAX_NAME]),
        )
        try:
            if not self._cluster.settings.local_auth:
                raise LoginFailed("local accounts are turned off (auth_service.authentication.local_auth)")
            user, device = await self._cluster.accounts.authenticate(
                request.username, request.password, request.otp_code, address=request.client_address
            )
            self._check_lock(user, device.uuid)
        except (AccessDenied, LimitExceeded) as error:
            event.success, event.message = False, error.message
            event.error = error.detail if isinstance(error, LoginFailed) else error.message
            await self._cluster.emit_failure(event, request.client_address)
            raise
        event.mfa_device = _device(device)
        await self._cluster.emit(event)
        wanted = Wanted(request.ttl_seconds, request.tls_public_key, request.ssh_public_key)
        return await self.certify(user, wanted, version, mfa_device=device.uuid)

    def _check_lock(self, user: User, mfa_device: str = "") -> None:
        """Raise AccessDenied when the person is locked; asked only when it is known that it is them."""
        name, roles = user.metadata.name, tuple(user.spec.roles)
        self._cluster.restrictions.check_lock(Subject(user=name, roles=roles, mfa_device=mfa_device))

    async def certify(
        self, user: User, wanted: Wanted, version: int, *, mfa_device: str = "", impersonator: str = ""
    ) -> pb.UserCertificates:
        """Certificates for ``user``, no longer than the roles allow; ``impersonator`` asked for them.

        ``version``: of the restrictions when it was found out that they may have them. Raises AccessDenied
        when the user is locked, or has been removed or reset since.
        """
        cluster = self._cluster
        self._check_lock(user, mfa_device)
        roles = await cluster.documents.roles_named(tuple(user.spec.roles))
        if not roles:
            raise AccessDenied(
                f"user {user.metadata.name} has no role", hint="tctl users update --set-roles=…"
            )
        traits = {name: tuple(values) for name, values in user.spec.traits.items()}
        identity = UserIdentity(
            username=user.metadata.name,
            roles=tuple(user.spec.roles),
            logins=logins_of(roles, traits),
            traits=traits,
            cluster=cluster.authorities.cluster_name,
            mfa_device=mfa_device,
        )
        identity = self._without_locked_logins(identity)
        lifetime = self._lifetime(user, roles, wanted.ttl)
        ssh_key = wanted.ssh_key.decode(errors="replace")
        issued = cluster.authorities.issue_user(wanted.tls_key, ssh_key, identity, lifetime)
        await self._keep(issued, identity, version)
        details = describe(identity, issued.expires, impersonator)
        await cluster.emit(CertCreate(serial=str(issued.serial), identity=details))
        return pb.UserCertificates(
            tls_certificate=issued.tls_certificate,
            ssh_certificate=issued.ssh_certificate.encode(),
            authorities=cluster.authorities.public().to_message(),
            expires=format_time(issued.expires),
        )

    def _lifetime(self, user: User, roles: list[Role], ttl: int) -> timedelta:
        """Return the lifetime of certificates of ``user``; ``ttl``: requested seconds, 0 for the default."""
        settings, now = self._cluster.settings, self._cluster.clock.now()
        seconds = max(ttl, SHORTEST_TTL) if ttl > 0 else settings.default_session_ttl
        lifetime = timedelta(seconds=min(seconds, session_options(roles).max_session_ttl))
        ends = expiry(user)
        return lifetime if ends is None else min(lifetime, ends - now)

    def _without_locked_logins(self, identity: UserIdentity) -> UserIdentity:
        """A plain ``sshd`` does not know of locked logins, so that no certificate is to allow them."""
        restrictions = self._cluster.restrictions

        def is_free(login: str) -> bool:
            try:
                restrictions.check_lock(Subject.of(identity, login=login))
            except AccessDenied:
                return False
            return True

        return msgspec.structs.replace(identity, logins=tuple(filter(is_free, identity.logins)))

    async def _keep(self, issued: Issued, identity: UserIdentity, version: int) -> None:
        """Keep the serial number, so that it can be revoked; AccessDenied when it would be by now."""
        cluster, name = self._cluster, identity.username
        certificate = IssuedCertificate(serial=issued.serial, user=identity)
        await cluster.restrictions.issued.add(certificate, issued.expires)
        gone = await cluster.documents.users.find(name) is None
        if gone or cluster.restrictions.was_revoked_since(name, version):
            raise AccessDenied(f"user {name} was removed or reset just now", hint="Log in again.")
        cluster.restrictions.check_lock(Subject.of(identity))

    async def invite(self, request: pb.GetInviteRequest) -> pb.Invite:
        """Return the content of the page behind a one-time link."""
        link = await self._cluster.accounts.link(request.token)
        uri = hashing.otp_uri(link.otp_secret, link.username, self._cluster.authorities.cluster_name)
        return pb.Invite(username=link.username, otp_uri=uri, reset=link.reset)

    async def accept(self, request: pb.AcceptInviteRequest) -> pb.AcceptInviteResponse:
        """Use a one-time link up."""
        username, device = await self._cluster.accounts.accept(
            request.token, request.password, request.otp_code
        )
        await self._cluster.emit(UserPasswordChange(user=username))
        added = MfaAdd(
            user=username,
            mfa_device_name=OTP_DEVICE,
            mfa_device_uuid=device.uuid,
            mfa_device_type="TOTP",
        )
        await self._cluster.emit(added)
        return pb.AcceptInviteResponse(username=username)


def _device(device: OtpDevice) -> dict[str, str]:
    return {"mfa_device_name": OTP_DEVICE, "mfa_device_type": "TOTP", "mfa_device_uuid": device.uuid}
