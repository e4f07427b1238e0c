# SPDX-License-Identifier: Apache-2.0
"""Several clusters live on one machine without touching each other."""

from __future__ import annotations

from testing.sessions import ShellSession
from tests.e2e.conftest import MakeCluster


def test_two_clusters_on_one_machine(kernel: None, make_cluster: MakeCluster) -> None:
    clusters = [make_cluster("purple"), make_cluster("orange")]
    sessions = []
    for cluster in clusters:
        node = cluster.start_node()
        account = cluster.add_user("alice")
        account.login()
        sessions.append(ShellSession(account, f"root@{node.name}"))
    for cluster, shell in zip(clusters, sessions, strict=True):
        with shell:
            shell.run(f"/bin/echo {cluster.name}")
            shell.exit()

    for cluster, shell in zip(clusters, sessions, strict=True):
        echoed = [event["argv"] for event in cluster.session_events(shell.sid, "session.command")]
        assert [cluster.name] in echoed
        assert {event["cluster_name"] for event in cluster.events()} == {cluster.name}
        other = sessions[1 - clusters.index(cluster)]
        assert not cluster.events(sid=other.sid)

    clusters[0].shut_down()
    assert clusters[1].tctl("nodes", "ls").stdout.count("graviton-node") == 1
