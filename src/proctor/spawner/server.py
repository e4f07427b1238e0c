# SPDX-License-Identifier: Apache-2.0
"""The root helper of the node: listens on ``spawn.sock``, authenticates users, forks a monitor per session.

It owns the SSH host key and verifies for itself who logs in, since the node may be in other hands. Single-
threaded, so that a fork copies nothing unexpected; what is asked for a session is read by its monitor.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import resource
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

import msgspec

from proctor.captureproto.cgroup import CgroupTree
from proctor.config.boot import ServiceBoot
from proctor.core import unixsock, wire
from proctor.core.accept import PAUSE_SECONDS, Refuser, raise_descriptor_limit
from proctor.core.clock import SYSTEM
from proctor.core.errors import BadRequest, ProctorError, Unavailable
from proctor.model.serde import to_builtins
from proctor.spawner import monitor, pam, timeouts
from proctor.spawner.authentication import ClientConnection, ConnectionAuthenticator
from proctor.spawner.bundles import BundleStore
from proctor.spawner.channel import MAX_PENDING, RequestChannel, as_socket
from proctor.spawner.hostkey import HostKey
from proctor.spawner.monitor import MonitorSettings, Opening
from proctor.spawner.monitors import Monitors, Orphan, Report
from proctor.spawnerproto import messages
from proctor.spawnerproto.decision import HostPolicy
from proctor.spawnerproto.messages import (
    Authenticate,
    GetBundle,
    Hello,
    OpenSession,
    PingRequest,
    SignExchange,
    SpawnRejected,
    StoreBundle,
)

_NO_PROCESS = "this host cannot start another process: the limit of processes or of memory is reached"
_DESCRIPTORS_PER_CHANNEL = 2 + MAX_PENDING  # the connection, and that of the client
_LARGE_FRAME, _MAX_WAITING = 1 << 20, 64 << 20
_SPARE_DESCRIPTORS = 64
_log = logging.getLogger(__name__)


def main(
    boot: ServiceBoot,
    ready: Callable[[], None],
    listener: socket.socket | None = None,
    confine_signer: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM on ``listener`` (default: a new one); ``ready`` is called when it is accepted on.

    ``confine_signer``: see ``HostKey``. Raises Unavailable.
    """
    host_key = HostKey(boot.host_key, confine_signer)
    settings = settings_of(boot)
    if settings.tree is not None:
        settings.tree.prepare()
    with _signals() as wakeup:
        listener = listener or unixsock.listen(boot.spawn_socket, uid=boot.node_uid)
        connections = Connections(settings, host_key, boot.config.ssh_service.listen_addr.port)
        spawner = Spawner(listener, settings, connections, boot.node_uid)
        gc.freeze()  # keeps the collector from copying our pages into every fork
        ready()
        replaced = spawner.run(wakeup)
    if settings.tree is not None and not replaced:
        settings.tree.close()


def settings_of(boot: ServiceBoot) -> MonitorSettings:
    """Extract the monitors' part of the boot data; the rest holds secrets and is not kept."""
    ssh = boot.config.ssh_service
    enhanced = ssh.enhanced_recording
    tree = CgroupTree(enhanced.cgroup_path, enhanced.root_path, boot.run_id) if enhanced.enabled else None
    authorities = boot.trusted_user_ca

    def trusted() -> list[str]:
        return authorities.read_text().splitlines()

    return MonitorSettings(
        trusted_keys=trusted,
        bundles=BundleStore(boot.access_bundle, boot.host_uuid, trusted, SYSTEM),
        policy=HostPolicy.of(ssh, boot.node_name),
        host_uuid=boot.host_uuid,
        capture_socket=boot.capture_socket,
        tree=tree,
        pam=pam.PamSettings(ssh.pam.service_name, ssh.pam.environment) if ssh.pam.enabled else None,
        user_environment=ssh.permit_user_env,
    )


@contextlib.contextmanager
def _signals() -> Iterator[socket.socket]:
    """Signals wake ``poll`` through the socket; SIGTERM, SIGQUIT and SIGCHLD have no other effect."""
    wakeup, sender = socket.socketpair()
    sender.setblocking(False)
    wakeup.setblocking(False)
    signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    try:
        yield wakeup
    finally:
        signal.set_wakeup_fd(-1)
        wakeup.close()
        sender.close()


