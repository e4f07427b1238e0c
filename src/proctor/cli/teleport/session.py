# SPDX-License-Identifier: Apache-2.0
"""``teleport status``: what the environment of a shell says about its session."""

from __future__ import annotations

from collections.abc import Mapping

from proctor.cli.output import fields

_TITLES = {
    "user": "User ID",
    "login": "Logged in as",
    "client": "From",
    "cluster": "Cluster",
    "server_id": "Host UUID",
    "sid": "Session ID",
    "url": "Session URL",
}


def about(environment: Mapping[str, str]) -> dict[str, str]:
    """User, login, cluster and session; empty outside of a session."""
    sid = environment.get("SSH_SESSION_ID", "")
    if not sid:
        return {}
    cluster = environment.get("SSH_TELEPORT_CLUSTER_NAME", "")
    found = {
        "user": environment.get("SSH_TELEPORT_USER", ""),
        "login": environment.get("SSH_TELEPORT_LOGIN", environment.get("USER", "")),
        "client": environment.get("SSH_CLIENT", ""),
        "cluster": cluster,
        "server_id": environment.get("SSH_TELEPORT_HOST_UUID", ""),
        "sid": sid,
    }
    if proxy := environment.get("SSH_SESSION_WEBPROXY_ADDR", ""):
        found["url"] = f"https://{proxy}/web/cluster/{cluster}/console/session/{sid}"
    return found


def text(found: Mapping[str, str]) -> str:
    """Return the output of ``teleport status``."""
    if not found:
        return "You are not in a Teleport session."
    return fields([(_TITLES[key], value) for key, value in found.items()])
