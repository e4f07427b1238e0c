# SPDX-License-Identifier: Apache-2.0
"""Settings of the auth service: its host and its configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from proctor.auth.housekeeping.retention import Policy
from proctor.model.rbac.locks import LockingMode


@dataclass(frozen=True, kw_only=True)
class StaticToken:
    """A token from the configuration: never expires, cannot be revoked.

    ``listed`` False: not shown in lists, for the services of the auth host itself.
    """

    value: str = field(repr=False)
    roles: frozenset[str]
    listed: bool = True


@dataclass(frozen=True, kw_only=True)
class AuthSettings:
    """Settings of one auth service; times are seconds, addresses ``host:port``.

    ``own_identity`` and ``admin_identity`` are directories (rpc.identity) that the service fills.
    ``names`` are further names and addresses of its certificate.
    """

    cluster_name: str
    host_uuid: str
    listen_address: str
    own_identity: Path
    admin_identity: Path
    node_name: str = ""
    names: tuple[str, ...] = ()
    static_tokens: tuple[StaticToken, ...] = ()
    proxy_public_addresses: tuple[str, ...] = ()
    default_session_ttl: int = 12 * 3600
    local_auth: bool = True
    retention: Policy = field(default_factory=Policy)
    locking_mode: LockingMode = "best_effort"
