# SPDX-License-Identifier: Apache-2.0
"""A node without a cluster: its own CAs, a real spawner as root, the SSH server in the test's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import pwd
import subprocess
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from proctor.capture.engine import CaptureSettings
from proctor.capture.service import CaptureService
from proctor.capture.state.place import StateDirectory
from proctor.config.boot import ServiceBoot
from proctor.config.schema import Config, SshService, Teleport
from proctor.core import unixsock
from proctor.core.clock import SYSTEM
from proctor.core.net import Address
from proctor.model.bundle import NAMESPACE, make_bundle
from proctor.model.identity import UserIdentity
from proctor.model.resources import Conditions, Metadata, NetworkRule, Role, RoleOptions, RoleSpec
from proctor.model.serde import to_json
from proctor.node.service import NodeServer
from proctor.recording.format import file_names
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.auth_client import Client
from proctor.rpc.identity_files import Authorities, Credentials, IdentityFiles
from proctor.sshkit import certs, keys, sshsig
from testing.spawner import SpawnerProcess
from testing.terminal import Terminal

CLUSTER = "purple"
HOST_NAME = "worker"


def ordinary_login() -> str:
    """An account of this machine that is not root and has a shell, or root when there is none."""
    for entry in pwd.getpwall():
        if entry.pw_uid and os.path.basename(entry.pw_shell) in {"sh", "bash", "dash"}:
            return entry.pw_name
    return "root"


@dataclass
class Done:
    """A client that has ended."""

    status: int
    stdout: bytes
    stderr: str


@dataclass
class NodeUnderTest:
    """Directory, keys and boot of a node; ``running`` starts it."""

    directory: Path
    ssh_service: SshService = field(default_factory=SshService)
    node_ca: tuple[bytes, str] = field(default_factory=keys.generate)
    user_ca: tuple[bytes, str] = field(default_factory=keys.generate)
    login: str = field(default_factory=ordinary_login)

    def __post_init__(self) -> None:
        self.directory.chmod(0o755)
        teleport = Teleport(data_dir=str(self.directory / "data"))
        ssh = replace(self.ssh_service, listen_addr=Address("127.0.0.1", 0), labels={"env": "test"})
        self.boot = ServiceBoot(
            service="node",
            config=Config(teleport=teleport, ssh_service=ssh),
            host_uuid=str(uuid.uuid4()),
            run_id=str(uuid.uuid4()),
            uid=os.getuid(),
            gid=os.getgid(),
            node_uid=os.getuid(),
            auth_address="127.0.0.1:1",
            node_name=HOST_NAME,
            cluster_name=CLUSTER,
        )
        for path in ("run", "proc/trusted", "proc/host", "spool/node"):
            (self.boot.data_dir / path).mkdir(parents=True)
        self.boot.trusted_user_ca.write_text(self.user_ca[1] + "\n")
        self._save_identity()
        self.set_roles(role("access", logins=[self.login]))
        self._client: Client | None = None
        self.server = NodeServer(self.boot, self._connect)

    def _save_identity(self) -> None:
        now = SYSTEM.now()
        key, public = keys.generate()
        self.boot.host_key.write_bytes(key)
        certificate = certs.issue_host_certificate(
            self.node_ca[0],
            public,
            key_id="host",
            principals=["127.0.0.1", HOST_NAME],
            now=now,
            valid_before=now + timedelta(days=1),
        )
        authorities = Authorities(
            cluster_name=CLUSTER, host_tls_ca=b"", user_tls_ca=b"", user_ssh_ca=[self.user_ca[1]]
        )
        credentials = Credentials(
            tls_key=b"",
            tls_certificate=b"",
            ssh_certificate=certificate.encode(),
            authorities=authorities,
        )
        IdentityFiles.save(self.boot.proc_dir(), credentials)

    def _connect(self) -> Client:
        if self._client is None:
            self._client = Client(self.boot.auth_address, None, authorities=b"")
        return self._client

    def set_roles(self, *roles: Role) -> None:
        """What this host knows of roles before it starts."""
        self.boot.access_bundle.write_bytes(self.bundle(*roles).json)

    def bundle(self, *roles: Role, **changes: Any) -> pb.AccessBundle:
        """An access bundle for this host, as the auth service would sign it; ``changes`` of its fields."""
        now = SYSTEM.now()
        content = to_json(replace(make_bundle(self.boot.host_uuid, CLUSTER, list(roles), now), **changes))
        private, public = keys.generate()
        certificate = certs.issue_delegation(
            self.user_ca[0], public, NAMESPACE, now=now, valid_before=now + timedelta(days=1)
        )
        return pb.AccessBundle(json=content, signature=sshsig.sign(private, certificate, NAMESPACE, content))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[NodeUnderTest]:
        """Spawner, capture (if enabled) and server, until the block is left."""
        async with self.helpers():
            await self.server.start()
            try:
                yield self
            finally:
                await self.stop()

    async def stop(self) -> None:
        """Stop the server."""
        await self.server.stop()
        await self._connect().close()

    @contextlib.asynccontextmanager
    async def helpers(self) -> AsyncIterator[None]:
        """The processes beside the server: spawner, and capture if it is enabled."""
        async with contextlib.AsyncExitStack() as stack:
            if self.ssh_service.enhanced_recording.enabled:
                await stack.enter_async_context(self.capturing())
            stack.callback(StateDirectory(self.boot.run_dir).discard)
            with SpawnerProcess(replace(self.boot, service="spawner")):
                yield

    @contextlib.asynccontextmanager
    async def capturing(self) -> AsyncIterator[None]:
        """A capture service, until the block is left."""
        listening = unixsock.listen(self.boot.capture_socket)
        settings = CaptureSettings.of(
            self.ssh_service.enhanced_recording, self.boot.run_dir, self.boot.run_id
        )
        capture = CaptureService(listening, settings, node_uid=self.boot.node_uid)
        await capture.start()
        try:
            yield
        finally:
            await capture.stop()

    def person(
        self,
        name: str = "alice",
        *,
        roles: Sequence[str] = ("access",),
        logins: Sequence[str] = (),
        ttl: timedelta = timedelta(hours=1),
        port: int = 0,
    ) -> Person:
        """Somebody with a certificate and OpenSSH's configuration for it."""
        home = self.directory / f"{name}-{uuid.uuid4().hex[:6]}"
        home.mkdir()
        key, public = keys.generate()
        now = SYSTEM.now()
        identity = UserIdentity(
            username=name, roles=tuple(roles), logins=tuple(logins or (self.login,)), cluster=CLUSTER
        )
        certificate = certs.issue_user_certificate(
            self.user_ca[0], public, identity, now=now, valid_before=now + ttl
        )
        (home / "id").write_bytes(key)
        (home / "id").chmod(0o600)
        (home / "id-cert.pub").write_text(certificate + "\n")
        (home / "known_hosts").write_text(f"@cert-authority * {self.node_ca[1]}\n")
        return Person(home, self.login, port or self.server.port)

    def recording(self, sid: str) -> dict[str, bytes]:
        """The files of a recording, unpacked, by kind; empty until it is finished."""
        if (self.boot.upload_dir / f"{sid}.journal").exists():
            return {}
        files = {
            kind: self.boot.upload_dir / name for name, kind in file_names(sid).items() if kind != "index"
        }
        return {kind: gzip.decompress(path.read_bytes()) for kind, path in files.items() if path.exists()}

    def events(self, *names: str, **fields: Any) -> list[dict[str, Any]]:
        """Spooled events with one of these names and these fields, oldest first."""
        lines = [
            json.loads(line)
            for path in sorted(self.boot.spool_dir.rglob("*"))
            if path.is_file()
            for line in path.read_bytes().splitlines()
            if line.startswith(b'{"') and b'"event"' in line
        ]
        return [
            line for line in lines if (not names or line["event"] in names) and fields.items() <= line.items()
        ]


