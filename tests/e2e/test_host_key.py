# SPDX-License-Identifier: Apache-2.0
"""The host key: where only root finds it, and the same after an upgrade from where the node had it."""

from __future__ import annotations

import os
import shutil

from proctor.runtime.privileges.service_users import service_user
from testing.accounts import Account
from testing.attacker import run_as
from testing.cluster import Cluster, Node
from testing.openssh import OpenSsh


def readable(*paths: str) -> list[str]:
    """Those of ``paths`` that this process may read."""
    return [path for path in paths if os.access(path, os.R_OK)]


def log_in(account: Account, node: Node) -> bytes:
    """What a command prints that runs on the node, whose host certificate is verified."""
    client = OpenSsh(account, node)
    done = client.run("ssh", *client.direct, client.host, "echo in")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_only_root_has_the_host_key(shared: Cluster, alice: Account) -> None:
    node = shared.start_node(name="keyless")
    try:
        account, host = service_user("node"), node.data_dir / "proc/host"
        key, bundle = host / "ssh.key", host / "access.json"
        assert (host.stat().st_uid, host.stat().st_mode & 0o777) == (0, 0o700)
        assert (key.stat().st_uid, key.stat().st_mode & 0o777) == (0, 0o600)
        assert bundle.stat().st_mode & 0o777 == 0o600
        assert run_as(account.uid, lambda: readable(str(key), str(bundle))) == []
        assert not (node.data_dir / "proc/node/ssh.key").exists()
        assert log_in(alice, node) == b"in\n"
    finally:
        node.stop()


def test_upgrade_moves_the_key_and_keeps_it(shared: Cluster, alice: Account) -> None:
    node = shared.start_node(name="upgraded")
    try:
        key, former = node.data_dir / "proc/host/ssh.key", node.data_dir / "proc/node/ssh.key"
        content = key.read_bytes()
        node.stop()
        shutil.copy(key, former)
        os.chown(former, service_user("node").uid, -1)
        shutil.rmtree(key.parent)

        node.start()

        assert key.read_bytes() == content
        assert not former.exists()
        assert log_in(alice, node) == b"in\n", "its certificate still fits"
    finally:
        node.stop()


def test_key_that_was_lost_is_certified_by_joining_again(shared: Cluster, alice: Account) -> None:
    node = shared.start_node(name="forgetful")
    try:
        key = node.data_dir / "proc/host/ssh.key"
        content = key.read_bytes()
        node.stop()
        key.unlink()

        node.start()

        assert key.read_bytes() != content
        assert log_in(alice, node) == b"in\n"
    finally:
        node.stop()
