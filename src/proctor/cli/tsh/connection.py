# SPDX-License-Identifier: Apache-2.0
"""Cluster and identity of ``tsh``: options, profile or identity file."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from proctor.cli import profile as profiles
from proctor.cli.profile import Profile
from proctor.cli.tsh.web import WebClient, proxy_address
from proctor.core.clock import SYSTEM, format_time
from proctor.core.durable import replace_file
from proctor.core.errors import BadRequest, NotFound, ProctorError, Unauthenticated
from proctor.rpc.identity_files import Credentials, IdentityFiles, read_identity_file

if TYPE_CHECKING:
    from proctor.rpc.auth_client import Client

DEFAULT_SSH_PORT = 3023
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ConnectOptions:
    """Options that every verb takes, before or after its name."""

    proxy: Annotated[str, Option(help="Address of the proxy: host[:3080] [$TELEPORT_PROXY].")] = ""
    user: Annotated[str, Option(help="Name of the account [$TELEPORT_USER].")] = ""
    identity: Annotated[
        str, Option("-i", "--identity", help="Identity file instead of a login [$TELEPORT_IDENTITY_FILE].")
    ] = ""
    insecure: Annotated[bool, Option("--insecure", help="Do not verify the proxy's certificate.")] = False
    cluster: Annotated[str, Option(help="Name that the cluster must have [$TELEPORT_CLUSTER].")] = ""
    debug: Annotated[bool, Option("-d", "--debug", help="Show what happens inside.")] = False

    def active(self) -> Active:
        """The identity to act with. Raises Unauthenticated when there is none or it has expired."""
        session = _from_file(self) if self.identity else _from_profile(self)
        if session.valid_before <= SYSTEM.now():
            raise Unauthenticated(
                f"The login of {session.profile.user} expired at {session.valid_before:%Y-%m-%d %H:%M} UTC.",
                hint=f"Log in again: tsh login --proxy={session.profile.web}",
            )
        if self.cluster and self.cluster != session.profile.cluster:
            raise NotFound(
                f"this login is for the cluster {session.profile.cluster}, not {self.cluster}",
                hint="Give --proxy of the other cluster, or unset TELEPORT_CLUSTER.",
            )
        return session


@dataclass(frozen=True, kw_only=True)
class Active:
    """A person's identity and the cluster where it counts."""

    profile: Profile
    credentials: Credentials
    logins: tuple[str, ...]
    roles: tuple[str, ...]
    extensions: tuple[str, ...]
    valid_before: datetime

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A connection to the auth service through the proxy."""
        from proctor.rpc.auth_client import Client

        client = Client(self.profile.web, self.credentials)
        try:
            yield client
        finally:
            await client.close()


def _from_profile(options: ConnectOptions) -> Active:
    wanted = proxy_address(options.proxy) if options.proxy else ""
    profile = profiles.find(wanted) if wanted else profiles.current()
    if profile is None:
        at = f" at {wanted}" if wanted else ""
        raise Unauthenticated(
            f"You are not logged in{at}.", hint=f"Log in: tsh login --proxy={wanted or '<host>'}"
        )
    if options.user and options.user != profile.user:
        raise Unauthenticated(
            f"You are logged in at {profile.web} as {profile.user}, not as {options.user}.",
            hint=f"Log in: tsh login --proxy={profile.web} --user={options.user}",
        )
    try:
        credentials = IdentityFiles.load(Path(profile.keys))
    except NotFound:
        raise Unauthenticated(
            profiles.NOT_LOGGED_IN, hint=f"Log in: tsh login --proxy={profile.web}"
        ) from None
    return activate(profile, credentials)


def _from_file(options: ConnectOptions) -> Active:
    path = Path(options.identity)
    credentials = read_identity_file(path)
    if not options.proxy:
        raise BadRequest("-i needs --proxy", hint="An identity file does not say where its cluster is.")
    web = proxy_address(options.proxy)
    answer = WebClient(web, insecure=options.insecure).ping()
    profile = profile_of(web, answer, user="", insecure=options.insecure)
    return activate(profile, credentials)


def profile_of(web: str, ping: dict[str, object], *, user: str, insecure: bool) -> Profile:
    """The profile of a proxy that answered ``ping``."""
    try:
        proxy = ping["proxy"]
        ssh = proxy["ssh"]  # type: ignore[index]  # checked by the except below
        address = str(ssh.get("public_addr") or ssh["listen_addr"])
        cluster, version = str(ping["cluster_name"]), str(ping["server_version"])
    except (KeyError, TypeError, AttributeError):
        raise ProctorError(f"{web} did not answer as a proxy does") from None
    return Profile(
        web=web,
        ssh=_dialable(address, web),
        user=user,
        cluster=cluster,
        version=version,
        insecure=insecure,
    )


def _dialable(address: str, web: str) -> str:
    """A proxy that listens everywhere is reached where its web page is."""
    from proctor.config.values import read_address
    from proctor.core.net import Address, is_wildcard

    parsed = read_address(address, DEFAULT_SSH_PORT)
    if is_wildcard(parsed.host):
        parsed = Address(read_address(web, 0).host, parsed.port)
    return str(parsed)


def activate(profile: Profile, credentials: Credentials) -> Active:
    """Read the certificate of ``credentials``; raises Unauthenticated when it cannot be used."""
    from proctor.sshkit.certs import read_user_certificate

    user = read_user_certificate(credentials.ssh_certificate.decode())
    _log.debug(
        "using the certificate of %s for the cluster %s, roles %s, logins %s, valid until %s",
        user.key_id,
        profile.cluster,
        ", ".join(user.identity.roles),
        ", ".join(user.identity.logins),
        format_time(user.valid_before),
    )
    profile.user = user.key_id
    return Active(
        profile=profile,
        credentials=credentials,
        logins=user.identity.logins,
        roles=user.identity.roles,
        extensions=tuple(sorted(user.permits)),
        valid_before=user.valid_before,
    )


def keep(profile: Profile, credentials: Credentials) -> None:
    """Save a login: the keys never leave this directory."""
    profiles.ensure_home()
    directory = Path(profile.keys)
    os.makedirs(directory.parent, mode=0o700, exist_ok=True)
    IdentityFiles.save(directory, credentials)
    replace_file(directory / "known_hosts", known_hosts(credentials).encode())
    profile.save()


def known_hosts(credentials: Credentials) -> str:
    """The cluster's host CA in the form of OpenSSH's known_hosts."""
    return "".join(f"@cert-authority * {key}\n" for key in credentials.authorities.host_ssh_ca)
