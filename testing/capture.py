# SPDX-License-Identifier: Apache-2.0
"""A capture service of its own, sessions in it, and a subscriber that collects what it says."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from proctor.capture.control.freezer import Limits, Watermarks
from proctor.capture.engine import CaptureSettings
from proctor.capture.kernel.filters import Rules
from proctor.capture.kernel.loader import RingSizes
from proctor.capture.service import CaptureService
from proctor.capture.state.place import StateDirectory
from proctor.captureproto.capture_messages import (
    Acknowledge,
    Closed,
    Delivery,
    Drained,
    Forgotten,
    KernelEvents,
    LossAccounting,
    decode,
)
from proctor.captureproto.cgroup import CgroupTree, SessionCgroup, enter
from proctor.captureproto.client import SessionCapture
from proctor.captureproto.event_lines import events_in
from proctor.core import unixsock, wire
from proctor.core.accept import raise_descriptor_limit
from proctor.model.network import NetworkPolicy
from proctor.model.resources import ENHANCED_KINDS, EnhancedKind
from proctor.model.serde import to_builtins, to_json
from proctor.runtime.privileges import profiles
from testing.polling import until
from testing.processes import Process

GUIDE_RINGS = RingSizes(command=8 * 4096, disk=128 * 4096, network=8 * 4096)
MARKS = Limits().own
NO_RULES = Rules()
READY_SECONDS = 60
"""A guest that verifies 128 copies of a program, one for each system call, takes several times as long."""
_CONNECTIONS = ("session.network", "session.outcome")
Event = dict[str, Any]


def cgroup_mount() -> Path:
    """Where this machine has its cgroup2 hierarchy."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(mount)
    return Path("/cgroup2")


def assert_balanced(account: LossAccounting | None) -> LossAccounting:
    """Each attempt that was started is a record or unfinished, and each record was delivered or counted."""
    assert account is not None
    lost = sum((Counter(counts) for counts in account.lost.values()), Counter[str]())
    assert "unreported" not in account.lost, account
    assert "unexplained" not in account.lost, account
    accounted = Counter(account.delivered) + Counter(account.filtered) + lost
    assert Counter(account.submitted) == accounted, account
    assert Counter(account.started) == Counter(account.submitted) + Counter(account.unfinished), account
    return account


