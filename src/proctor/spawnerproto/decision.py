# SPDX-License-Identifier: Apache-2.0
"""Decides access of a user to this host, by certificate, roles and configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from proctor.config.schema import RecordingMinimum, SshService
from proctor.core.errors import AccessDenied
from proctor.model.access import SessionOptions, at_least, check_login, session_options
from proctor.model.bundle import AccessBundle
from proctor.model.rbac.locks import Subject
from proctor.spawnerproto.messages import Spawn
from proctor.spawnerproto.scp import parse_scp
from proctor.sshkit.certs import VerifiedUser, certificate_of

_MAX_LABEL = 1 << 10


@dataclass(frozen=True, kw_only=True)
class HostPolicy:
    """What the configuration says. ``labels`` are fixed; values of ``command_labels`` the node reports.

    ``node_name``: by which locks may name this host, besides its id.
    """

    labels: Mapping[str, str]
    command_labels: frozenset[str]
    minimum: RecordingMinimum
    records: bool
    port_forwarding: bool
    file_copy: bool
    node_name: str = ""

    @classmethod
    def of(cls, ssh: SshService, node_name: str = "") -> HostPolicy:
        """From the section of the configuration."""
        return cls(
            labels=ssh.labels,
            command_labels=frozenset(command.name for command in ssh.commands),
            minimum=ssh.enhanced_recording.minimum,
            records=ssh.enhanced_recording.enabled,
            port_forwarding=ssh.port_forwarding,
            file_copy=ssh.ssh_file_copy,
            node_name=node_name,
        )

    def all_labels(self, reported: Mapping[str, str]) -> dict[str, str]:
        """Fixed labels, and of the ``reported`` ones those that configured commands print."""
        printed = dict.fromkeys(self.command_labels, "")
        printed |= {name: value[:_MAX_LABEL] for name, value in reported.items() if name in printed}
        return {**self.labels, **printed}

    def options(self, roles_say: SessionOptions) -> SessionOptions:
        """Return the options in force on this host: no less is recorded than the configuration demands."""
        minimum = self.minimum
        return at_least(roles_say, minimum.events, strict=minimum.mode == "strict")


def subject_of(bundle: AccessBundle, policy: HostPolicy, user: VerifiedUser, login: str) -> Subject:
    """Return the object of comparisons with locks: ``user`` as ``login`` on this host."""
    return Subject.of(user.identity, login=login, server_id=bundle.host_id, node_name=policy.node_name)


def decide(
    bundle: AccessBundle,
    policy: HostPolicy,
    user: VerifiedUser,
    login: str,
    labels: Mapping[str, str],
    *,
    now: datetime,
) -> SessionOptions:
    """May ``user`` log in as ``login``? The options in force; AccessDenied with the reason.

    ``labels``: all of this host's.
    """
    identity = user.identity
    if identity.cluster and identity.cluster != bundle.cluster:
        raise AccessDenied(f"the certificate is for cluster {identity.cluster}")
    if reason := bundle.refusal(subject_of(bundle, policy, user, login), certificate_of(user), now):
        raise AccessDenied(reason)
    roles = bundle.roles_of(identity)
    bundle.check_age(roles, now)
    if not (decision := check_login(identity, roles, labels, login)):
        raise AccessDenied(decision.reason)
    return policy.options(session_options(roles))


def check_kind(policy: HostPolicy, options: SessionOptions, request: Spawn) -> None:
    """Raise AccessDenied when forwarding or copying files is asked for and not allowed."""
    if request.kind == "forward" and not (policy.port_forwarding and options.port_forwarding):
        raise AccessDenied("port forwarding is not allowed")
    copies = request.kind == "sftp" or (request.kind == "exec" and parse_scp(request.command) is not None)
    if copies and not (policy.file_copy and options.ssh_file_copy):
        raise AccessDenied("copying files is not allowed")
