# SPDX-License-Identifier: Apache-2.0
"""Dependencies of the routes of the web API, and the caller of a request."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Header, Request

from proctor.core.clock import Clock
from proctor.core.errors import AccessDenied, Unauthenticated
from proctor.core.limits.rates import RateLimit
from proctor.core.version import check_client
from proctor.proxy.web.middleware import SAFE_METHODS
from proctor.proxy.web.sessions import Sessions, WebSession
from proctor.rpc.auth_client import Client
from proctor.rpc.identity_files import Authorities


@dataclass(frozen=True, kw_only=True)
class Site:
    """One proxy's web API. ``client`` acts as the proxy; addresses are ``host:port``, empty when not set."""

    client: Client
    authorities: Authorities
    sessions: Sessions
    revocation_list: Callable[[], Awaitable[bytes]]
    limit: RateLimit
    clock: Clock
    ssh_listen: str
    ssh_public: str = ""
    web_public: str = ""
    trust_forwarded: bool = False
    unpacking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    @property
    def cookie(self) -> str:
        """Name of the session cookie; browsers share cookies between ports, so each cluster has its own."""
        digest = hashlib.sha256(self.authorities.cluster_name.encode()).hexdigest()[:12]
        return f"__Host-proctor-{digest}"


def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


CurrentSite = Annotated[Site, Depends(_site)]


def _client_address(request: Request, site: CurrentSite) -> str:
    """``host:port`` of the person; with ``trust_x_forwarded_for`` the address that the last hop reports."""
    forwarded = request.headers.get("x-forwarded-for", "") if site.trust_forwarded else ""
    if forwarded:
        return forwarded.rpartition(",")[2].strip()[:64]
    host, port = request.client or ("", 0)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


ClientAddress = Annotated[str, Depends(_client_address)]


def _limited(request: Request, site: CurrentSite, address: ClientAddress) -> None:
    host = address if site.trust_forwarded else (request.client or ("", 0))[0]
    site.limit.spend(host)


Limited = Depends(_limited)
"""Counts the request against what one address may try."""


def _compatible(x_proctor_version: Annotated[str | None, Header(include_in_schema=False)] = None) -> None:
    """Refuse programs of a version that does not fit; the page, which we serve ourselves, sends none."""
    if x_proctor_version is not None:
        check_client(x_proctor_version)


Compatible = Depends(_compatible)


def _session(request: Request, site: CurrentSite) -> WebSession:
    token = request.cookies.get(site.cookie)
    if not token:
        raise Unauthenticated("you are not logged in", hint="Log in first.")
    session = site.sessions.find(token, active="x-background" not in request.headers)
    if request.method not in SAFE_METHODS:
        if "origin" not in request.headers:
            raise AccessDenied("the request does not say which page it comes from")
        session.check_csrf(request.headers.get("x-csrf-token", ""))
    return session


CurrentSession = Annotated[WebSession, Depends(_session)]
"""The login of the person; requests that change something need the page's CSRF token."""
