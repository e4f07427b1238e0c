# SPDX-License-Identifier: Apache-2.0
"""``tctl inventory`` and ``teleport debug`` with a node of a small cluster."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from proctor.core.version import VERSION
from testing.cluster import Cluster, Node
from testing.commands import BIN, command, environment

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory() as directory:
        cluster = Cluster(Path(directory))
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()


def _without_capture(text: str) -> str:
    """The recording of the kernel is no matter of these tests."""
    return re.sub(r"(enhanced_recording:\n(?: +#.*\n)*? +enabled:) \w+", r"\1 no", text)


@pytest.fixture(scope="module")
def node(cluster: Cluster) -> Node:
    return cluster.start_node(edit=_without_capture)


def test_hosts_and_their_versions(cluster: Cluster, node: Node) -> None:
    (host,) = json.loads(cluster.tctl("inventory", "ls", "--format=json").stdout)
    assert host["server_id"] == node.host_uuid
    assert (host["services"], host["version"]) == (["node"], VERSION)
    text = cluster.tctl("inventory", "ls").stdout
    assert text.splitlines()[0].split() == ["Server", "ID", "Hostname", "Services", "Version"]
    assert node.host_uuid in text
    status = json.loads(cluster.tctl("inventory", "status", "--format=json").stdout)
    assert status == {
        "auth_version": VERSION,
        "hosts": 1,
        "versions": {VERSION: 1},
        "of_another_major_version": 0,
    }


@pytest.mark.parametrize(
    ("flag", "hosts"),
    [
        (f"--exact-version={VERSION}", 1),
        (f"--exact-version=v{VERSION}", 1),
        ("--exact-version=1.2.3", 0),
        (f"--older-than={VERSION}", 0),
        ("--older-than=999", 1),
    ],
)
def test_hosts_by_version(cluster: Cluster, node: Node, flag: str, hosts: int) -> None:
    assert len(json.loads(cluster.tctl("inventory", "ls", flag, "--format=json").stdout)) == hosts


def test_what_is_no_version(cluster: Cluster) -> None:
    refused = cluster.tctl("inventory", "ls", "--older-than=new", check=False)
    assert refused.returncode == 2
    assert "--older-than: 'new' is not a version" in refused.stderr


def test_the_spawner_says_that_it_logs_as_before(node: Node) -> None:
    """It takes no calls while it runs; all other services of the node follow."""
    argv = [str(BIN / "teleport"), "debug", "set-log-level", "debug", f"--config={node.config}"]
    done = command(argv, environment(node.directory))
    (warning,) = done.stderr.splitlines()
    assert warning.startswith("WARNING: spawner logs as before")
