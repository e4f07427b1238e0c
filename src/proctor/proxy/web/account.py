# SPDX-License-Identifier: Apache-2.0
"""Routes for logging in on the page, and out again."""

from __future__ import annotations

from fastapi import APIRouter, Response

from proctor.core.clock import format_time, parse_time
from proctor.core.version import VERSION
from proctor.proxy.web import models
from proctor.proxy.web.entry import UserAgent, log_in
from proctor.proxy.web.sessions import WebSession
from proctor.proxy.web.site import ClientAddress, CurrentSession, CurrentSite, Limited, Site
from proctor.rpc import tls
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.identity_files import Credentials
from proctor.sshkit import keys

router = APIRouter(prefix="/v1/webapi")


@router.post("/session", dependencies=[Limited])
async def create_session(
    body: models.LoginRequest,
    response: Response,
    site: CurrentSite,
    address: ClientAddress,
    user_agent: UserAgent = "",
) -> models.SessionInfo:
    """Log in: the certificates stay on the proxy, the browser gets a cookie that no script can read."""
    tls_key, (ssh_key, ssh_public_key) = tls.generate_key(), keys.generate()
    request = pb.LoginRequest(
        username=body.user,
        password=body.password.get_secret_value(),
        otp_code=body.otp_token.get_secret_value(),
        tls_public_key=tls.public_key(tls_key),
        ssh_public_key=ssh_public_key.encode(),
        client_address=address,
        user_agent=user_agent[:256],
    )
    issued = await log_in(site, request)
    credentials = Credentials.from_certificates(issued, tls_key=tls_key, ssh_key=ssh_key)
    token, session = await site.sessions.open(credentials, parse_time(issued.expires))
    response.set_cookie(site.cookie, token, secure=True, httponly=True, samesite="strict", path="/")
    return _described(site, session)


@router.get("/session")
async def get_session(site: CurrentSite, session: CurrentSession) -> models.SessionInfo:
    """Who is logged in."""
    return _described(site, session)


@router.delete("/session")
async def delete_session(response: Response, site: CurrentSite, session: CurrentSession) -> models.Done:
    """Log out: the certificates are forgotten at once."""
    await site.sessions.end(session)
    response.delete_cookie(site.cookie, secure=True, httponly=True, samesite="strict", path="/")
    return models.Done()


def _described(site: Site, session: WebSession) -> models.SessionInfo:
    return models.SessionInfo(
        user=session.identity.username,
        roles=list(session.identity.roles),
        logins=list(session.identity.logins),
        cluster_name=site.authorities.cluster_name,
        server_version=VERSION,
        expires=format_time(session.expires),
        csrf_token=session.csrf_token,
    )
