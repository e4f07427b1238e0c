# SPDX-License-Identifier: Apache-2.0
"""Roles that every cluster starts with; see docs/resources.md."""

from __future__ import annotations

from proctor.model.access import INTERNAL_LOGINS
from proctor.model.resources import (
    ENHANCED_DEFAULT,
    Conditions,
    Metadata,
    Role,
    RoleOptions,
    RoleSpec,
    Rule,
)

_OPTIONS = RoleOptions(max_session_ttl="30h0m0s", enhanced_recording=list(ENHANCED_DEFAULT))
_ALL_VERBS = ["list", "read", "create", "update", "delete"]


def _role(name: str, description: str, allow: Conditions) -> Role:
    spec = RoleSpec(options=_OPTIONS, allow=allow)
    return Role(metadata=Metadata(name=name, description=description), spec=spec)


PRESETS = (
    _role(
        "access",
        "Access to every node, with the logins of the user's trait",
        Conditions(logins=[INTERNAL_LOGINS], node_labels={"*": "*"}),
    ),
    _role(
        "editor",
        "Administration of users, roles, tokens, nodes and locks",
        Conditions(rules=[Rule(resources=["user", "role", "token", "node", "lock"], verbs=_ALL_VERBS)]),
    ),
    _role(
        "auditor",
        "Reading of the audit log and of session recordings",
        Conditions(rules=[Rule(resources=["event", "session"], verbs=["list", "read"])]),
    ),
)

FORMER_SPECS = (
    RoleSpec(
        options=_OPTIONS,
        allow=Conditions(rules=[Rule(resources=["user", "role", "token", "node"], verbs=_ALL_VERBS)]),
    ),
)
"""Presets of former versions, which are replaced unless an administrator has changed them."""
