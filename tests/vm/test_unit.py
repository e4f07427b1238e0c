# SPDX-License-Identifier: Apache-2.0
"""The unit of ``teleport install systemd``, under systemd as the first process."""

from __future__ import annotations

import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.commands import BIN
from testing.polling import until

CONFIG = Path("/etc/teleport.yaml")
UNIT = Path("/etc/systemd/system/teleport.service")
CGROUP = Path("/sys/fs/cgroup/system.slice/teleport.service")
DIAGNOSTICS = "127.0.0.1:3000"
CONFIGURATION = f"""\
version: v3
teleport:
  nodename: guest
  data_dir: /var/lib/teleport
  diag_addr: {DIAGNOSTICS}
  auth_token: unit-test-token-of-a-guest
  auth_server: 127.0.0.1:3025
auth_service:
  enabled: true
  cluster_name: guest
  listen_addr: 127.0.0.1:3025
  tokens: ["node:unit-test-token-of-a-guest"]
proxy_service:
  enabled: true
  web_listen_addr: 127.0.0.1:3080
ssh_service:
  enabled: true
  enhanced_recording:
    enabled: true
"""


def systemctl(*arguments: str) -> str:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def show(name: str) -> str:
    return systemctl("show", "--value", f"--property={name}", "teleport.service")


def ready() -> bool:
    try:
        with urllib.request.urlopen(f"http://{DIAGNOSTICS}/readyz", timeout=20) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def wait_ready() -> None:
    try:
        until(ready, 60, "teleport.service is ready")
    except TimeoutError:
        log = subprocess.run(["journalctl", "-u", "teleport"], capture_output=True, text=True, check=True)
        pytest.fail(log.stdout)


def processes() -> list[str]:
    """Of all cgroups of the unit."""
    return [pid for file in CGROUP.rglob("cgroup.procs") for pid in file.read_text().split()]


@pytest.fixture
def service() -> Iterator[None]:
    CONFIG.write_text(CONFIGURATION)
    subprocess.run([BIN / "teleport", "install", "systemd", "--output", UNIT], check=True)
    systemctl("daemon-reload")
    systemctl("start", "teleport.service")
    yield
    systemctl("stop", "teleport.service")


@pytest.mark.usefixtures("service")
def test_it_starts_and_stops_with_all_of_its_processes() -> None:
    wait_ready()
    assert len(processes()) > 1

    systemctl("stop", "teleport.service")

    assert show("Result") == "success"
    assert not CGROUP.exists() or not processes()


@pytest.mark.usefixtures("service")
def test_it_comes_back_when_it_was_killed() -> None:
    wait_ready()
    before = show("MainPID")

    systemctl("kill", "--signal=KILL", "teleport.service")
    until(lambda: show("MainPID") not in ("0", before), 30, "started again")

    wait_ready()
    assert show("NRestarts") == "1"


@pytest.mark.usefixtures("service")
def test_reload_keeps_the_process() -> None:
    wait_ready()
    before = show("MainPID")

    systemctl("reload", "teleport.service")

    wait_ready()
    assert show("ActiveState") == "active"
    assert show("MainPID") == before
