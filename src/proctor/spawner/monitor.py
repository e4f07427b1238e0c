# SPDX-License-Identifier: Apache-2.0
"""The root process beside each session: decides what holds for it, starts the user's process, watches it."""

from __future__ import annotations

import contextlib
import encodings.idna  # noqa: F401 - used for names of hosts, and out of reach once the identity is the user's
import logging
import os
import pwd
import select
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from proctor.captureproto.captured import Captured
from proctor.captureproto.cgroup import CgroupTree, SessionCgroup, kill, thaw
from proctor.captureproto.client import SessionCapture
from proctor.core import wire
from proctor.core.clock import SYSTEM
from proctor.core.errors import AccessDenied, BadRequest, ProctorError, Unavailable
from proctor.model.access import SessionOptions, session_options
from proctor.model.network import NetworkPolicy
from proctor.model.serde import to_builtins
from proctor.spawner import child, pam, sftp, timeouts
from proctor.spawner.authentication import AuthenticatedUser
from proctor.spawner.bundles import BundleStore
from proctor.spawner.dial import dial
from proctor.spawner.monitors import MonitoredProcess, Report
from proctor.spawnerproto.attestation import Attestation
from proctor.spawnerproto.decision import HostPolicy, check_kind, decide
from proctor.spawnerproto.messages import (
    CaptureEnded,
    Endpoint,
    Exited,
    SendSignal,
    Spawn,
    Spawned,
    SpawnRejected,
    check_order,
    check_spawn,
    signal_name,
)
from proctor.spawnerproto.terminal import open_terminal

_LONGEST_ORDER = 1 << 10
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class MonitorSettings:
    """What a monitor needs to know of this host; ``tree`` is None when nothing is captured.

    ``trusted_keys`` returns the public key lines of the user CAs.
    """

    trusted_keys: Callable[[], list[str]]
    bundles: BundleStore
    policy: HostPolicy
    host_uuid: str
    capture_socket: Path
    tree: CgroupTree | None
    pam: pam.PamSettings | None = None
    user_environment: bool = False

    def decide(self, user: AuthenticatedUser) -> SessionOptions:
        """Return the options in force for ``user`` now; ProctorError when they may not be here."""
        labels = self.policy.all_labels(user.labels)
        bundle = self.bundles.current()
        return decide(bundle, self.policy, user.user, user.login, labels, now=SYSTEM.now())


@dataclass(frozen=True)
class Opening:
    """The session ``sid`` of ``user`` that is to be started, and the proof for the auth service."""

    sid: str
    user: AuthenticatedUser
    attestation: Attestation

    def checked(self, request: Spawn) -> Spawn:
        """``request``, when it is for this session; raises BadRequest."""
        if request.sid != self.sid:
            raise BadRequest("malformed spawn request: the monitor was started for another session")
        return request


@dataclass
class Streams:
    """Both ends of what a session talks through."""

    ours: list[int] = field(default_factory=list)
    theirs: list[int] = field(default_factory=list)
    terminal: str = ""

    @classmethod
    def open(cls, request: Spawn, uid: int) -> Streams:
        """A terminal, or pipes for standard input, output and error (and the audit of sftp)."""
        if request.term is not None:
            size = (request.term.columns, request.term.rows)
            master, slave, name = open_terminal(uid, size, request.term.modes)
            return cls([master], [slave], name)
        streams = cls()
        stdin = os.pipe()
        outputs = [os.pipe() for _ in range(3 if request.kind == "sftp" else 2)]
        streams.ours = [stdin[1], *(pair[0] for pair in outputs)]
        streams.theirs = [stdin[0], *(pair[1] for pair in outputs)]
        return streams

    def close(self) -> None:
        """Release this process's copies of both ends."""
        for descriptor in (*self.ours, *self.theirs):
            os.close(descriptor)
        self.ours, self.theirs = [], []


