# SPDX-License-Identifier: Apache-2.0
"""Routes for people and programs that are not logged in: ``tsh``, invitations, public keys."""

from __future__ import annotations

import io
from typing import Annotated, Literal

import segno
from fastapi import APIRouter, Header, Path
from fastapi.responses import PlainTextResponse, Response
from pydantic import SecretStr

from proctor.core.errors import AccessDenied, Unauthenticated
from proctor.core.version import VERSION, major
from proctor.proxy.web import models
from proctor.proxy.web.site import ClientAddress, Compatible, CurrentSite, Limited, Site
from proctor.rpc._pb import auth_pb2 as pb

router = APIRouter(prefix="/webapi")
InviteToken = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{16,128}$")]
UserAgent = Annotated[str, Header(include_in_schema=False)]


@router.get("/ping", dependencies=[Compatible])
async def ping(site: CurrentSite) -> models.Ping:
    """Which cluster this is and how to reach it."""
    return models.Ping(
        cluster_name=site.authorities.cluster_name,
        server_version=VERSION,
        min_client_version=f"{major(VERSION) - 1}.0.0",
        proxy=models.ProxyEndpoints(
            ssh=models.SshEndpoint(listen_addr=site.ssh_listen, public_addr=site.ssh_public),
            web=models.WebEndpoint(public_addr=site.web_public),
        ),
        auth=models.AuthMethod(second_factor="otp"),
    )


@router.post("/ssh/certs", dependencies=[Compatible, Limited])
async def certificates(
    body: models.CertificateRequest, site: CurrentSite, address: ClientAddress, user_agent: UserAgent = ""
) -> models.Certificates:
    """Log in with password and one-time code; certificates for keys that the caller keeps."""
    request = pb.LoginRequest(
        username=body.user,
        password=body.password.get_secret_value(),
        otp_code=body.otp_token.get_secret_value(),
        tls_public_key=body.tls_pub_key.encode(),
        ssh_public_key=body.pub_key.encode(),
        ttl_seconds=body.ttl,
        client_address=address,
        user_agent=user_agent[:256],
    )
    issued = await log_in(site, request)
    authorities = issued.authorities
    return models.Certificates(
        cert=issued.ssh_certificate.decode(),
        tls_cert=issued.tls_certificate.decode(),
        tls_ca=authorities.host_tls_ca.decode(),
        user_tls_ca=authorities.user_tls_ca.decode(),
        host_ssh_ca=list(authorities.host_ssh_ca),
        user_ssh_ca=list(authorities.user_ssh_ca),
        cluster_name=authorities.cluster_name,
        expires=issued.expires,
    )


async def log_in(site: Site, request: pb.LoginRequest) -> pb.UserCertificates:
    """Have the auth service judge a login; raises Unauthenticated when it refuses."""
    try:
        issued: pb.UserCertificates = await site.client.call(site.client.auth.Login, request, timeout=30.0)
    except AccessDenied as error:
        raise Unauthenticated(error.message, hint=error.hint) from None
    return issued


@router.get("/auth/export", response_class=PlainTextResponse)
async def export(site: CurrentSite, type: Literal["user", "host"] = "user") -> str:  # noqa: A002 - the parameter's public name
    """Public keys of a CA, as lines for ``authorized_keys`` or ``known_hosts``."""
    lines = site.authorities.user_ca_lines() if type == "user" else site.authorities.host_ca_lines()
    return "".join(f"{line}\n" for line in lines)


@router.get("/auth/krl", response_class=Response)
async def revocations(site: CurrentSite) -> Response:
    """Revoked certificates in OpenSSH's format, for RevokedKeys of sshd; serial numbers only, no names."""
    return Response(await site.revocation_list(), media_type="application/octet-stream")


@router.get("/invites/{token}", dependencies=[Limited])
async def get_invite(token: InviteToken, site: CurrentSite) -> models.InviteInfo:
    """What a one-time link is for, with the secret for an authenticator app."""
    invite = await site.client.call(site.client.auth.GetInvite, pb.GetInviteRequest(token=token))
    return models.InviteInfo(
        user=invite.username, otp_uri=invite.otp_uri, qr_svg=qr_svg(invite.otp_uri), reset=invite.reset
    )


def qr_svg(text: str) -> str:
    """A QR code as an SVG document, black on white whatever the page's colours."""
    out = io.BytesIO()
    segno.make(text, error="m").save(
        out, kind="svg", scale=4, border=3, dark="#000", light="#fff", xmldecl=False
    )
    return out.getvalue().decode()


@router.post("/invites/{token}", dependencies=[Limited])
async def accept_invite(
    token: InviteToken, body: models.InviteAnswer, site: CurrentSite, address: ClientAddress
) -> models.Accepted:
    """Set password and second factor; the link is used up then."""
    request = pb.AcceptInviteRequest(
        token=token, password=_text(body.password), otp_code=_text(body.otp_token), client_address=address
    )
    accepted = await site.client.call(site.client.auth.AcceptInvite, request, timeout=30.0)
    return models.Accepted(user=accepted.username)


def _text(secret: SecretStr) -> str:
    return secret.get_secret_value()
