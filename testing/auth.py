# SPDX-License-Identifier: Apache-2.0
"""A real auth service in this process, and credentials to talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyotp

from proctor.audit.log import Query
from proctor.audit.logs_file import FileLog
from proctor.auth.service import AuthServer
from proctor.auth.settings import AuthSettings, StaticToken
from proctor.core.clock import SYSTEM, Clock
from proctor.model import serde
from proctor.model.rbac.locks import LockingMode
from proctor.recording.archive import Archive
from proctor.rpc import auth_client as rpc_client
from proctor.rpc import tls
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.auth_client import Client
from proctor.rpc.identity_files import Credentials, IdentityFiles
from proctor.sshkit import keys
from proctor.storage.sqlite import SqliteBackend

PASSWORD = "correct horse battery"
STATIC_TOKEN = "static-token-of-the-test"


def otp_code(secret: str, step: int = 0) -> str:
    """The one-time code ``step`` half minutes from now."""
    return pyotp.TOTP(secret).at(int(SYSTEM.now().timestamp()) + 30 * step)


@dataclass
class RunningAuth:
    """An auth service on loopback; ``data`` is its data directory."""

    data: Path
    address: str
    host_uuid: str
    log: FileLog
    server: AuthServer

    @property
    def admin(self) -> Credentials:
        """The auth host's administrator."""
        return IdentityFiles.load(self.data / "proc/admin")

    def client(self, credentials: Credentials | None = None) -> Client:
        """A client; without credentials an anonymous one."""
        return Client(self.address, credentials, authorities=self.admin.authorities.host_tls_ca)

    async def call(self, credentials: Credentials | None, method: str, request: Any) -> Any:
        """One RPC such as ``auth.Ping``."""
        client = self.client(credentials)
        try:
            stub, name = method.split(".")
            return await client.call(getattr(getattr(client, stub), name), request)
        finally:
            await client.close()

    async def join(
        self,
        role: str,
        token: str = STATIC_TOKEN,
        *,
        host_id: str = "",
        name: str = "",
        principals: Sequence[str] = (),
        secret: str = "known to this host",
    ) -> tuple[str, Credentials]:
        """Join as a new host; its id and credentials."""
        host_id = host_id or str(uuid4())
        tls_key = tls.generate_key()
        ssh_key, ssh_public = keys.generate()
        request = pb.RegisterHostRequest(
            token=token,
            host_id=host_id,
            node_name=name or f"{role}-{host_id[:8]}",
            role=role,
            tls_public_key=tls.public_key(tls_key),
            ssh_public_key=ssh_public.encode(),
            principals=principals,
            host_secret=secret,
        )
        answer = await rpc_client.join(self.address, tls.ca_pins(self.admin.authorities.host_tls_ca), request)
        credentials = Credentials.from_certificates(answer, tls_key=tls_key, ssh_key=ssh_key)
        return host_id, credentials

    async def add_user(self, name: str, roles: list[str], logins: list[str], proxy: Credentials) -> str:
        """A user with PASSWORD; returns the secret of their authenticator app."""
        request = pb.CreateUserRequest(name=name, roles=roles, logins=logins)
        link = await self.call(self.admin, "auth.CreateUser", request)
        invite = await self.call(proxy, "auth.GetInvite", pb.GetInviteRequest(token=link.token))
        secret = pyotp.parse_uri(invite.otp_uri).secret
        accept = pb.AcceptInviteRequest(token=link.token, password=PASSWORD, otp_code=otp_code(secret, -1))
        await self.call(proxy, "auth.AcceptInvite", accept)
        return secret

    async def sign(self, name: str) -> Credentials:
        """Certificates for a user, signed by the administrator."""
        tls_key = tls.generate_key()
        ssh_key, ssh_public = keys.generate()
        request = pb.SignIdentityRequest(
            username=name, tls_public_key=tls.public_key(tls_key), ssh_public_key=ssh_public.encode()
        )
        answer = await self.call(self.admin, "auth.SignIdentity", request)
        return Credentials.from_certificates(answer, tls_key=tls_key, ssh_key=ssh_key)

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """Events in the log, oldest first."""
        page = self.log.search(Query(event_types=kinds, limit=1000, ascending=True))
        return [serde.from_json(raw, dict) for raw in page.events]


def _host_uuid(data: Path) -> str:
    data.mkdir(exist_ok=True)
    file = data / "host_uuid"
    if not file.exists():
        file.write_text(str(uuid4()))
    return file.read_text().strip()


@asynccontextmanager
async def running_auth(
    data: Path,
    clock: Clock = SYSTEM,
    *,
    cluster: str = "purple",
    address: str = "127.0.0.1:0",
    proxies: tuple[str, ...] = ("teleport.example.com:443",),
    names: tuple[str, ...] = (),
    locking_mode: LockingMode = "best_effort",
) -> AsyncIterator[RunningAuth]:
    """Start an auth service over ``data``; stop it at the end."""
    host_uuid = _host_uuid(data)
    settings = AuthSettings(
        cluster_name=cluster,
        host_uuid=host_uuid,
        listen_address=address,
        own_identity=data / "proc/auth",
        admin_identity=data / "proc/admin",
        static_tokens=(StaticToken(value=STATIC_TOKEN, roles=frozenset({"node", "proxy"})),),
        proxy_public_addresses=proxies,
        names=names,
        locking_mode=locking_mode,
    )
    log = FileLog(data / "log", host_uuid, clock, cluster_name=cluster)
    archive = Archive(data / "log", host_uuid, clock)
    backend = SqliteBackend(data / "backend/state.sqlite", clock=clock)
    server = AuthServer(settings, backend, log, archive, clock)
    try:
        port = await server.start()
        yield RunningAuth(data, f"127.0.0.1:{port}", host_uuid, log, server)
    finally:
        await server.stop(0)
