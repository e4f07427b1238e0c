# SPDX-License-Identifier: Apache-2.0
"""The composition root: from a boot to the objects of one service.

Each function imports the package that it builds and no other; only here are drivers named.
"""

from __future__ import annotations

import importlib
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from proctor.config.boot import ServiceBoot
from proctor.config.schema import Config
from proctor.config.secret_values import static_tokens
from proctor.core.clock import SYSTEM
from proctor.core.net import is_wildcard

if TYPE_CHECKING:
    from proctor.rpc.auth_client import Client
    from proctor.runtime.diag.diag_http import Ask

LOCAL_ROLES = frozenset({"node", "proxy"})


class Service(Protocol):
    """The interface of a service process."""

    def adopt(self, handover: Mapping[str, Any]) -> None:
        """Take over what ``retire`` of the process before returned; before ``start``."""

    async def start(self) -> dict[str, Any]:
        """Work from now on; what the supervisor is to know. Raises ProctorError or OSError."""

    async def probe(self) -> Mapping[str, str]:
        """Why this service cannot do its work right now, by what is missing; empty when it can."""

    def status(self) -> Mapping[str, Any]:
        """Return its counters."""

    async def retire(self) -> Mapping[str, Any]:
        """Take nothing new, and release what a successor needs; what it needs to know, for ``adopt``."""

    async def finished(self) -> None:
        """Return when what was under way has ended by itself and was delivered."""

    async def drain(self, seconds: float) -> None:
        """Take nothing new, and let what is under way end within ``seconds``."""

    async def stop(self) -> None:
        """End what is left, and release everything."""


Sockets = Mapping[str, socket.socket]
"""Listening sockets by name, made by the supervisor."""


def service(boot: ServiceBoot, sockets: Sockets) -> Service:
    """The service that ``boot`` names; not for the spawner, which has no event loop, nor for diag."""
    return _BUILDERS[boot.service](boot, sockets)


def preload(boot: ServiceBoot) -> None:
    """Load what ``service`` needs, and raise what can be known to be wrong before it starts.

    Nothing is opened that a running process of the service uses.
    """
    importlib.import_module(_MODULES[boot.service])
    if boot.service == "proxy":
        from proctor.proxy.certificate import server_context

        server_context(boot, SYSTEM)


def diag(sockets: Sockets, ask: Ask) -> Service:
    """The diagnostics service, which shows what ``ask`` gets from the supervisor."""
    from proctor.runtime.diag.diag_http import DiagServer

    return DiagServer(sockets["diag"], ask)


def _auth(boot: ServiceBoot, _sockets: Sockets) -> Service:
    from proctor.audit.logs_file import FileLog
    from proctor.auth.housekeeping.retention import Policy
    from proctor.auth.service import AuthServer
    from proctor.auth.settings import AuthSettings, StaticToken
    from proctor.recording.archive import Archive
    from proctor.runtime.adapters import AuthAdapter
    from proctor.storage.sqlite import SqliteBackend

    config = boot.config
    storage = config.teleport.storage
    listen = config.auth_service.listen_addr
    tokens = [StaticToken(value=value, roles=frozenset(roles)) for roles, value in static_tokens(config)]
    local = StaticToken(value=boot.local_join_token, roles=LOCAL_ROLES, listed=False)
    settings = AuthSettings(
        cluster_name=boot.cluster_name,
        host_uuid=boot.host_uuid,
        listen_address=str(listen),
        own_identity=boot.proc_dir("auth"),
        admin_identity=boot.proc_dir("admin"),
        node_name=boot.node_name,
        names=tuple({listen.host, boot.node_name, *(a.host for a in config.auth_service.public_addr)}),
        static_tokens=(*tokens, local),
        proxy_public_addresses=_proxy_addresses(config, boot.node_name),
        default_session_ttl=config.auth_service.authentication.default_session_ttl,
        local_auth=config.auth_service.authentication.local_auth,
        retention=Policy.of_seconds(storage.audit_retention_period, storage.audit_sessions_retention_period),
        locking_mode=config.auth_service.authentication.locking_mode,
    )
    backend = SqliteBackend(boot.backend_dir / "state.sqlite", synchronous=storage.sync, clock=SYSTEM)
    log = FileLog(boot.log_dir, boot.host_uuid, SYSTEM, cluster_name=boot.cluster_name)
    server = AuthServer(settings, backend, log, Archive(boot.log_dir, boot.host_uuid, SYSTEM), SYSTEM)
    return AuthAdapter(boot, server)


def _proxy_addresses(config: Config, node_name: str) -> tuple[str, ...]:
    proxy = config.proxy_service
    if not proxy.enabled:
        return ()
    if proxy.public_addr:
        return tuple(map(str, proxy.public_addr))
    host = node_name if is_wildcard(proxy.web_listen_addr.host) else proxy.web_listen_addr.host
    return (f"{host}:{proxy.web_listen_addr.port}",)


def _capture(boot: ServiceBoot, sockets: Sockets) -> Service:
    from proctor.capture.engine import CaptureSettings
    from proctor.capture.service import CaptureService

    settings = CaptureSettings.of(boot.config.ssh_service.enhanced_recording, boot.run_dir, boot.run_id)
    return CaptureService(sockets["capture"], settings, node_uid=boot.node_uid, clock=SYSTEM)


def _proxy(boot: ServiceBoot, sockets: Sockets) -> Service:
    from proctor.proxy.service import ProxyServer

    return ProxyServer(boot, connector(boot), SYSTEM, sockets)


def _node(boot: ServiceBoot, sockets: Sockets) -> Service:
    from proctor.node.service import NodeServer
    from proctor.runtime.adapters import NodeService

    client = connector(boot)()
    return NodeService(NodeServer(boot, lambda: client, SYSTEM, sockets), client)


def connector(boot: ServiceBoot) -> Callable[[], Client]:
    """Makes clients of the auth service with the identity of the service itself."""
    from proctor.rpc.auth_client import Client
    from proctor.rpc.identity_files import IdentityFiles

    credentials = IdentityFiles.load(boot.proc_dir())
    return lambda: Client(boot.auth_address, credentials, skip_version_check=boot.skip_version_check)


def run_spawner(boot: ServiceBoot, ready: Callable[[], None], sockets: Sockets) -> None:
    """Run the spawner to its end: it blocks, and stays single-threaded since it forks."""
    from proctor.runtime.privileges import profiles
    from proctor.spawner.server import main

    main(boot, ready, sockets["spawn"], profiles.confine_signer)


_MODULES = {
    "auth": "proctor.auth.service",
    "capture": "proctor.capture.service",
    "diag": "proctor.runtime.diag.diag_http",
    "node": "proctor.node.service",
    "proxy": "proctor.proxy.service",
}

_BUILDERS: dict[str, Callable[[ServiceBoot, Sockets], Service]] = {
    "auth": _auth,
    "capture": _capture,
    "node": _node,
    "proxy": _proxy,
}
