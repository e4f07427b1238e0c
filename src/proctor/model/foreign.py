"""Names that documents written for Teleport use, and that mean nothing here: services, kinds, verbs."""

from __future__ import annotations

FOREIGN_SERVICES = frozenset(
    {
        *("accessgraphplugin", "accessplugin", "app", "auth", "bot", "db", "discovery", "instance", "kube"),
        *("mdm", "okta", "relay", "trusted_cluster", "trustedcluster", "updater"),
        *("windowsdesktop", "windows_desktop"),
    }
)
"""Roles of join tokens, in lower case, that nothing can join as."""
