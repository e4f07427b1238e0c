# SPDX-License-Identifier: Apache-2.0
"""Identities: people with roles, hosts with services."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import msgspec


class SystemRole(enum.StrEnum):
    """Role of a host's certificate; values as in tokens and ``--roles``."""

    AUTH = "auth"
    PROXY = "proxy"
    NODE = "node"
    ADMIN = "admin"

    @property
    def display(self) -> str:
        """As shown in ``tctl tokens ls``: ``Node``."""
        return self.value.capitalize()


class UserIdentity(msgspec.Struct, frozen=True, kw_only=True, tag="user", tag_field="kind"):
    """A person, as certified by the user CA for the lifetime of one certificate.

    ``mfa_device``: UUID of the second factor used at the login. ``access_requests``: ids of those granted.
    """

    username: str
    roles: tuple[str, ...]
    logins: tuple[str, ...]
    traits: Mapping[str, tuple[str, ...]] = {}
    cluster: str = ""
    mfa_device: str = ""
    access_requests: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The ``user`` of audit events."""
        return self.username


class HostIdentity(msgspec.Struct, frozen=True, kw_only=True, tag="host", tag_field="kind"):
    """A service on a host, as certified by the host CA."""

    host_id: str
    role: SystemRole
    node_name: str = ""
    cluster: str = ""

    @property
    def name(self) -> str:
        """The ``user`` of audit events that a host caused: ``<host uuid>.<cluster>``."""
        return f"{self.host_id}.{self.cluster}"


class Anonymous(msgspec.Struct, frozen=True, tag="anonymous", tag_field="kind"):
    """A caller without a certificate of this cluster."""

    @property
    def name(self) -> str:
        """Anonymous callers have no name."""
        return ""


Identity = UserIdentity | HostIdentity | Anonymous
