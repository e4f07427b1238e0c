# SPDX-License-Identifier: Apache-2.0
"""Containers that a session starts through Docker; needs Docker, containerd and a static busybox."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from testing.capture import CaptureHarness, Event, running_lab
from testing.polling import until
from testing.processes import Process
from testing.programs import require

PROGRAMS = ("containerd", "dockerd", "docker", "busybox")
ISOLATED = ("--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=vfs")


@contextmanager
def docker(directory: Path) -> Iterator[Path]:
    """The socket of a daemon of our own."""
    address, socket, log = directory / "c.sock", directory / "d.sock", directory / "log"
    roots = ["--root", str(directory / "c"), "--state", str(directory / "s"), "--address", str(address)]
    with ExitStack() as stack:
        containerd = Process(["containerd", *roots], log=log)
        stack.callback(containerd.stop)
        until(address.exists, 20, "containerd")
        places = [f"--data-root={directory}/d", f"--exec-root={directory}/e", f"--pidfile={directory}/pid"]
        argv = ["dockerd", f"--containerd={address}", f"--host=unix://{socket}", *places, *ISOLATED]
        dockerd = Process(argv, log=log)
        stack.callback(dockerd.stop)
        until(lambda: socket.exists() and "API listen on" in log.read_text(), 30, "dockerd")
        yield socket


def image(socket: Path, directory: Path) -> None:
    """One named ``box``, with a shell and little else."""
    programs = directory / "root" / "bin"
    programs.mkdir(parents=True)
    for name in ("sh", "echo"):
        shutil.copy(str(shutil.which("busybox")), programs / name)
    archive = shutil.make_archive(str(directory / "root"), "tar", directory / "root")
    subprocess.run(["docker", "--host", f"unix://{socket}", "import", archive, "box"], check=True)


@pytest.fixture(scope="module")
def socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    require(*PROGRAMS)
    directory = tmp_path_factory.mktemp("docker")
    with docker(directory) as socket:
        image(socket, directory)
        yield socket


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaptureHarness]:
    with running_lab(tmp_path_factory.mktemp("capture")) as running:
        yield running


def echoes(events: list[Event], mark: str) -> list[Event]:
    return [event for event in events if event["event"] == "session.command" and event["argv"] == [mark]]


def test_command_in_a_container(lab: CaptureHarness, socket: Path) -> None:
    run = (
        f"docker --host unix://{socket} run --rm --network none box sh -c '/bin/echo first; /bin/echo inside'"
    )

    session = lab.run(["sh", "-c", run])

    lab.subscriber.closed(session.sid)
    [event] = echoes(lab.subscriber.events(session.sid), "inside")
    assert event["delegated"]["daemon"] == "docker"
    assert event["delegated"]["evidence"].startswith("asked for containers/")


def test_containers_of_others_are_not_recorded(lab: CaptureHarness, socket: Path) -> None:
    run = ["docker", "--host", f"unix://{socket}", "run", "--rm", "--network", "none", "box", "echo", "other"]
    with lab.session(["sleep", "1000"]) as session:
        subprocess.run(run, check=True)
        os.kill(session.child.pid, 9)

    assert echoes(session.events(), "other") == []
