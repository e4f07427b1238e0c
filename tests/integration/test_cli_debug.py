# SPDX-License-Identifier: Apache-2.0
"""``teleport debug`` against services that run."""

from __future__ import annotations

import io
import pstats
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.cluster import Cluster
from testing.commands import BIN, command, environment
from testing.polling import until

CONNECT = """
import os, socket, sys
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
with socket.socket(socket.AF_UNIX) as connection:
    try:
        connection.connect(sys.argv[1])
        print(connection.recv(100))
    except OSError as error:
        print(type(error).__name__)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)
        cluster = Cluster(Path(directory))
        cluster.start()
        yield cluster
        cluster.stop()


def debug(cluster: Cluster, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """``teleport debug`` on the control host."""
    argv = [str(BIN / "teleport"), "debug", *arguments, f"--config={cluster.control.config}"]
    return command(argv, environment(cluster.control.config.parent), check=check)


def test_the_level_of_all_services_changes_without_a_restart(cluster: Cluster) -> None:
    assert debug(cluster, "get-log-level").stdout == "INFO\n"
    before = cluster.control.log
    done = debug(cluster, "set-log-level", "warning")
    assert (done.stdout, done.stderr) == ('Changed log level from "INFO" to "WARN".\n', "")
    assert debug(cluster, "set-log-level", "WARN").stdout == 'Log level already set to "WARN".\n'
    cluster.control.kill_service("proxy")
    until(lambda: "proxy ended unexpectedly" in cluster.control.log.removeprefix(before), 20)
    assert "WARNING: proxy logs as before" in debug(cluster, "set-log-level", "warn").stderr
    until(lambda: not debug(cluster, "set-log-level", "warn").stderr, 60)
    after = cluster.control.log.removeprefix(before)
    assert "info" not in after.lower(), "a process that starts later has the level, too"
    debug(cluster, "set-log-level", "debug")
    assert debug(cluster, "get-log-level", "--format=json").stdout.split() == [
        "{",
        '"level":',
        '"DEBUG"',
        "}",
    ]
    debug(cluster, "set-log-level", "info")


def test_a_word_that_is_no_level(cluster: Cluster) -> None:
    refused = debug(cluster, "set-log-level", "loud", check=False)
    assert refused.returncode == 2
    assert "'loud' is not a level" in refused.stderr
    assert "debug, info, warn, error" in refused.stderr


def test_a_profile_of_each_service(cluster: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "profile.tar.gz"
    debug(cluster, "profile", "--seconds=1", f"--output={path}")
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as archive:
        names = set(archive.getnames())
        for name in names:
            (tmp_path / name).write_bytes(archive.extractfile(name).read())  # type: ignore[union-attr]  # a file
    assert {"supervisor.pstats", "auth.pstats", "proxy.pstats"} <= names
    for name in names:
        assert pstats.Stats(str(tmp_path / name)).total_calls > 0  # type: ignore[attr-defined]  # not in typeshed


def test_a_profile_of_one_service_on_standard_output(cluster: Cluster) -> None:
    argv = [str(BIN / "teleport"), "debug", "profile", "auth", "-s1", f"--config={cluster.control.config}"]
    home = environment(cluster.control.config.parent)
    done = subprocess.run(argv, env=home, capture_output=True, check=True, timeout=60)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        assert archive.getnames() == ["auth.pstats"]


def test_a_service_that_does_not_run_here(cluster: Cluster) -> None:
    refused = debug(cluster, "profile", "node", "-s1", check=False)
    assert refused.returncode == 1
    assert "no such service on this host: node" in refused.stderr


def test_other_accounts_are_refused(cluster: Cluster) -> None:
    """Neither by the mode of the socket nor, were that lost, by the account at the other end."""
    path = Path(cluster.control.data_dir) / "run/debug.sock"
    argv = [sys.executable, "-I", "-c", CONNECT]
    assert path.stat().st_mode & 0o777 == 0o600
    assert command([*argv, str(path)], {}).stdout == "PermissionError\n"
    path.chmod(0o666)
    try:
        assert command([*argv, str(path)], {}).stdout in {"b''\n", "ConnectionResetError\n"}
    finally:
        path.chmod(0o600)


def test_nothing_runs_there(tmp_path: Path) -> None:
    config = tmp_path / "teleport.yaml"
    config.write_text(f"teleport: {{data_dir: {tmp_path}/data}}\n")
    argv = [str(BIN / "teleport"), "debug", "get-log-level", "-c", str(config)]
    refused = command(argv, environment(tmp_path), check=False)
    assert refused.returncode == 1
    assert f"no teleport answers at {tmp_path}/data/run/debug.sock" in refused.stderr
