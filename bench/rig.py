# SPDX-License-Identifier: Apache-2.0
"""A cluster with one node, and somebody whose sessions have every kind of event recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testing.accounts import Account
from testing.cluster import Cluster, Node

_ROLE = """\
kind: role
version: v7
metadata:
  name: everything
spec:
  options:
    enhanced_recording: [command, disk, network]
    record_session: {{default: {mode}}}
  allow:
    logins: [root]
    node_labels:
      "*": "*"
"""


@contextmanager
def running(directory: Path, mode: str = "best_effort") -> Iterator[tuple[Cluster, Node, Account]]:
    """The cluster, its node, and alice, logged in; ``mode`` is ``strict`` or ``best_effort``."""
    cluster = Cluster(directory)
    try:
        cluster.start()
        node = cluster.start_node()
        role = directory / "role.yaml"
        role.write_text(_ROLE.format(mode=mode))
        cluster.tctl("create", str(role))
        account = cluster.add_user("alice", roles="everything,auditor")
        account.login()
        yield cluster, node, account
    finally:
        cluster.stop()
