# SPDX-License-Identifier: Apache-2.0
"""Connection and identity of ``tctl``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from msgspec.structs import replace
from typer import Option

from proctor.cli import profile as profiles
from proctor.cli.tsh.connection import ConnectOptions
from proctor.config.load import read
from proctor.config.schema import DEFAULT_PATH, Config
from proctor.config.values import read_address
from proctor.core.clock import SYSTEM
from proctor.core.errors import BadRequest, NotFound, ProctorError, Unauthenticated
from proctor.core.net import reachable_host
from proctor.rpc.identity_files import Credentials, IdentityFiles, read_identity_file
from proctor.sshkit.certs import read_user_certificate

if TYPE_CHECKING:
    from proctor.rpc.auth_client import Client

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class AdminOptions:
    """Options that every verb takes, before or after its name."""

    config: Annotated[str, Option("-c", "--config", help="Configuration file of the auth host.")] = ""
    auth_server: Annotated[str, Option(help="Address of the auth service, or of a proxy.")] = ""
    identity: Annotated[str, Option("-i", "--identity", help="Identity file to act with.")] = ""
    insecure: Annotated[bool, Option("--insecure", help="No effect: auth is always verified.")] = False
    debug: Annotated[bool, Option("-d", "--debug", help="Show what happens inside.")] = False

    def run(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """Do ``work`` with a connection to auth and close it."""
        from proctor.rpc.auth_client import Client

        address, credentials = self._way()

        async def connected() -> T:
            client = Client(address, credentials)
            try:
                return await work(client)
            finally:
                await client.close()

        return asyncio.run(connected())

    def _way(self) -> tuple[str, Credentials]:
        """Address and identity: the identity file, else this auth host's own, else the login of ``tsh``."""
        server = _address(self.auth_server) if self.auth_server else ""
        if self.identity:
            profile = profiles.current()
            server = server or (profile.web if profile else "")
            if not server:
                raise BadRequest("-i needs --auth-server", hint="Give the address of auth or of a proxy.")
            return server, _current(Path(self.identity))
        local = self._local()
        if local is not None:
            return server or local[0], local[1]
        active = ConnectOptions().active() if profiles.current() else None
        if active is None:
            raise Unauthenticated(
                "no identity to act with: not the administrator of an auth host, and no login of tsh",
                hint="Run as root on the auth host, or log in with tsh, or give -i FILE and --auth-server.",
            )
        return server or active.profile.web, active.credentials

    def _local(self) -> tuple[str, Credentials] | None:
        """The auth service of this host and its administrator's identity; None for who may not use them."""
        try:
            config = self._configuration()
        except PermissionError:
            return None
        directory = Path(config.teleport.data_dir) / "proc/admin"
        try:
            credentials = IdentityFiles.load(directory)
        except (NotFound, PermissionError):
            if self.config:
                raise ProctorError(
                    f"no administrator's identity in {directory}",
                    hint="Start the auth service here first, and run tctl as root.",
                ) from None
            return None
        listen = config.auth_service.listen_addr
        return str(replace(listen, host=reachable_host(listen.host))), credentials

    def directories(self) -> tuple[Path, Path]:
        """Data directory and directory of the backend of this host. Raises ProctorError."""
        try:
            teleport = self._configuration().teleport
        except PermissionError:
            raise ProctorError(f"{DEFAULT_PATH} cannot be read", hint="Run it as root.") from None
        data_dir = Path(teleport.data_dir)
        return data_dir, Path(teleport.storage.path or data_dir / "backend")

    def _configuration(self) -> Config:
        """The configuration of this host. Raises PermissionError when only others may read the usual file."""
        if self.config:
            return read(Path(self.config)).config
        try:
            with Path(DEFAULT_PATH).open("rb"):
                pass
        except FileNotFoundError:
            return Config()
        return read(Path(DEFAULT_PATH)).config


def _current(path: Path) -> Credentials:
    """The identity file at ``path``. Raises Unauthenticated when it has expired."""
    credentials = read_identity_file(path)
    ends = read_user_certificate(credentials.ssh_certificate.decode()).valid_before
    if ends <= SYSTEM.now():
        raise Unauthenticated(
            f"the identity in {path} expired at {ends:%Y-%m-%d %H:%M} UTC",
            hint=f"Make another on the auth host: tctl auth sign --user=<name> --out={path}",
        )
    return credentials


def _address(text: str) -> str:
    try:
        return str(read_address(text, 3025))
    except ValueError as error:
        raise BadRequest(f"--auth-server: {error}") from None