class Connections:
    """The node's connections, one for each SSH connection; decides what to do about each request."""

    def __init__(self, settings: MonitorSettings, host_key: HostKey, port: int) -> None:
        self._settings = settings
        self._host_key = host_key
        self._port = port

    def close(self) -> None:
        """Release what a fork must not take along."""
        self._host_key.close()

    def greet(self, channel: RequestChannel) -> ConnectionAuthenticator:
        """Begin the authentication of an SSH connection."""
        authentication = ConnectionAuthenticator(self._host_key, SYSTEM)
        channel.send(to_builtins(Hello(cookie=authentication.cookie)))
        return authentication

    def answer(
        self, authentication: ConnectionAuthenticator, request: messages.Request, descriptors: list[int]
    ) -> messages.Answer:
        """Do what is asked for, sessions excepted. Raises ProctorError or OSError."""
        match request:
            case SignExchange():
                return messages.Answer(signature=self._sign(authentication, request, descriptors))
            case Authenticate():
                self._authenticate(authentication, request)
            case StoreBundle():
                self._settings.bundles.store(request.content, request.signature)
            case GetBundle():
                return messages.Answer(content=self._settings.bundles.content())
        return messages.Answer()

    def _sign(
        self, authentication: ConnectionAuthenticator, request: SignExchange, descriptors: list[int]
    ) -> bytes:
        if not request.first:
            return authentication.sign_next(request.transcript, request.hash_name)
        if len(descriptors) != 1:
            raise BadRequest("the client's connection must come with its first key exchange")
        client = ClientConnection(as_socket(descriptors[0]), self._port)
        try:
            return authentication.sign_first(request.transcript, request.hash_name, client)
        except ProctorError:
            client.close()
            raise

    def _authenticate(self, authentication: ConnectionAuthenticator, request: Authenticate) -> None:
        settings = self._settings
        user = authentication.authenticate(
            request.request, request.signature, settings.trusted_keys(), request.labels
        )
        settings.decide(user)
        authentication.authenticated = user
        _log.info("%s has logged in as %s from %s", user.user.key_id, user.login, user.client.client)