class Child:
    """A process of a session: in its cgroup, and waiting until it is let go."""

    def __init__(self, main: Callable[[], object], cgroup: SessionCgroup) -> None:
        gate, self._gate = os.pipe()
        waiting, ready = os.pipe()
        gc.disable()  # for the child, which has no threads that finalizers of gRPC's objects could wait for
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._gate)
            self._run(main, cgroup, gate, ready)
        gc.enable()
        self.pidfd = os.pidfd_open(self.pid)
        os.close(gate)
        os.close(ready)
        assert os.read(waiting, 1), "the child ended before it was ready"
        os.close(waiting)

    @staticmethod
    def _run(main: Callable[[], object], cgroup: SessionCgroup, gate: int, ready: int) -> None:
        try:
            enter(cgroup.path)
            os.dup2(os.open(os.devnull, os.O_RDWR), 1)
            os.write(ready, b".")
            os.close(ready)
            os.read(gate, 1)
            main()
        finally:
            os._exit(99)

    def go(self) -> None:
        """Let it do what it is to do."""
        os.write(self._gate, b".")
        os.close(self._gate)

    def wait(self) -> int:
        """Wait for its end; the exit status, negative for a signal."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self.pidfd)
        return os.waitstatus_to_exitcode(status)

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        with suppress(OSError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
            self.wait()

    def kill_only(self) -> None:
        """End it at once, and leave the status to ``wait``."""
        signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def ended(self) -> None:
        """Wait for its end, and leave the status to ``wait``."""
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)


class Subscriber:
    """What a node is to capture: takes messages and acknowledges them, in a thread of its own."""

    def __init__(self, path: Path, *, acknowledge: bool = True) -> None:
        self.messages: list[Delivery] = []
        self._events: dict[str, list[Event]] = {}
        self.repeated = 0
        """Messages that have come more than once."""
        self._seen: dict[str, int] = {}
        self._path = path
        self._acknowledge = acknowledge
        self._connect()

    def _connect(self) -> None:
        self._connection = unixsock.connect(self._path)
        wire.send(self._connection, {"op": "subscribe"})
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def reconnect(self) -> None:
        """Subscribe to the capture that is there now, remembering what has come."""
        self.hang_up()
        self._connect()

    def _is_new(self, message: Delivery) -> bool:
        """Take note of a message's number, as a node does; they come without gaps."""
        if not isinstance(message, KernelEvents | Drained | Closed):
            return True
        before = self._seen.get(message.sid, 0)
        if message.seq <= before:
            self.repeated += 1
            return False
        assert message.seq == before + 1, f"message {message.seq} after {before}"
        self._seen[message.sid] = message.seq
        return True

    def _read(self) -> None:
        while True:
            try:
                received = wire.receive_body(self._connection)
            except (OSError, wire.FrameError):
                return
            if received is None:
                return
            message = decode(received[0])
            if self._is_new(message):
                self._take(message)
            if self._acknowledge and isinstance(message, KernelEvents | Drained | Closed):
                ack = Acknowledge(sid=message.sid, seq=message.seq)
                with suppress(OSError):
                    wire.send(self._connection, to_builtins(ack))

    def _take(self, message: Delivery) -> None:
        if isinstance(message, KernelEvents):
            self._events.setdefault(message.sid, []).extend(events_in(message.lines))
        if not isinstance(message, Forgotten):
            self.messages.append(message)

    def of(self, sid: str, kind: type[Any]) -> list[Any]:
        """Messages of one kind about ``sid``."""
        return [
            message for message in list(self.messages) if isinstance(message, kind) and message.sid == sid
        ]

    def events(self, sid: str, name: str = "") -> list[Event]:
        """Events of ``sid`` received so far, by the name of the event."""
        return [event for event in self._events.get(sid, []) if name in ("", event["event"])]

    def drained(self, sid: str) -> Drained:
        """Wait for the end of the session's child."""
        return until(lambda: self.of(sid, Drained), 20, "drained")[0]  # type: ignore[no-any-return]

    def closed(self, sid: str) -> Closed:
        """Wait until nothing of the session is left."""
        return until(lambda: self.of(sid, Closed), 20, "closed")[0]  # type: ignore[no-any-return]

    def hang_up(self) -> None:
        """Go away."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._connection.close()


class Session:
    """A session and all that became of it."""

    def __init__(self, lab: CaptureHarness, sid: str, cgroup: SessionCgroup, child: Child) -> None:
        self.lab = lab
        self.sid = sid
        self.cgroup = cgroup
        self.child = child
        self.status: int | None = None
        self.capture: SessionCapture | None = None
        """The monitor's registration, while it lasts."""

    def restrict(self, network: NetworkPolicy | None) -> None:
        """Have another network policy hold from now on."""
        assert self.capture is not None
        self.capture.restrict(self.sid, network)

    def events(self, name: str = "") -> list[Event]:
        """All events up to the end of the session's child."""
        self.lab.subscriber.drained(self.sid)
        return self.lab.subscriber.events(self.sid, name)

    @property
    def commands(self) -> list[Event]:
        """Its session.command events."""
        return self.events("session.command")

    @property
    def opens(self) -> list[Event]:
        """Its session.disk events."""
        return self.events("session.disk")

    @property
    def connections(self) -> list[Event]:
        """Its session.network and session.outcome events."""
        return [event for event in self.events() if event["event"] in _CONNECTIONS]


