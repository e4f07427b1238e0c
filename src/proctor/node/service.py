# SPDX-License-Identifier: Apache-2.0
"""The node service: composes SSH server, sessions, records and their delivery."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from proctor.audit.spool import Spool
from proctor.captureproto.client import CaptureClient
from proctor.config.boot import ServiceBoot
from proctor.core import probes
from proctor.core.accept import listen
from proctor.core.clock import SYSTEM, Clock
from proctor.core.errors import Unavailable
from proctor.core.limits.attempts import AttemptLog
from proctor.core.net import is_wildcard
from proctor.core.tasks import TaskSet, Threads, WorkQueue
from proctor.core.version import VERSION
from proctor.model.event import Event
from proctor.model.resources import Node
from proctor.node import timeouts
from proctor.node.cache import AccessCache
from proctor.node.heartbeat import Heartbeat, Labels, node_document, own_address
from proctor.node.host import NodeContext
from proctor.node.privsep import SpawnerClient, public_host_keys
from proctor.node.record.capture import CaptureSubscription
from proctor.node.record.contexts import Contexts
from proctor.node.record.deliveries import DeliveryLog
from proctor.node.record.recorder import NodeFacts
from proctor.node.record.recovery import Recovery
from proctor.node.sshd import NodeConnection
from proctor.recording.upload import Replicator
from proctor.recording.writer import Interrupted, recover
from proctor.rpc.auth_client import Client
from proctor.rpc.identity_files import Credentials, IdentityFiles
from proctor.spawnerproto.decision import HostPolicy
from proctor.spawnerproto.messages import PingRequest
from proctor.sshkit.listener import SshListener
from proctor.sshkit.ssh_server import server_options

_probes = Threads("spawner-probe", 1)
_log = logging.getLogger(__name__)


class NodeServer:
    """``connect`` gives the client of the auth service, the same one each time; it need not be reachable.

    ``sockets``: listening sockets by name (``ssh``); what is missing is made.
    """

    def __init__(
        self,
        boot: ServiceBoot,
        connect: Callable[[], Client],
        clock: Clock = SYSTEM,
        sockets: Mapping[str, socket.socket] | None = None,
    ) -> None:
        self._boot = boot
        self._ssh = boot.config.ssh_service
        self._connect = connect
        self._clock = clock
        self._sockets = sockets or {}
        self._tasks = TaskSet("node")
        self._writes = WorkQueue("node-writes")
        self._spawner = SpawnerClient(boot.spawn_socket, clock)
        self._exclusive = TaskSet("node.exclusive")
        """Do what one of several node processes does for all."""
        self._recoveries = TaskSet("node.recoveries")
        self._labels = Labels(self._ssh.labels, self._ssh.commands)
        self._cluster = boot.cluster_name
        self._port = self._ssh.listen_addr.port
        self._address = ""
        self._listener: SshListener | None = None
        self._host: NodeContext | None = None

    @property
    def port(self) -> int:
        """Address of the SSH server, once started."""
        return self._port

    async def start(self) -> dict[str, Any]:
        """Serve SSH; the address. Raises Unavailable when enhanced recording is enabled and impossible."""
        credentials = IdentityFiles.load(self._boot.proc_dir())
        self._cluster = credentials.authorities.cluster_name
        host = await self._compose(credentials)
        self._host = host
        await host.cache.load()
        host.cache.on_change = host.access_changed
        if not self._boot.recover:
            self._listener = self._listen(host, credentials)
            self._port = self._listener.port
            self._address = self._reachable_at()
        self._tasks.spawn(host.spool.deliver(self._connect), name="spool", vital=True)
        self._tasks.spawn(host.replicator.run(), name="replicator", vital=True)
        self._tasks.spawn(host.cache.run(), name="cache", vital=True)
        self._labels.start(self._tasks)
        if self._listener is not None:
            heartbeat = Heartbeat(self._document, self._connect, self._proxies)
            self._exclusive.spawn(heartbeat.run(), name="heartbeat", vital=True)
            self._listener.start()
        return {"address": self._address}

    async def _compose(self, credentials: Credentials) -> NodeContext:
        boot = self._boot
        spool, interrupted = await self._writes.run(self._recover)
        contexts = Contexts(boot.data_dir / "spool/node/sessions")
        recovery = Recovery(interrupted, self._facts(), spool, contexts, self._writes)
        feed = await self._feed(recovery, contexts)
        if feed is not None and boot.recover:
            feed.retire()
        recovery.start(feed, self._recoveries)
        if feed is not None:
            self._tasks.spawn(feed.run(), name="capture", vital=True)
            self._tasks.spawn(feed.watch(), name="watch of capture", vital=True)

        def audit(event: Event) -> None:
            self._writes.put(partial(spool.append, event))

        return NodeContext(
            facts=self._facts,
            clock=self._clock,
            spool=spool,
            writes=self._writes,
            attempts=AttemptLog(audit, self._clock),
            cache=AccessCache(self._spawner.ask, credentials.authorities.user_ssh_ca, self._connect),
            replicator=Replicator(boot.upload_dir, self._connect, boot.host_uuid, self._clock, emit=audit),
            feed=feed,
            policy=HostPolicy.of(self._ssh, self._boot.node_name),
            reported_labels=lambda: self._labels.printed,
            spawner=self._spawner,
            upload_dir=boot.upload_dir,
            certificate=credentials.ssh_certificate.decode().strip(),
            idle_timeout=boot.config.auth_service.client_idle_timeout,
            disconnect_expired=boot.config.auth_service.disconnect_expired_cert,
        )

    def _recover(self) -> tuple[Spool, list[Interrupted]]:
        """Open spool and recordings on the disk."""
        boot = self._boot
        spool = Spool(
            boot.spool_dir, source=f"node/{boot.host_uuid}", cluster_name=self._cluster, clock=self._clock
        )
        boot.upload_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        return spool, recover(
            boot.upload_dir,
            self._clock,
            cluster_name=self._cluster,
            server_id=boot.host_uuid,
            emit=spool.append,
        )

    async def _feed(self, recovery: Recovery, contexts: Contexts) -> CaptureSubscription | None:
        if not self._ssh.enhanced_recording.enabled:
            return None
        client = CaptureClient(self._boot.capture_socket, str(self._boot.slot))
        try:
            await client.status()
        except Unavailable as error:
            raise Unavailable(
                f"enhanced recording is enabled, but nothing can be recorded: {error.message}",
                hint="See the capture service's log, or set ssh_service.enhanced_recording.enabled: false.",
            ) from None
        deliveries = await self._writes.run(DeliveryLog, self._boot.spool_dir / "deliveries.json")
        return CaptureSubscription(client, deliveries, recovery.recorder, contexts, self._writes)

    def _listen(self, host: NodeContext, credentials: Credentials) -> SshListener:
        teleport, auth = self._boot.config.teleport, self._boot.config.auth_service
        options = server_options(
            public_host_keys(credentials.ssh_certificate),
            ciphers=teleport.ciphers,
            kex=teleport.kex_algos,
            macs=teleport.mac_algos,
            keepalive=(auth.keep_alive_interval, auth.keep_alive_count_max),
        )
        address = self._ssh.listen_addr
        listener = self._sockets.get("ssh") or listen(address.host, address.port)
        return SshListener(listener, options, lambda: NodeConnection(host))

    async def _probe_auth(self) -> None:
        await self._connect().ping()

    def _facts(self) -> NodeFacts:
        return NodeFacts(
            server_id=self._boot.host_uuid,
            hostname=self._boot.node_name,
            address=self._address,
            labels=self._labels.values,
            version=VERSION,
            cluster=self._cluster,
        )

    def _reachable_at(self) -> str:
        """Return the addresses at which proxies reach this node."""
        if self._ssh.public_addr:
            return str(self._ssh.public_addr[0])
        host = self._boot.config.teleport.advertise_ip or self._ssh.listen_addr.host
        if is_wildcard(host):
            host = own_address(self._boot.auth_address)
        return f"[{host}]:{self._port}" if ":" in host else f"{host}:{self._port}"

    def _document(self) -> Node:
        return node_document(
            self._boot.host_uuid,
            self._boot.node_name,
            self._address,
            self._labels.values,
            enhanced=self._ssh.enhanced_recording.enabled,
        )

    def _proxies(self, addresses: Any) -> None:
        if self._host is not None and addresses:
            self._host.proxy = addresses[0]

    async def probe(self) -> Mapping[str, str]:
        """Return the obstacles to logging in here and being recorded, by name; empty when ready."""
        host = self._host
        if host is None:
            return {"node": "it is stopping"}
        wanted: dict[str, probes.Probe] = {
            "auth": self._probe_auth,
            "spawn": self._ask_spawner,
            "spool": host.spool.probe,
            "recordings": lambda: probes.writable(self._boot.upload_dir),
            "ssh": lambda: probes.greets(self._port, self._ssh.listen_addr.host, b"SSH-2.0"),
        }
        if host.feed is not None:
            wanted["capture"] = host.feed.probe
        return await probes.problems(wanted)

    async def _ask_spawner(self) -> None:
        await _probes.run(self._spawner.ask, PingRequest())

    def status(self) -> Mapping[str, Any]:
        """Nothing is counted here."""
        return {}

    async def retire(self) -> Mapping[str, Any]:
        """Take no further connections and leave cache and heartbeat to a successor; see ``finished``."""
        if self._listener is not None:
            await self._listener.close()
        await self._exclusive.close()
        if self._host is not None:
            self._host.retire()
        return {}

    async def finished(self) -> None:
        """Return when all connections have ended by themselves and everything of them was delivered."""
        host = self._host
        if host is None:
            return
        await host.idle()
        await self._recoveries.drain(None)
        await host.background.drain(None)
        await host.replicator.idle()
        await self._delivered(host, None)
        if host.feed is not None:
            await host.feed.leave()
            await self._delivered(host, None)

    async def _delivered(self, host: NodeContext, seconds: float | None) -> None:
        """Wait until all events are with the auth service, at most ``seconds``."""
        await self._writes.run(host.spool.flush)
        await host.spool.flushed(seconds)

    async def drain(self, seconds: float) -> None:
        """Refuse new connections, and let sessions end by themselves within ``seconds``."""
        if self._host is None:
            return
        self._host.draining = True
        if self._listener is not None:
            await self._listener.close()
        await self._host.sessions.drain(seconds)

    async def stop(self) -> None:
        """Hang up what is left, deliver what can be delivered soon, release everything."""
        if self._listener is not None:
            await self._listener.close()
        host, self._host = self._host, None
        if host is not None:
            host.draining = True
            for connection in list(host.live):
                connection.leave("this node is stopping")
            await host.sessions.drain(timeouts.SESSIONS_AT_STOP)
            await host.sessions.close()
            await host.background.drain(timeouts.DELIVERY_AT_STOP)
            await host.background.close()
            host.attempts.flush()
            if host.cache.reachable:
                await self._delivered(host, timeouts.DELIVERY_AT_STOP)
        await self._exclusive.close()
        await self._recoveries.close()
        await self._tasks.close()
        if host is not None:
            if host.feed is not None:
                host.feed.close()
            await self._writes.run(host.spool.close)
        self._writes.close()