class Monitor:
    """One session, from the node's request to the end of the user's process. Blocking; runs in a fork."""

    def __init__(
        self, connection: socket.socket, settings: MonitorSettings, opening: Opening, spawner: Report
    ) -> None:
        self._node = connection
        self._spawner = spawner
        self._settings = settings
        self._opening = opening
        self._user = opening.user
        self._captured: Captured | None = None
        self._cgroup: SessionCgroup | None = None
        self._network: NetworkPolicy | None = None
        self._strict = False
        self._restricted = False

    def run(self) -> None:
        """Serve the request on the connection; the node gets the reason when there is no session."""
        self._node.settimeout(timeouts.REQUEST)
        try:
            message = wire.receive_message(self._node)
            if message is None:
                return
            self._node.settimeout(None)
            self._serve(self._opening.checked(check_spawn(message)))
        except (ProctorError, wire.FrameError) as error:
            self._refuse(str(error))
        except OSError as error:
            _log.exception("session refused")
            self._refuse(f"the session cannot be started: {error.strerror or error}")

    def _refuse(self, reason: str) -> None:
        _log.warning("refused: %s", reason)
        with contextlib.suppress(OSError):
            wire.send(self._node, to_builtins(SpawnRejected(error=reason)))

    def _serve(self, request: Spawn) -> None:
        options = self._settings.decide(self._user)
        check_kind(self._settings.policy, options, request)
        person = find_person(self._user.login)
        if request.target is not None:
            self._forward(person, request.target, options.network)
            return
        with pam.session(self._settings.pam, person.name, self._user.client.client.addr) as variables:
            base = child.base_environment(person, request.term.name if request.term else "")
            given = {name: os.fsdecode(value) for name, value in request.env.items()}
            environment = given | base | variables | self._about_session(request)
            self._session(request, options, person, environment)

    def _about_session(self, request: Spawn) -> dict[str, str]:
        """Variables that describe the session; nothing that the user can write may change them."""
        client, server = self._user.client.client, self._user.client.server
        variables = {
            "SSH_CLIENT": f"{client.addr} {client.port} {server.port}",
            "SSH_CONNECTION": f"{client.addr} {client.port} {server.addr} {server.port}",
            "SSH_TELEPORT_USER": self._user.user.key_id,
            "SSH_TELEPORT_CLUSTER_NAME": self._settings.bundles.current().cluster,
            "SSH_TELEPORT_HOST_UUID": self._settings.host_uuid,
            "SSH_SESSION_ID": request.sid,
            "SSH_SESSION_WEBPROXY_ADDR": request.proxy,
        }
        return {name: value for name, value in variables.items() if value}

    def _forward(self, person: child.UnixUser, target: Endpoint, policy: NetworkPolicy | None) -> None:
        child.become(person)
        with dial(target, policy) as connection:
            _give(self._node, Spawned(), [connection.fileno()], f"the connection to {target}")

    def _session(
        self, request: Spawn, options: SessionOptions, person: child.UnixUser, environment: dict[str, str]
    ) -> None:
        self._network = options.network
        streams = Streams.open(request, person.uid)
        if streams.terminal:
            environment["SSH_TTY"] = streams.terminal
        if options.network is not None and self._settings.tree is None:
            raise AccessDenied("a role restricts the network, which takes enhanced recording on this node")
        if self._settings.tree is not None and (options.enhanced_recording or options.network is not None):
            self._cgroup = self._settings.tree.create(request.sid)
            self._strict, self._restricted = options.strict_recording, options.network is not None
        gate, inner = socket.socketpair()
        try:
            pid = os.fork()
        except OSError:
            self._remove_cgroup(request.sid)
            raise
        if pid == 0:
            gate.close()
            task = child.SessionChild(
                person,
                streams.theirs,
                inner,
                terminal=bool(streams.terminal),
                cgroup=self._cgroup.path if self._cgroup is not None else None,
                restricted=self._restricted,
            )
            task.run(self._program(request, environment))
        inner.close()
        pidfd = os.pidfd_open(pid)
        try:
            self._release(request.sid, options, gate, pid=pid, pidfd=pidfd, streams=streams)
            self._finish(request.sid, self._watch(pid, pidfd))
            self._spawner.finished()
        except BaseException:
            gate.close()  # a child that still waits there ends by itself
            _signal_group(pid, signal.SIGKILL)
            raise
        finally:
            self._remove_cgroup(request.sid)

    def _program(self, request: Spawn, environment: dict[str, str]) -> child.Program | child.Serve:
        if request.kind == "sftp":
            return partial(sftp.serve, client=sftp.SftpClient(request.client_version))
        return child.Program(
            command=os.fsdecode(request.command) if request.kind == "exec" else None,
            environment=environment,
            user_environment=self._settings.user_environment,
        )

    def _remove_cgroup(self, sid: str) -> None:
        if self._settings.tree is not None and self._cgroup is not None:
            self._settings.tree.remove(sid)

    def _release(
        self,
        sid: str,
        options: SessionOptions,
        gate: socket.socket,
        *,
        pid: int,
        pidfd: int,
        streams: Streams,
    ) -> None:
        """Register the waiting child with capture, hand its streams to the node, let it go on."""
        answer = gate.recv(4096)
        if answer != child.READY:
            raise Unavailable(answer.decode(errors="replace") or "the session's process ended too early")
        cgroup, cgroup_id = "", 0
        if self._cgroup is not None:
            cgroup, cgroup_id = str(self._cgroup.path), self._cgroup.id
            capture = SessionCapture(self._settings.capture_socket)
            capture.open(
                sid,
                cgroup=self._cgroup.path,
                cgroup_id=cgroup_id,
                pidfd=pidfd,
                kinds=options.enhanced_recording,
                strict=options.strict_recording,
                network=options.network,
            )
            self._captured = Captured(
                sid,
                capture,
                self._settings.capture_socket.parent,
                self._cgroup.path,
                strict=self._strict,
                limited=self._strict or self._restricted,
            )
        immediate = self._strict or self._restricted
        number = self._captured.members.number if self._captured is not None else 0
        running = MonitoredProcess(sid=sid, pid=pid, cgroup=cgroup, number=number, immediate=immediate)
        self._spawner.started(running, pidfd)
        spawned = Spawned(pid=pid, cgroup_id=cgroup_id, attestation=self._opening.attestation)
        given = _give(self._node, spawned, streams.ours, f"session {sid}")
        streams.close()
        with contextlib.suppress(BrokenPipeError), gate:  # a child that was killed has its end reported
            if given:  # otherwise it ends by itself, and the session as any other
                gate.sendall(child.GO)

    def _watch(self, pid: int, pidfd: int) -> Exited:
        """Pass signals on until the child has ended; hang up when the node has gone."""
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        poll.register(self._node, select.POLLIN)
        if self._captured is not None:
            self._captured.watch(poll)
        deadline: float | None = None
        while True:
            ready = [descriptor for descriptor, _ in poll.poll(self._wait(deadline))]
            if pidfd in ready:
                return _exited(os.waitpid(pid, 0)[1])
            self._look_after_capture(pid, ready)
            if deadline is not None and SYSTEM.monotonic() >= deadline:
                _signal_group(pid, signal.SIGKILL)
                deadline = None
            elif self._node.fileno() in ready and not self._obey(pid):
                poll.unregister(self._node)
                _signal_group(pid, signal.SIGHUP)
                _signal_group(pid, signal.SIGCONT)
                deadline = SYSTEM.monotonic() + timeouts.HANGUP

    def _wait(self, deadline: float | None) -> float | None:
        """Milliseconds until something is to be done, whatever happens."""
        waits = [] if deadline is None else [max(0.0, deadline - SYSTEM.monotonic())]
        if self._captured is not None and (wait := self._captured.wait) is not None:
            waits.append(wait)
        return min(waits) * 1000 if waits else None

    def _look_after_capture(self, pid: int, ready: list[int]) -> None:
        if self._captured is None:
            return
        try:
            if self._captured.fileno() in ready:
                self._captured.ready()
            self._captured.attempt()
        except Unavailable as error:
            self._capture_ended(pid, error.message)

    def _capture_ended(self, pid: int, reason: str) -> None:
        """Nothing is recorded any more: thaw the session, or end it before it acts unseen."""
        _log.error("capture has ended before the session: %s", reason)
        if self._strict or self._restricted:
            self._kill(pid)
        if self._captured is not None:
            self._captured.give_up()
            self._captured = None
        with contextlib.suppress(OSError):
            wire.send(self._node, to_builtins(CaptureEnded()))
        if self._cgroup is not None:
            thaw(self._cgroup.path)

    def _kill(self, pid: int) -> None:
        """End all processes of the session at once."""
        if self._cgroup is not None and self._settings.tree is not None:
            with contextlib.suppress(Unavailable):
                self._settings.tree.restore()
            kill(self._cgroup.path)
        if self._captured is not None:
            self._captured.members.kill()
        _signal_group(pid, signal.SIGKILL)

    def _obey(self, pid: int) -> bool:
        """Do what the node's next message says; False when there is none."""
        try:
            message = wire.receive_message(self._node, _LONGEST_ORDER)
            if message is None:
                return False
            order = check_order(message)
        except (OSError, ValueError) as error:
            _log.warning("the node's connection broke off: %s", error)
            return False
        if isinstance(order, SendSignal) and order.everyone:
            self._kill(pid)
        elif isinstance(order, SendSignal):
            _signal_group(pid, getattr(signal, f"SIG{order.signal}"))
        else:
            self._follow(pid)
        return True

    def _follow(self, pid: int) -> None:
        """Apply changed roles to new connections; all else stays as it was at the session's start."""
        try:
            roles = self._settings.bundles.current().roles_of(self._user.user.identity)
        except ProctorError as error:
            _log.warning("the session goes on as before: %s", error)
            return
        if (network := session_options(roles).network) != self._network:
            self._restrict(pid, network)

    def _restrict(self, pid: int, network: NetworkPolicy | None) -> None:
        """Enforce the network policy; end the session when that is impossible."""
        try:
            if self._captured is None and network is None:
                return
            if self._captured is None:
                raise Unavailable("nothing of the session is captured")
            self._captured.restrict(network)
            self._network, self._restricted = network, network is not None
        except Unavailable as error:
            _log.error("the session is ended, its network policy cannot be enforced: %s", error)
            self._kill(pid)

    def _finish(self, sid: str, exited: Exited) -> None:
        drained = True
        if self._captured is not None:
            try:
                self._captured.close()
            except Unavailable as error:
                _log.error("session %s: %s", sid, error)
                drained = False
        answer = to_builtins(exited) | {"drained": drained}
        with contextlib.suppress(OSError):  # the node may be gone; it finds the end in its recovery
            wire.send(self._node, answer)


def _give(node: socket.socket, spawned: Spawned, descriptors: list[int], name: str) -> bool:
    """Hand ``descriptors`` over; False when the node has left, as it does when its user leaves."""
    try:
        wire.send(node, to_builtins(spawned), descriptors)
    except ConnectionError:
        _log.info("%s is closed: the node has not waited for it", name)
        return False
    return True


def find_person(login: str) -> child.UnixUser:
    """The account named ``login``; raises AccessDenied when this host has none."""
    try:
        entry = pwd.getpwnam(login)
    except KeyError:
        raise AccessDenied(f"login {login} does not exist on this host") from None
    return child.UnixUser(
        entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, entry.pw_shell or "/bin/sh"
    )


def _signal_group(pid: int, number: int) -> None:
    """Signal the process group that ``pid`` leads, which was not waited for yet."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _exited(status: int) -> Exited:
    if os.WIFSIGNALED(status):
        return Exited(signal=signal_name(os.WTERMSIG(status)), core=os.WCOREDUMP(status))
    return Exited(code=os.waitstatus_to_exitcode(status))