class CaptureHarness:
    """A running capture service with a subscriber."""

    def __init__(self, path: Path, tree: CgroupTree, process: Process) -> None:
        self.path = path
        self.process = process
        self.start_again: Callable[[], Process] = lambda: process
        self.tree = tree
        self.tree.prepare()
        self.subscriber = Subscriber(path)

    @contextmanager
    def session(
        self,
        main: Callable[[], object] | Sequence[str],
        kinds: Sequence[EnhancedKind] = ENHANCED_KINDS,
        *,
        strict: bool = False,
        network: NetworkPolicy | None = None,
    ) -> Iterator[Session]:
        """Run ``main``, a function or an argv, in a session of its own; on exit wait for its end."""
        sid = str(uuid.uuid4())
        cgroup = self.tree.create(sid)
        child = Child(main if callable(main) else _executor(main), cgroup)
        session = Session(self, sid, cgroup, child)
        try:
            with SessionCapture(self.path) as capture:
                capture.open(
                    sid,
                    cgroup=cgroup.path,
                    cgroup_id=cgroup.id,
                    pidfd=child.pidfd,
                    kinds=kinds,
                    strict=strict,
                    network=network,
                )
                session.capture = capture
                child.go()
                yield session
                session.status = child.wait()
                capture.close(sid)
        except BaseException:
            child.kill()
            raise

    def run(
        self,
        main: Callable[[], object] | Sequence[str],
        kinds: Sequence[EnhancedKind] = ENHANCED_KINDS,
        *,
        strict: bool = False,
        network: NetworkPolicy | None = None,
    ) -> Session:
        """A whole session; its events are complete on return."""
        with self.session(main, kinds, strict=strict, network=network) as session:
            pass
        self.subscriber.drained(session.sid)
        return session

    def wait_for(self, session: Session, name: str) -> None:
        """Wait until a running session has had an event of this name."""
        until(lambda: self.subscriber.events(session.sid, name), 20, name)

    def status(self) -> wire.Message:
        """The service's counters."""
        connection = unixsock.connect(self.path)
        with connection:
            wire.send(connection, {"op": "status"})
            received = wire.receive(connection)
        assert received is not None
        return received[0]

    def restart(self, *, kill: bool) -> None:
        """Replace the service's process, killed or asked to stop, by another; and subscribe there."""
        if kill:
            self.process.kill()
        else:
            self.process.stop()
        self.process = self.start_again()
        self.subscriber.reconnect()

    def stop(self) -> None:
        """Stop the service's process that there is now."""
        self.process.stop()

    def close(self) -> None:
        """Hang up and remove the cgroups."""
        self.subscriber.hang_up()
        self.tree.close()


def _executor(argv: Sequence[str]) -> Callable[[], object]:
    return lambda: os.execvp(argv[0], list(argv))


def capture_process(
    directory: Path,
    path: Path,
    tree: Path,
    *,
    rings: RingSizes = GUIDE_RINGS,
    marks: Watermarks = MARKS,
    rules: Rules = NO_RULES,
) -> Process:
    """A capture service that answers on ``path``, its log in ``directory``."""
    arguments = [str(path), str(cgroup_mount()), str(tree), *map(str, marks), *map(str, rings)]
    arguments.append(to_json(rules).decode())
    log = directory / f"capture-{uuid.uuid4()}.log"
    process = Process([sys.executable, "-m", "testing.capture", *arguments], log=log)
    try:
        process.wait_output("ready", READY_SECONDS)
    except BaseException:
        process.kill()
        raise
    return process


@contextmanager
def running_lab(
    directory: Path, rings: RingSizes = GUIDE_RINGS, *, marks: Watermarks = MARKS, rules: Rules = NO_RULES
) -> Iterator[CaptureHarness]:
    """A lab whose service is a process of its own, stopped at the end."""
    path = directory / "capture.sock"
    tree = CgroupTree(cgroup_mount(), "/proctor-tests", str(uuid.uuid4()))

    def start() -> Process:
        return capture_process(directory, path, tree.root, rings=rings, marks=marks, rules=rules)

    with ExitStack() as stack:
        stack.callback(StateDirectory(directory).discard)
        lab = CaptureHarness(path, tree, start())
        stack.callback(lab.stop)
        lab.start_again = start
        stack.callback(lab.close)
        yield lab


def main() -> None:
    """The service's process: SOCKET CGROUP_MOUNT TREE HIGH LOW RING_BYTES... RULES."""
    path, mount, tree, high, low, *sizes, rules = sys.argv[1:]
    raise_descriptor_limit()
    marks = Watermarks(int(high), int(low))
    settings = CaptureSettings(
        rings=RingSizes(*map(int, sizes)),
        cgroup_mount=Path(mount),
        run=Path(path).parent,
        tree=Path(tree),
        limits=Limits(shared=marks, own=marks),
        rules=msgspec.json.decode(rules, type=Rules),
    )
    listening = unixsock.listen(Path(path))
    profiles.confine("capture")
    asyncio.run(_serve(listening, settings))


async def _serve(listening: socket.socket, settings: CaptureSettings) -> None:
    service, stopping = CaptureService(listening, settings, node_uid=os.geteuid()), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await service.start()
    profiles.filter_calls("capture")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await stopping.wait()
    await service.stop()


if __name__ == "__main__":
    main()
