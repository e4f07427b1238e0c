# SPDX-License-Identifier: Apache-2.0
"""Only hosts that were invited join, and whoever is refused hears why, as does the audit log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.cluster import Cluster, Node
from testing.polling import until
from tests.e2e.conftest import MakeCluster, end

PROXY_TOKEN = "proxy-only-5f1e9c7b8a3d"


def without_recording(text: str) -> str:
    """A node that needs neither root nor the kernel's help to start."""
    before, key, after = text.partition("enhanced_recording:")
    assert key
    return before + key + after.replace("enabled: true", "enabled: false", 1)


@pytest.fixture(scope="module")
def cluster(make_any_cluster: MakeCluster) -> Iterator[Cluster]:
    """A cluster with a static token for proxies."""
    cluster = make_any_cluster(static_tokens=f'"proxy:{PROXY_TOKEN}"')
    yield cluster
    end(cluster)


def refusal(node: Node) -> str:
    """Start a node that must not get in; what it says."""
    node.start(ready=False)
    assert node.process is not None
    assert node.process.wait(60) != 0
    assert "Traceback" not in node.log
    return node.log


def refused_events(cluster: Cluster, node: Node) -> list[str]:
    """What the audit log says about attempts of a node to join."""
    events = cluster.events("instance.join", success=False, node_name=node.name)
    assert all(event["code"] == "TJ002E" for event in events)
    return [event["error"] for event in events]


def test_unknown_token(cluster: Cluster) -> None:
    node = cluster.add_node("0123456789abcdef0123456789abcdef", name="foreign", edit=without_recording)

    said = refusal(node)

    assert "token" in said
    assert any("token" in error for error in refused_events(cluster, node))
    assert "0123456789abcdef0123456789abcdef" not in str(cluster.events())


def test_expired_token(cluster: Cluster) -> None:
    token = cluster.new_token(ttl="1s")
    until(lambda: token not in cluster.tctl("tokens", "ls").stdout, 10, "the token to expire")
    node = cluster.add_node(token, name="late", edit=without_recording)

    assert "expired" in refusal(node)
    assert any("expired" in error for error in refused_events(cluster, node))


def test_revoked_token(cluster: Cluster) -> None:
    token = cluster.new_token()
    cluster.tctl("tokens", "rm", token)
    node = cluster.add_node(token, name="uninvited", edit=without_recording)

    assert "revoked" in refusal(node)
    assert any("revoked" in error for error in refused_events(cluster, node))


def test_token_for_another_role(cluster: Cluster) -> None:
    node = cluster.add_node(PROXY_TOKEN, name="impostor", edit=without_recording)

    assert "role" in refusal(node)
    assert any("role" in error for error in refused_events(cluster, node))


def test_wrong_pin(cluster: Cluster) -> None:
    pin = f"sha256:{'0' * 64}"
    node = cluster.add_node(name="careful", edit=without_recording, flags=[f"--ca-pin={pin}"])

    said = refusal(node)

    assert pin in said
    assert cluster.tctl("status").stdout.split("sha256:")[1].split()[0] in said
    assert not cluster.events("instance.join", success=True, node_name=node.name)


def test_identity_outlives_the_token(cluster: Cluster) -> None:
    token = cluster.new_token()
    node = cluster.start_node(token, name="resident", edit=without_recording)
    uuid = node.host_uuid
    assert cluster.wait_for_event("instance.join", node_name=node.name)["host_id"] == uuid
    cluster.tctl("tokens", "rm", token)

    assert node.stop() == 0
    node.start()

    assert node.host_uuid == uuid
    assert len(cluster.events("instance.join", node_name=node.name)) == 1
