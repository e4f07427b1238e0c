# SPDX-License-Identifier: Apache-2.0
"""``teleport start`` with an auth service alone: start, ready, death, reload, stop."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.commands import BIN, command, environment
from testing.polling import until
from testing.processes import Process, descendants, free_ports
from testing.programs import require

CONFIG = """\
teleport:
  nodename: control
  data_dir: {data}
  pid_file: {directory}/pid
  diag_addr: 127.0.0.1:{diag}
auth_service:
  cluster_name: purple
  listen_addr: 127.0.0.1:{auth}
proxy_service: {{enabled: no}}
ssh_service: {{enabled: no}}
"""


class Host:
    """One ``teleport start`` in ``directory``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.auth_port, self.diag_port = free_ports(2)
        self.config = directory / "teleport.yaml"
        self.write()
        self.process: Process | None = None

    def write(self, token: str = "") -> None:
        data = self.directory / "data"
        text = CONFIG.format(directory=self.directory, data=data, auth=self.auth_port, diag=self.diag_port)
        tokens = f"  tokens: ['node:{token}']\n" if token else ""
        self.config.write_text(text.replace("proxy_service:", f"{tokens}proxy_service:"))

    def start(self, *flags: str, ready: bool = True) -> Process:
        self.process = Process(
            [str(BIN / "teleport"), "start", "-c", str(self.config), *flags],
            log=self.directory / "log",
            env=environment(self.directory),
        )
        if ready:
            self.process.wait_output("all services are ready")
        return self.process

    @property
    def running(self) -> Process:
        assert self.process is not None
        return self.process

    def auth_pid(self) -> int:
        children = descendants(self.running.pid)
        (pid,) = [pid for pid, argv in children.items() if argv[-2:] == ["proctor.runtime.service", "auth"]]
        return pid

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.diag_port}/readyz", timeout=5) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, ConnectionError):
            return False

    def tctl(self, *arguments: str) -> str:
        return command(["tctl", "-c", str(self.config), *arguments], environment(self.directory)).stdout


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    yield host
    if host.process is not None:
        host.process.kill()


def test_starts_answers_and_stops(host: Host) -> None:
    process = host.start()
    assert host.ready()
    assert (host.directory / "pid").read_text() == f"{process.pid}\n"
    assert "Cluster  purple" in host.tctl("status")
    assert process.stop() == 0
    assert not (host.directory / "pid").exists()
    assert not host.ready()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_auth_runs_unprivileged(host: Host) -> None:
    host.start()
    status = Path(f"/proc/{host.auth_pid()}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    assert "0" not in fields["Uid"].split()
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    environ = Path(f"/proc/{host.auth_pid()}/environ").read_text()
    assert {name.partition("=")[0] for name in environ.split("\0")[:-1]} <= {
        "PATH",
        "LANG",
        "LC_CTYPE",
        "GRPC_VERBOSITY",
        "HOME",
    }


def test_a_killed_service_is_started_again(host: Host) -> None:
    host.start()
    first = host.auth_pid()
    os.kill(first, signal.SIGKILL)
    host.running.wait_output("service auth ended unexpectedly (killed by SIGKILL)")
    until(host.ready, 20)
    assert host.auth_pid() != first
    with urllib.request.urlopen(f"http://127.0.0.1:{host.diag_port}/metrics", timeout=5) as reply:
        assert 'proctor_service_restarts_total{service="auth"} 1.0' in reply.read().decode()


def test_services_die_with_the_supervisor(host: Host) -> None:
    process = host.start()
    pid = host.auth_pid()
    process.signal(signal.SIGKILL)
    process.wait()
    until(lambda: not Path(f"/proc/{pid}").exists(), 10)


def test_a_taken_port_stops_the_whole(host: Host) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", host.auth_port))
        taken.listen()
        process = host.start(ready=False)
        assert process.wait() == 1
    assert f"{host.auth_port}" in process.output()
    assert "ERROR: " in process.output()
    assert "Traceback" not in process.output()


def test_reload_follows_a_good_file_and_keeps_the_old_over_a_bad_one(host: Host) -> None:
    process = host.start()
    first = host.auth_pid()
    host.config.write_text("teleport: {nodenam: x}")
    process.signal(signal.SIGHUP)
    process.wait_output("did you mean nodename?")
    assert host.auth_pid() == first
    host.write(token="0123456789abcdef")
    process.signal(signal.SIGHUP)
    process.wait_output("service auth follows the new configuration")
    until(lambda: process.output().count("service auth is ready") == 2, 20)
    assert "0123456789abcdef" in host.tctl("tokens", "ls")
    assert process.stop() == 0


def test_no_secret_in_sight(host: Host) -> None:
    secret = "s3cret-static-token"
    host.write(token=secret)
    process = host.start("-d")
    for pid in (process.pid, *descendants(process.pid)):
        assert secret not in Path(f"/proc/{pid}/cmdline").read_text()
        assert secret not in Path(f"/proc/{pid}/environ").read_text()
    assert secret not in process.output()


def test_a_refused_data_directory(host: Host) -> None:
    (host.directory / "data").touch()
    process = host.start(ready=False)
    assert process.wait() == 1
    assert "data directory" in process.output()
    assert "Traceback" not in process.output()


def test_status_outside_and_inside_of_a_session(tmp_path: Path) -> None:
    env = environment(tmp_path)
    outside = command(["teleport", "status"], env, check=False)
    assert (outside.returncode, outside.stdout) == (1, "You are not in a Teleport session.\n")
    inside = env | {
        "SSH_SESSION_ID": "86aca627-971d-4883-854d-d309ba04c658",
        "SSH_TELEPORT_USER": "alice",
        "SSH_TELEPORT_CLUSTER_NAME": "purple",
        "SSH_SESSION_WEBPROXY_ADDR": "proxy.example.com:3080",
    }
    shown = command(["teleport", "status"], inside).stdout
    assert "User ID       alice" in shown
    session = "https://proxy.example.com:3080/web/cluster/purple/console/session/86aca627"
    assert session in shown


def test_configure_writes_a_file_that_loads(tmp_path: Path) -> None:
    env = environment(tmp_path)
    path = tmp_path / "teleport.yaml"
    command(
        ["teleport", "configure", "--cluster-name=purple", "--public-addr=p.example.com", "-o", str(path)],
        env,
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert command(["teleport", "configure", "--test", str(path)], env).stderr == f"OK {path}\n"
    again = command(["teleport", "configure", "-o", str(path)], env, check=False)
    assert f"{path} exists" in again.stderr
    flags = ["--proxy=p.example.com", "--token=/etc/token", "--labels=env=prod,team=core"]
    written = command(["teleport", "node", "configure", *flags], env).stdout
    assert "proxy_server: p.example.com" in written
    assert "env: prod" in written


def test_the_unit_is_valid(tmp_path: Path) -> None:
    require("systemd-analyze")
    unit = tmp_path / "teleport.service"
    command(["teleport", "install", "systemd", "-o", str(unit)], environment(tmp_path))
    subprocess.run(["systemd-analyze", "verify", str(unit)], check=True, capture_output=True)


def test_a_service_is_not_for_people() -> None:
    argv = [sys.executable, "-P", "-m", "proctor.runtime.service", "auth"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
