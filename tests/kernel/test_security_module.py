# SPDX-License-Identifier: Apache-2.0
"""The second line of the network policy, alone: where the kernel asks programs as a security module."""

from __future__ import annotations

import errno
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from proctor.capture.kernel.kernel_features import HOOKS, SECOND_LINE
from proctor.capture.kernel.loader import Programs
from proctor.capture.kernel.object_selection import load, security_module
from testing.capture import GUIDE_RINGS, cgroup_mount
from tests.kernel.conftest import EVERY_HOOK

SESSION, NOWHERE, EVERYWHERE = 1, 7, 0


@pytest.fixture(scope="module")
def programs() -> Iterator[Programs]:
    """Attached, without the hooks of cgroups."""
    if not security_module():
        assert not EVERY_HOOK
        pytest.skip("this kernel asks no programs as a security module")
    loaded = load(GUIDE_RINGS, ["cgroup_hooks"])
    assert loaded.programs.sections.keys() >= SECOND_LINE
    assert HOOKS.isdisjoint(loaded.programs.sections)
    loaded.programs.attach(cgroup_mount())
    yield loaded.programs
    loaded.programs.detach()


@contextmanager
def _child(act: Callable[[], object]) -> Iterator[tuple[int, int]]:
    """A stopped child that will act, and what waits for it."""
    child = os.fork()
    if not child:
        os.kill(os.getpid(), signal.SIGSTOP)
        try:
            act()
        except OSError as error:
            os._exit(error.errno or 255)
        os._exit(0)
    os.waitid(os.P_PID, child, os.WSTOPPED)
    pidfd = os.pidfd_open(child)
    try:
        yield child, pidfd
    finally:
        os.close(pidfd)


def outcome(programs: Programs, act: Callable[[], object], policy: int) -> int:
    """The errno of ``act`` in a session with ``policy``."""
    with _child(act) as (child, pidfd), ExitStack() as cleaning:
        programs.enrol(SESSION, frozenset(), pidfd, 1)
        cleaning.callback(programs.forget, SESSION)
        programs.restrict(SESSION, policy)
        cleaning.callback(programs.unrestrict, SESSION)
        os.kill(child, signal.SIGCONT)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def connect(kind: socket.SocketKind, address: tuple[str, int]) -> Callable[[], object]:
    def act() -> None:
        with socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, kind) as connecting:
            connecting.connect(address)

    return act


def send() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.sendto(b"x", ("127.0.0.1", 9))


def connect_by_sending(port: int) -> None:
    with socket.socket() as sending:
        sending.sendto(b"x", socket.MSG_FASTOPEN, ("127.0.0.1", port))


def connect_locally(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as connecting:
        connecting.connect(str(path))


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(("policy", "code"), [(NOWHERE, errno.EPERM), (EVERYWHERE, 0)])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_connecting(
    programs: Programs, port: int, kind: socket.SocketKind, address: str, policy: int, code: int
) -> None:
    assert outcome(programs, connect(kind, (address, port)), policy) == code


@pytest.mark.parametrize(("policy", "code"), [(NOWHERE, errno.EPERM), (EVERYWHERE, 0)])
def test_sending(programs: Programs, policy: int, code: int) -> None:
    assert outcome(programs, send, policy) == code


@pytest.mark.parametrize(("policy", "code"), [(NOWHERE, errno.EPERM), (EVERYWHERE, 0)])
def test_connecting_by_sending(programs: Programs, port: int, policy: int, code: int) -> None:
    assert outcome(programs, lambda: connect_by_sending(port), policy) == code


def test_a_stream_goes_where_it_is_connected_to_whatever_is_named(programs: Programs, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connected:
        assert outcome(programs, lambda: connected.sendto(b"x", ("203.0.113.1", 9)), NOWHERE) == 0


def test_this_machine_is_reached_by_name(programs: Programs, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        server.listen()

        assert outcome(programs, lambda: connect_locally(tmp_path / "socket"), NOWHERE) == 0


def test_others_are_not_refused(programs: Programs, port: int) -> None:
    connect(socket.SOCK_STREAM, ("127.0.0.1", port))()
