"""RPC: people log in and set their secrets, by way of a proxy."""

from __future__ import annotations

from datetime import timedelta

from proctor.auth import hashing
from proctor.auth.ca import describe
from proctor.auth.cluster import Cluster
from proctor.auth.credentials import OTP_DEVICE, LoginFailed, OtpDevice
from proctor.auth.document_store import MAX_NAME
from proctor.core.clock import format_time
from proctor.core.errors import AccessDenied, LimitExceeded
from proctor.core.text import escaped
from proctor.model.access import logins_of, session_options
from proctor.model.events import CertCreate, MfaAdd, UserLogin, UserPasswordChange
from proctor.model.identity import UserIdentity
from proctor.model.resources import User
from proctor.rpc._pb import auth_pb2 as pb

SHORTEST_TTL = 60


class Logins:
    """The methods of AuthService that people without a certificate need."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def login(self, request: pb.LoginRequest) -> pb.UserCertificates:
        """Password and one-time code against certificates; every attempt is audited."""
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
        except (LoginFailed, LimitExceeded) as error:
            event.success, event.message = False, error.message
            event.error = error.detail if isinstance(error, LoginFailed) else error.message
            await self._cluster.emit_failure(event, request.client_address)
            raise
        event.mfa_device = _device(device)
        await self._cluster.emit(event)
        return await self.certify(user, request.ttl_seconds, request.tls_public_key, request.ssh_public_key)

    async def certify(
        self, user: User, ttl: int, tls_key: bytes, ssh_key: bytes, *, impersonator: str = ""
    ) -> pb.UserCertificates:
        """Certificates for ``user``, no longer than the roles allow; ``impersonator`` asked for them."""
        cluster = self._cluster
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
        )
        wanted = max(ttl, SHORTEST_TTL) if ttl > 0 else cluster.settings.default_session_ttl
        lifetime = timedelta(seconds=min(wanted, session_options(roles).max_session_ttl))
        issued = cluster.authorities.issue_user(tls_key, ssh_key.decode(errors="replace"), identity, lifetime)
        await cluster.emit(CertCreate(identity=describe(identity, issued.expires, impersonator)))
        return pb.UserCertificates(
            tls_certificate=issued.tls_certificate,
            ssh_certificate=issued.ssh_certificate.encode(),
            authorities=cluster.authorities.public().to_message(),
            expires=format_time(issued.expires),
        )

    async def invite(self, request: pb.GetInviteRequest) -> pb.Invite:
        """What the page behind a one-time link shows."""
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
