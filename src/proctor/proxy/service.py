# SPDX-License-Identifier: Apache-2.0
"""The proxy service: one TLS port, the web page on it, the SSH proxy beside it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from proctor.audit.spool import Spool
from proctor.config.boot import ServiceBoot
from proctor.core import probes
from proctor.core.accept import listen
from proctor.core.clock import SYSTEM, Clock
from proctor.core.errors import ProctorError, Unavailable
from proctor.core.limits.rates import RateLimit
from proctor.core.net import Address, is_wildcard
from proctor.core.tasks import TaskSet
from proctor.model import serde
from proctor.model.resources import Metadata, Node, NodeSpec
from proctor.proxy.certificate import server_context
from proctor.proxy.directory import NodeDirectory
from proctor.proxy.lock_watch import ProxyLocks
from proctor.proxy.mux import Mux, pass_through
from proctor.proxy.sshd import SshProxy, SshProxySettings
from proctor.proxy.web.app import make_app
from proctor.proxy.web.http_server import HttpsServer
from proctor.proxy.web.sessions import Sessions
from proctor.proxy.web.site import Site
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.auth_client import Client
from proctor.rpc.identity_files import Credentials, IdentityFiles

AUTH_SUFFIX = ".cluster.local"
"""Server names below this are the auth service's, which gets the connection untouched."""

HEARTBEAT_SECONDS = 15.0
SWEEP_SECONDS = 30.0
MUX_DRAIN_SECONDS = 2.0
"""How long a restart waits for requests and calls; the streams of nodes never end and reconnect instead."""

_log = logging.getLogger(__name__)


