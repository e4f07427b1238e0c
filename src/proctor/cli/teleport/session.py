"""``teleport status``: what the environment of a shell says about its session."""

from __future__ import annotations

from collections.abc import Mapping

from proctor.cli.output import fields


def describe(environment: Mapping[str, str]) -> str:
    """User, login, cluster and session; empty outside of a session."""
    sid = environment.get("SSH_SESSION_ID", "")
    if not sid:
        return ""
    cluster = environment.get("SSH_TELEPORT_CLUSTER_NAME", "")
    pairs = [
        ("User ID", environment.get("SSH_TELEPORT_USER", "")),
        ("Logged in as", environment.get("SSH_TELEPORT_LOGIN", environment.get("USER", ""))),
        ("From", environment.get("SSH_CLIENT", "")),
        ("Cluster", cluster),
        ("Host UUID", environment.get("SSH_TELEPORT_HOST_UUID", "")),
        ("Session ID", sid),
    ]
    if proxy := environment.get("SSH_SESSION_WEBPROXY_ADDR", ""):
        pairs.append(("Session URL", f"https://{proxy}/web/cluster/{cluster}/console/session/{sid}"))
    return fields(pairs)
