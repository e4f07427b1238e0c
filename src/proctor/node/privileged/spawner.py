"""The root helper of the node: listens on ``spawn.sock`` and forks a monitor for each request.

Single-threaded and blocking, so that a fork copies nothing unexpected. It parses nothing itself: the
node's requests are read by the monitors.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import select
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from proctor.bpf.cgroup import CgroupTree, is_populated, remove
from proctor.config.boot import ServiceBoot
from proctor.core import unixsock
from proctor.core.clock import SYSTEM
from proctor.node.privileged import monitor, pam

SWEEP_SECONDS = 60.0
"""Pause between looks for cgroups whose last process has ended; also the least age of those removed."""

_log = logging.getLogger(__name__)


def main(boot: ServiceBoot, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM; ``ready`` is called when requests are accepted. Raises Unavailable."""
    settings = settings_of(boot)
    if settings.tree is not None:
        settings.tree.prepare()
    with _signals() as wakeup:
        listener = unixsock.listen(boot.spawn_socket, uid=boot.node_uid)
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
        self._settings = settings
        self._trusted_uids = {0, node_uid}
        self._swept = SYSTEM.monotonic()

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
            _reap()
            self._sweep()
            if self._listener.fileno() in ready:
                self._accept(wakeup)

    def _accept(self, wakeup: socket.socket) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError as error:
            _log.warning("accept: %s", error)
            return
        with connection:
            peer = unixsock.peer(connection)
            if peer.uid not in self._trusted_uids:
                _log.warning("process %d of uid %d was refused", peer.pid, peer.uid)
                return
            if os.fork() == 0:
                self._monitor(connection, wakeup)

    def _monitor(self, connection: socket.socket, wakeup: socket.socket) -> None:
        """In the fork; never returns."""
        status = os.EX_SOFTWARE
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # The node ends sessions; a signal to the whole unit must not cut their last events off.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self._listener.close()
            wakeup.close()
            monitor.Monitor(connection, self._settings).run()
            status = os.EX_OK
        except Exception:  # noqa: BLE001 - the last stop: what is raised here must end in the log
            _log.exception("a monitor failed")
        finally:
            os._exit(status)

    def _sweep(self) -> None:
        """Remove cgroups that processes outliving their session have left at last."""
        now = SYSTEM.monotonic()
        if self._settings.tree is None or now - self._swept < SWEEP_SECONDS:
            return
        self._swept = now
        with contextlib.suppress(OSError):  # monitors remove cgroups at the same time
            for cgroup in self._settings.tree.root.iterdir():
                if cgroup.is_dir() and _age(cgroup) > SWEEP_SECONDS and not is_populated(cgroup):
                    remove(cgroup)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _age(path: Path) -> float:
    try:
        return SYSTEM.now().timestamp() - path.stat().st_ctime
    except FileNotFoundError:
        return 0.0
