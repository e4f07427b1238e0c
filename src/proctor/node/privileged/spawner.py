"""The root helper of the node: listens on ``spawn.sock`` and forks a monitor for each request.

Single-threaded and blocking, so that a fork copies nothing unexpected. It parses nothing itself: the
node's requests are read by the monitors.
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

from proctor.bpf.cgroup import CgroupTree
from proctor.config.boot import ServiceBoot
from proctor.core import unixsock, wire
from proctor.core.accept import PAUSE_SECONDS, Refuser, raise_descriptor_limit
from proctor.core.clock import SYSTEM
from proctor.model.serde import to_builtins
from proctor.node.messages import Refused
from proctor.node.privileged import monitor, pam
from proctor.node.privileged.monitors import Monitors, Orphan, Report

SWEEP_SECONDS = 60.0
"""Pause between looks for cgroups whose last process has ended; also the least age of those removed."""

_NO_PROCESS = "this host cannot start another process: the limit of processes or of memory is reached"
_log = logging.getLogger(__name__)


def main(boot: ServiceBoot, ready: Callable[[], None], listener: socket.socket | None = None) -> None:
    """Serve until SIGTERM on ``listener`` (default: a new one); ``ready`` is called when it is accepted on.

    Raises Unavailable.
    """
    settings = settings_of(boot)
    if settings.tree is not None:
        settings.tree.prepare()
    with _signals() as wakeup:
        listener = listener or unixsock.listen(boot.spawn_socket, uid=boot.node_uid)
        spawner = Spawner(listener, settings, boot.node_uid)
        gc.freeze()  # keeps the collector from copying our pages into every fork
        ready()
        spawner.run(wakeup)
    if settings.tree is not None:
        settings.tree.close()


def settings_of(boot: ServiceBoot) -> monitor.Settings:
    """What monitors need of the boot; the rest of it holds secrets and is not kept."""
    ssh = boot.config.ssh_service
    enhanced = ssh.enhanced_recording
    tree = CgroupTree(enhanced.cgroup_path, enhanced.root_path, boot.run_id) if enhanced.enabled else None
    return monitor.Settings(
        trusted=boot.trusted_user_ca,
        host_uuid=boot.host_uuid,
        capture_socket=boot.capture_socket,
        tree=tree,
        pam=pam.Settings(ssh.pam.service_name, ssh.pam.environment) if ssh.pam.enabled else None,
        user_environment=ssh.permit_user_env,
    )


@contextlib.contextmanager
def _signals() -> Iterator[socket.socket]:
    """Signals wake ``poll`` through the socket; SIGTERM and SIGCHLD have no other effect."""
    wakeup, sender = socket.socketpair()
    sender.setblocking(False)
    wakeup.setblocking(False)
    signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    try:
        yield wakeup
    finally:
        signal.set_wakeup_fd(-1)
        wakeup.close()
        sender.close()


class Spawner:
    """Accepts the node's connections and forks."""

    def __init__(self, listener: socket.socket, settings: monitor.Settings, node_uid: int) -> None:
        self._listener = listener
        self._listener.setblocking(False)  # the next spawner accepts on the same one
        self._settings = settings
        self._trusted_uids = {0, node_uid}
        self._swept = SYSTEM.monotonic()
        self._monitors = Monitors()
        self._refuser = Refuser()
        self._limit = raise_descriptor_limit()  # a monitor takes one; sessions get the limit of before

    def run(self, wakeup: socket.socket) -> None:
        """Serve until SIGTERM arrives on ``wakeup``. Monitors that are left go on by themselves."""
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(wakeup, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(SWEEP_SECONDS * 1000)}
            if wakeup.fileno() in ready and signal.SIGTERM in wakeup.recv(4096):
                self._listener.close()
                return
            for orphan in self._monitors.wait():
                self._terminate(orphan, wakeup)
            self._sweep()
            if self._listener.fileno() in ready:
                self._accept(wakeup)

    def _accept(self, wakeup: socket.socket) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            if self._refuser.failed(self._listener, error):
                time.sleep(PAUSE_SECONDS)
            return
        self._refuser.recovered()
        with connection:
            peer = unixsock.peer(connection)
            if peer.uid not in self._trusted_uids:
                _log.warning("process %d of uid %d was refused", peer.pid, peer.uid)
                return
            if not self._start_monitor(connection, wakeup):
                with contextlib.suppress(OSError):
                    wire.send(connection, to_builtins(Refused(error=_NO_PROCESS)))

    def _start_monitor(self, connection: socket.socket, wakeup: socket.socket) -> bool:
        """Fork a monitor for ``connection``; False when there can be none."""
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            _log.error("no process can be watched: %s", error.strerror)
            return False
        with theirs:
            pid = self._fork(wakeup, lambda: self._monitor(connection, theirs))
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
            run()
            status = os.EX_OK
        except Exception:  # noqa: BLE001 - the last stop: what is raised here must end in the log
            _log.exception("a monitor failed")
        finally:
            os._exit(status)

    def _monitor(self, connection: socket.socket, spawner: socket.socket) -> None:
        monitor.Monitor(connection, self._settings, Report(spawner)).run()

    def _terminate(self, orphan: Orphan, wakeup: socket.socket) -> None:
        """End the session in a child, since it may take seconds."""
        tree = self._settings.tree
        if not self._fork(wakeup, lambda: orphan.terminate(tree)):
            orphan.terminate(tree)
        orphan.close()

    def _sweep(self) -> None:
        """Remove cgroups that processes outliving their session have left at last."""
        now = SYSTEM.monotonic()
        if self._settings.tree is None or now - self._swept < SWEEP_SECONDS:
            return
        self._swept = now
        self._settings.tree.sweep(SWEEP_SECONDS)