@dataclass
class Person:
    """Somebody with a certificate; runs OpenSSH's clients against the node."""

    home: Path
    login: str
    port: int

    @property
    def options(self) -> list[str]:
        """Options for ssh, scp and sftp alike."""
        settings = {
            "BatchMode": "yes",
            "IdentitiesOnly": "yes",
            "IdentityFile": self.home / "id",
            "UserKnownHostsFile": self.home / "known_hosts",
            "StrictHostKeyChecking": "yes",
            "Port": self.port,
        }
        return ["-F", "none", *(part for key, value in settings.items() for part in ("-o", f"{key}={value}"))]

    @property
    def target(self) -> str:
        """``login@address``."""
        return f"{self.login}@127.0.0.1"

    async def run(self, *argv: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Done:
        """Run a client to its end."""
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(os.environ) | dict(env or {}),
        )
        try:
            stdout, stderr = await asyncio.wait_for(process.communicate(stdin), 60)
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode is not None
        return Done(process.returncode, stdout, stderr.decode(errors="replace"))

    def terminal(self, command: str = "", *flags: str) -> Terminal:
        """``ssh -tt`` to the node in a terminal of its own."""
        argv = ["ssh", *self.options, *flags, "-tt", self.target, *filter(None, [command])]
        return Terminal(argv, env=dict(os.environ) | {"TERM": "xterm"})

    async def ssh(self, *arguments: str, stdin: bytes = b"", login: str = "") -> Done:
        """Run ``ssh`` to the node."""
        target = f"{login or self.login}@127.0.0.1"
        flags = [part for part in arguments if part.startswith("-")]
        command = [part for part in arguments if not part.startswith("-")]
        return await self.run("ssh", *self.options, *flags, target, *command, stdin=stdin)


def role(
    name: str,
    *,
    logins: Sequence[str],
    options: RoleOptions | None = None,
    network: list[NetworkRule] | None = None,
    **labels: str,
) -> Role:
    """A role that allows ``logins`` on nodes with ``labels`` (default: all), to reach ``network``."""
    allow = Conditions(logins=list(logins), node_labels=dict(labels) or {"*": "*"}, network=network)
    return Role(metadata=Metadata(name=name), spec=RoleSpec(options=options or RoleOptions(), allow=allow))
