# SPDX-License-Identifier: Apache-2.0
"""``tsh status``: who we are, and for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from proctor.cli.tsh.connection import Active
from proctor.core.clock import SYSTEM, format_time


def describe(active: Active) -> str:
    """The text that ``tsh status`` and ``tsh login`` print."""
    profile = active.profile
    remaining = active.valid_before - SYSTEM.now()
    valid = "EXPIRED" if remaining <= timedelta(0) else f"valid for {_span(remaining)}"
    pairs = [
        ("Profile URL", f"https://{profile.web}"),
        ("Logged in as", profile.user),
        ("Cluster", profile.cluster),
        ("Roles", ", ".join(active.roles)),
        ("Logins", ", ".join(active.logins)),
        ("Valid until", f"{active.valid_before:%Y-%m-%d %H:%M:%S} +0000 UTC [{valid}]"),
        ("Extensions", ", ".join(active.extensions)),
    ]
    lines = [f"{name + ':':<16}{value}".rstrip() for name, value in pairs]
    return "\n".join([f"> {lines[0]}", *(f"  {line}" for line in lines[1:])])


def as_data(active: Active) -> dict[str, Any]:
    """The same for ``--format=json``."""
    profile = active.profile
    return {
        "active": {
            "profile_url": f"https://{profile.web}",
            "username": profile.user,
            "cluster": profile.cluster,
            "roles": list(active.roles),
            "logins": list(active.logins),
            "valid_until": format_time(active.valid_before),
            "extensions": list(active.extensions),
        }
    }


def _span(remaining: timedelta) -> str:
    minutes = int(remaining.total_seconds()) // 60
    return f"{minutes // 60}h{minutes % 60}m"