class ProxyServer:
    """The proxy that ``boot`` describes; ``connect`` gives a client with the proxy's own identity.

    ``sockets``: listening sockets by name (``web``, ``ssh``); what is missing is made.
    """

    def __init__(
        self,
        boot: ServiceBoot,
        connect: Callable[[], Client],
        clock: Clock = SYSTEM,
        sockets: Mapping[str, socket.socket] | None = None,
    ) -> None:
        self._boot = boot
        self._config = boot.config.proxy_service
        self._connect = connect
        self._clock = clock
        self._sockets = sockets or {}
        self._tasks = TaskSet("proxy")
        self._exclusive = TaskSet("proxy.exclusive")
        """Do what one of several proxy processes does for all."""
        self._handover: Mapping[str, Any] = {}
        self._exit = contextlib.AsyncExitStack()

    async def start(self) -> dict[str, Any]:
        """Listen on both ports and answer; the addresses in use as ``address`` and ``ssh_address``.

        Raises OSError when an address is taken, ConfigError when a certificate cannot be used,
        IncompatibleVersion when the auth service is too old.
        """
        try:
            return await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> dict[str, Any]:
        credentials = IdentityFiles.load(self._boot.proc_dir())
        self._client = self._connect()
        self._exit.push_async_callback(self._client.close)
        await self._check_auth()
        context = server_context(self._boot, self._clock)
        if self._boot.recover:
            return await self._recover(credentials)
        listener = self._listener("web", self._config.web_listen_addr)
        self._exit.callback(listener.close)
        self._web_port = listener.getsockname()[1]
        web = replace(self._config.web_listen_addr, port=self._web_port)
        ssh = await self._start_ssh(credentials)
        self._public = self._public_address(web)
        site = self._site(credentials, ssh)
        self._https = HttpsServer(make_app(site), context)
        self._start_mux(listener)
        self._exclusive.spawn(self._beat(), name="heartbeat", vital=True)
        self._tasks.spawn(_sweep(site.sessions), name="sweep", vital=True)
        self._locks.changed = self._access_changed
        self._tasks.spawn(self._locks.run(), name="locks", vital=True)
        return {"address": str(web), "ssh_address": str(ssh)}

    async def _recover(self, credentials: Credentials) -> dict[str, Any]:
        """Only deliver what a proxy process before has left."""
        self._open_spool(credentials)
        return {}

    def _listener(self, name: str, address: Address) -> socket.socket:
        return self._sockets.get(name) or listen(address.host, address.port)

    async def _check_auth(self) -> None:
        """A proxy works on while auth is away, and starts without it, but not with one too old for it."""
        try:
            await self._client.ping()
        except Unavailable as error:
            _log.warning("%s; the proxy starts all the same", error.message)

    def _open_spool(self, credentials: Credentials) -> Spool:
        spool = Spool(
            self._boot.spool_dir,
            source=f"proxy/{self._boot.host_uuid}",
            cluster_name=credentials.authorities.cluster_name,
            clock=self._clock,
        )
        self._exit.callback(spool.close)
        self._spool = spool
        self._tasks.spawn(spool.deliver(lambda: self._client), name="spool", vital=True)
        return spool

    async def _start_ssh(self, credentials: Credentials) -> Address:
        spool = self._open_spool(credentials)
        settings = SshProxySettings(
            host_uuid=self._boot.host_uuid,
            node_name=self._boot.node_name,
            credentials=credentials,
            config=self._boot.config,
        )
        self._locks = ProxyLocks(
            lambda: self._client, self._boot.host_uuid, self._boot.node_name, self._clock
        )
        directory = NodeDirectory(self._client, self._clock)
        self._ssh = SshProxy(settings, directory, self._locks, spool, self._clock)
        self._exit.push_async_callback(self._ssh.stop)
        listen_addr = self._config.listen_addr
        await self._ssh.start(self._listener("ssh", listen_addr))
        return replace(listen_addr, port=self._ssh.port)

    def _site(self, credentials: Credentials, ssh: Address) -> Site:
        config = self._config
        sessions = Sessions(
            lambda own: Client(
                self._boot.auth_address, own, skip_version_check=self._boot.skip_version_check
            ),
            self._clock,
            idle_seconds=self._boot.config.auth_service.web_idle_timeout,
        )
        sessions.restore(self._handover.get("web_sessions", []))
        self._sessions = sessions
        self._exit.push_async_callback(sessions.close)
        return Site(
            client=self._client,
            authorities=credentials.authorities,
            sessions=sessions,
            revocation_list=self._locks.revocation_list,
            limit=RateLimit(self._clock),
            clock=self._clock,
            ssh_listen=str(ssh),
            ssh_public=str(config.ssh_public_addr[0]) if config.ssh_public_addr else "",
            web_public=self._public,
            trust_forwarded=config.trust_x_forwarded_for,
        )

    def _start_mux(self, listener: socket.socket) -> None:
        self._mux = Mux(
            listener,
            passes=lambda name: name.endswith(AUTH_SUFFIX),
            through=pass_through(self._boot.auth_address),
            own=self._https.serve,
            limit=self._boot.config.teleport.connection_limits.max_connections,
        )
        self._exit.push_async_callback(self._mux.close)
        self._mux.start()

    def _public_address(self, web: Address) -> str:
        """Return the addresses of the web page."""
        if self._config.public_addr:
            return str(self._config.public_addr[0])
        if is_wildcard(web.host):
            web = replace(web, host=self._boot.config.teleport.advertise_ip or self._boot.node_name)
        return str(web)

    def _access_changed(self) -> None:
        """Go by what is locked now."""
        self._ssh.access_changed()
        self._tasks.spawn(self._sessions.end_refused(self._locks.refusal), name="locked sessions")

    async def _beat(self) -> None:
        """Tell the auth service where the web page is; it forgets when it restarts."""
        spec = NodeSpec(hostname=self._boot.node_name, addr=self._public)
        node = Node(metadata=Metadata(name=self._boot.host_uuid), spec=spec)
        request = pb.HeartbeatRequest(node=serde.to_json(node))
        while True:
            try:
                await self._client.call(self._client.auth.Heartbeat, request)
            except ProctorError as error:
                _log.warning("the heartbeat failed: %s", error.message)
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def probe(self) -> Mapping[str, str]:
        """Return the obstacles to reaching nodes through this proxy, by name; empty when ready."""
        web, ssh = self._config.web_listen_addr, self._config.listen_addr
        return await probes.problems(
            {
                "auth": self._probe_auth,
                "spool": self._spool.probe,
                "ssh": lambda: probes.greets(self._ssh.port, ssh.host, b"SSH-2.0"),
                "web": lambda: probes.speaks_tls(self._web_port, web.host),
            }
        )

    async def _probe_auth(self) -> None:
        await self._client.ping()

    def status(self) -> Mapping[str, Any]:
        """Nothing is counted here."""
        return {}

    def adopt(self, handover: Mapping[str, Any]) -> None:
        """Go on with the web sessions of the proxy process before; to be called before ``start``."""
        self._handover = handover

    async def retire(self) -> Mapping[str, Any]:
        """Accept no more, and give up the web sessions; connections go on, see ``finished``."""
        await self._exclusive.close()
        await asyncio.gather(self._mux.refuse(), self._ssh.refuse())
        self._https.drain()
        return {"web_sessions": self._sessions.saved()}

    async def finished(self) -> None:
        """Return when the last connection has ended by itself and all events were delivered."""
        if not self._boot.recover:
            await asyncio.gather(self._mux.drain(None), self._ssh.finished())
        await self._spool.flushed(None)

    async def drain(self, seconds: float) -> None:
        """Accept no more; let requests end within a moment, and SSH connections within ``seconds``."""
        self._https.drain()
        await asyncio.gather(self._mux.drain(min(seconds, MUX_DRAIN_SECONDS)), self._ssh.drain(seconds))
        await self._spool.flushed(MUX_DRAIN_SECONDS)

    async def stop(self) -> None:
        """Cut what is left and release everything."""
        await self._exclusive.close()
        await self._tasks.close()
        await self._exit.aclose()


async def _sweep(sessions: Sessions) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        await sessions.sweep()
