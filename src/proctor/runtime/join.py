# SPDX-License-Identifier: Apache-2.0
"""A service of this host gets its identity from the cluster, once.

The supervisor asks for it (:func:`ensure`); the exchange itself is done by a short-lived process with the
account of the service: ``python -P -m proctor.runtime.join ROLE``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from proctor.config.boot import ServiceBoot
from proctor.core.durable import replace_file
from proctor.core.errors import ConfigError, ProctorError, Unavailable
from proctor.core.net import is_wildcard, split_address
from proctor.model.serde import from_json, to_json
from proctor.runtime import logs
from proctor.runtime.privileges import host_key_files, sandbox
from proctor.runtime.privileges.service_users import ServiceUser
from proctor.runtime.service_channel import SupervisorChannel
from proctor.runtime.supervisor.process import ServiceProcess

_log = logging.getLogger(__name__)
_PROBE_SECONDS = 3.0


class AuthEndpoint(NamedTuple):
    """Addresses that lead to auth, the preferred one first; the token; pins of the cluster's CA."""

    candidates: list[str]
    token: str
    pins: list[str]


class JoinRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Input of the joining process; holds the token, never log it.

    ``ssh_public_key``: of a host key that the service is not to have; without one it makes its own.
    ``host_secret``: with which the host shows that another of its services has joined before.
    """

    boot: ServiceBoot
    way: AuthEndpoint
    host_secret: str
    ssh_public_key: str = ""


async def ensure(boot: ServiceBoot, way: AuthEndpoint) -> str:
    """Join unless the service has its identity already; the address at which auth was found.

    Raises ConfigError without a token, and ServiceFailed, whose ``retry`` says whether auth only was
    out of reach.
    """
    host_key = host_key_files.ensure(boot) if boot.service == "node" else None
    if _has_identity(boot) and (host_key is None or host_key.is_certified):
        return await reachable(way.candidates)
    if not way.token:
        raise ConfigError(
            f"the {boot.service} service has not joined a cluster yet and has no token",
            hint="Make one with 'tctl nodes add' and set teleport.auth_token, or give --token.",
        )
    request = JoinRequest(
        boot=boot,
        way=way,
        host_secret=_host_secret(boot.host_key.with_name("join.secret")),
        ssh_public_key=host_key.public_line if host_key else "",
    )
    child = await ServiceProcess.start("proctor.runtime.join", boot.service, to_json(request))
    try:
        answer = await child.answer()
    finally:
        await child.stop(1.0)
    if boot.service == "node":
        _trust(boot.trusted_user_ca, answer["user_ssh_ca"])
    _log.info("the %s service has joined the cluster %s", boot.service, answer["cluster_name"])
    return str(answer["address"])


def _host_secret(path: Path) -> str:
    """Return the secret that all services of this host join with, readable by the supervisor only."""
    try:
        if not path.exists():
            replace_file(path, secrets.token_hex(32).encode())
        return path.read_text()
    except OSError as error:
        raise ConfigError(f"{path} cannot be used: {error.strerror}") from None


def _has_identity(boot: ServiceBoot) -> bool:
    trusted = boot.service != "node" or boot.trusted_user_ca.exists()
    return trusted and (boot.proc_dir() / "authorities.json").exists()


def _trust(path: Path, keys: Sequence[str]) -> None:
    """Keep the user CA as it was at the time of joining where only root can change it."""
    replace_file(path, "".join(f"{key.strip()}\n" for key in keys).encode(), mode=0o644)


async def reachable(candidates: Sequence[str]) -> str:
    """The first address that accepts a connection, or the first when none does."""
    for candidate in candidates if len(candidates) > 1 else ():
        host, port = split_address(candidate, 0)
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                _, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError):
            _log.info("nothing answers at %s", candidate)
            continue
        writer.close()
        return candidate
    return candidates[0]


async def _join(request: JoinRequest) -> dict[str, object]:
    """Register with the first of the addresses that can be reached, and keep what it answers."""
    from proctor.rpc import auth_client, tls  # noqa: PLC0415 - gRPC starts threads: only after the sandbox
    from proctor.rpc._pb.auth_pb2 import RegisterHostRequest  # noqa: PLC0415 - as above
    from proctor.rpc.identity_files import Credentials, IdentityFiles  # noqa: PLC0415 - as above
    from proctor.sshkit import keys  # noqa: PLC0415 - as above

    boot = request.boot
    tls_key = tls.generate_key()
    ssh_key, ssh_public_key = (b"", request.ssh_public_key) if request.ssh_public_key else keys.generate()
    registration = RegisterHostRequest(
        token=request.way.token,
        host_id=boot.host_uuid,
        node_name=boot.node_name,
        role=boot.service,
        tls_public_key=tls.public_key(tls_key),
        ssh_public_key=ssh_public_key.encode(),
        principals=principals(boot),
        host_secret=request.host_secret,
    )
    failure = Unavailable("no address of the auth service is known")
    for address in request.way.candidates:
        try:
            answer = await auth_client.join(address, request.way.pins, registration)
        except Unavailable as error:
            failure = error
            continue
        credentials = Credentials.from_certificates(answer, tls_key=tls_key, ssh_key=ssh_key)
        IdentityFiles.save(boot.proc_dir(), credentials)
        return {
            "address": address,
            "cluster_name": credentials.authorities.cluster_name,
            "user_ssh_ca": credentials.authorities.user_ssh_ca,
        }
    raise failure


def principals(boot: ServiceBoot) -> list[str]:
    """Names and addresses besides UUID and node name under which the service is dialled."""
    config = boot.config
    section = config.ssh_service if boot.service == "node" else config.proxy_service
    hosts = [address.host for address in section.public_addr]
    if boot.service == "proxy":
        hosts += [address.host for address in config.proxy_service.ssh_public_addr]
    hosts += [
        section.listen_addr.host,
        config.teleport.advertise_ip,
        "127.0.0.1",
        "::1",
    ]
    return sorted({host for host in hosts if not is_wildcard(host)})


def main() -> int:
    """The joining process; see the module's docstring."""
    channel = SupervisorChannel()
    request = from_json(channel.receive()[0], JoinRequest)
    boot = request.boot
    try:
        logs.configure(boot.config.teleport.log, f"{boot.service}:join", debug=boot.debug)
        sandbox.enter(ServiceUser(boot.uid, boot.gid), [boot.proc_dir()])
        channel.ready(**asyncio.run(_join(request)))
    except Unavailable as error:
        channel.failed(error, retry=True)
        return os.EX_TEMPFAIL
    except ProctorError as error:
        channel.failed(error)
        return error.exit_code
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