class Spawner:
    """Accepts the node's connections, answers them, and forks monitors."""

    def __init__(
        self, listener: socket.socket, settings: MonitorSettings, connections: Connections, node_uid: int
    ) -> None:
        self._listener = listener
        self._listener.setblocking(False)  # the next spawner accepts on the same one
        self._settings = settings
        self._connections = connections
        self._trusted_uids = {0, node_uid}
        self._limit = raise_descriptor_limit()  # a user takes several; sessions get the limit of before
        self._max_channels = (self._limit[1] - _SPARE_DESCRIPTORS) // _DESCRIPTORS_PER_CHANNEL
        self._swept = SYSTEM.monotonic()
        self._monitors = Monitors()
        self._refuser = Refuser()
        self._poll = select.poll()
        self._channels: dict[int, tuple[RequestChannel, ConnectionAuthenticator]] = {}
        self._replaced = False

    def run(self, wakeup: socket.socket) -> bool:
        """Serve until SIGTERM arrives on ``wakeup``; monitors that are left go on by themselves.

        Users that are connected then are served further by a fork, until they leave. After SIGQUIT another
        spawner serves new connections, and this one returns with the last user and the last monitor. Was
        that so?
        """
        self._poll.register(self._listener, select.POLLIN)
        self._poll.register(wakeup, select.POLLIN)
        while not self._replaced or self._channels or self._monitors:
            ready = {descriptor for descriptor, _ in self._poll.poll(timeouts.SWEEP * 1000)}
            signals = wakeup.recv(4096) if wakeup.fileno() in ready else b""
            if signal.SIGTERM in signals:
                self._retire(wakeup)
                return self._replaced
            if signal.SIGQUIT in signals and not self._replaced:
                self._poll.unregister(self._listener)
                self._replaced = True
            self._watch_monitors(wakeup)
            if not self._replaced:
                self._sweep()
                if self._listener.fileno() in ready:
                    self._accept()
            self._serve(ready, wakeup)
        self._listener.close()
        return self._replaced

    def _retire(self, wakeup: socket.socket) -> None:
        if not self._replaced:
            self._poll.unregister(self._listener)
        self._listener.close()
        if not self._channels or os.fork():
            return
        self._monitors.forget()
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while self._channels:
                self._serve({descriptor for descriptor, _ in self._poll.poll()}, wakeup)
                with contextlib.suppress(BlockingIOError):
                    wakeup.recv(4096)
                self._watch_monitors(wakeup)
        finally:
            os._exit(os.EX_OK)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            if self._refuser.failed(self._listener, error):
                time.sleep(PAUSE_SECONDS)
            return
        self._refuser.recovered()
        peer = unixsock.peer(connection)
        if peer.uid not in self._trusted_uids:
            _log.warning("process %d of uid %d was refused", peer.pid, peer.uid)
            connection.close()
            return
        if len(self._channels) >= self._max_channels:
            _log.error("the node has %d connections open; one more was refused", len(self._channels))
            connection.close()
            return
        channel = RequestChannel(connection)
        try:
            authentication = self._connections.greet(channel)
        except OSError:
            channel.close()
            return
        self._channels[channel.fileno()] = channel, authentication
        self._poll.register(channel, select.POLLIN)

    def _serve(self, ready: set[int], wakeup: socket.socket) -> None:
        for descriptor in ready & self._channels.keys():
            channel, authentication = self._channels[descriptor]
            try:
                for message, descriptors in channel.receive():
                    try:
                        self._handle(channel, authentication, message, descriptors, wakeup)
                    finally:
                        wire.close_all(descriptors)
                self._check_memory(channel)
            except EOFError:
                self._forget(descriptor)
            except (OSError, wire.FrameError) as error:
                _log.warning("a connection of the node broke off: %s", error)
                self._forget(descriptor)
            except Exception:  # noqa: BLE001 - one connection must not end the service for all others
                _log.exception("a connection of the node is closed")
                self._forget(descriptor)

    def _check_memory(self, channel: RequestChannel) -> None:
        """Raise FrameError when frames that do not end use up too much, and ``channel`` holds a large one."""
        if channel.waiting > _LARGE_FRAME:
            waiting = sum(channel.waiting for channel, _ in self._channels.values())
            if waiting > _MAX_WAITING:
                raise wire.FrameError(f"{waiting} bytes of unfinished requests")

    def _forget(self, descriptor: int) -> None:
        channel, authentication = self._channels.pop(descriptor)
        self._poll.unregister(descriptor)
        channel.close()
        authentication.close()

    def _handle(
        self,
        channel: RequestChannel,
        authentication: ConnectionAuthenticator,
        message: wire.Message,
        descriptors: list[int],
        wakeup: socket.socket,
    ) -> None:
        try:
            request = messages.check_request(message)
            if isinstance(request, OpenSession):
                self._open(authentication, request.sid, descriptors, wakeup)
                return
            if isinstance(request, PingRequest) and not self._fork(wakeup, lambda: None):
                raise Unavailable(_NO_PROCESS)
            answer: msgspec.Struct = self._connections.answer(authentication, request, descriptors)
        except ProctorError as error:
            _log.warning("refused: %s", error.message)
            answer = SpawnRejected(error=error.message)
        except OSError as error:
            _log.error("not done: %s", error)
            answer = SpawnRejected(error=f"the spawn service of this node failed: {error.strerror}")
        channel.send(to_builtins(answer))

    def _open(
        self, authentication: ConnectionAuthenticator, sid: str, descriptors: list[int], wakeup: socket.socket
    ) -> None:
        """Fork a monitor, or say on the session's own socket why there is none."""
        if len(descriptors) != 1:
            raise BadRequest("a session comes with the socket that it is to use")
        with as_socket(descriptors[0]) as connection:
            try:
                user = authentication.logged_in()
                opening = Opening(sid, user, authentication.attest(sid, self._settings.host_uuid))
                if not self._start_monitor(connection, opening, wakeup):
                    raise Unavailable(_NO_PROCESS)
            except ProctorError as error:
                _log.warning("session refused: %s", error.message)
                connection.setblocking(False)  # the other end is the node's: it may be full
                wire.send(connection, to_builtins(SpawnRejected(error=error.message)))

    def _start_monitor(self, connection: socket.socket, opening: Opening, wakeup: socket.socket) -> bool:
        """Fork a monitor for ``connection``; False when there can be none."""
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            _log.error("no process can be watched: %s", error.strerror)
            return False
        with theirs:
            pid = self._fork(wakeup, lambda: self._monitor(connection, opening, theirs))
        if pid:
            self._monitors.add(pid, ours)
        else:
            ours.close()
        return bool(pid)

    def _fork(self, wakeup: socket.socket, run: Callable[[], None]) -> int:
        """The process id of a child that does ``run`` and ends; 0 when there can be none."""
        try:
            pid = os.fork()
        except OSError as error:
            _log.error("no process can be started: %s", error.strerror)
            return 0
        if pid == 0:
            self._inside(wakeup, run)
        return pid

    def _inside(self, wakeup: socket.socket, run: Callable[[], None]) -> NoReturn:
        status = os.EX_SOFTWARE
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_NOFILE, self._limit)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # The node ends sessions; a signal to the whole unit must not cut their last events off.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self._listener.close()
            self._monitors.forget()
            wakeup.close()
            self._connections.close()
            for channel, authentication in self._channels.values():
                channel.close()
                authentication.close()
            run()
            status = os.EX_OK
        except Exception:  # noqa: BLE001 - the last stop: what is raised here must end in the log
            _log.exception("a monitor failed")
        finally:
            os._exit(status)

    def _monitor(self, connection: socket.socket, opening: Opening, spawner: socket.socket) -> None:
        monitor.Monitor(connection, self._settings, opening, Report(spawner)).run()

    def _watch_monitors(self, wakeup: socket.socket) -> None:
        for orphan in self._monitors.wait():
            self._terminate(orphan, wakeup)

    def _terminate(self, orphan: Orphan, wakeup: socket.socket) -> None:
        """End the session in a child, since it may take seconds."""
        tree, run = self._settings.tree, self._settings.capture_socket.parent
        if not self._fork(wakeup, lambda: orphan.terminate(tree, run)):
            orphan.terminate(tree, run)
        orphan.close()

    def _sweep(self) -> None:
        """Remove cgroups that processes outliving their session have left at last."""
        now = SYSTEM.monotonic()
        if self._settings.tree is None or now - self._swept < timeouts.SWEEP:
            return
        self._swept = now
        self._settings.tree.sweep(timeouts.SWEEP)
