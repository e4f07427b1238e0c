# SPDX-License-Identifier: Apache-2.0
"""A person's credentials, made without an auth service."""

from __future__ import annotations

from datetime import datetime

from proctor.model.identity import UserIdentity
from proctor.rpc import tls
from proctor.rpc.identity_files import Authorities, Credentials
from proctor.sshkit import certs, keys

ALICE = UserIdentity(username="alice", roles=("access",), logins=("root",))


def make_credentials(now: datetime, valid_before: datetime) -> Credentials:
    """Those of ``ALICE``, with two generations of the host CA."""
    lifetime = valid_before - now
    ca_key, tls_key = tls.generate_key(), tls.generate_key()
    old, new, user_ca = [
        tls.self_signed_ca(ca_key, name, now=now, lifetime=lifetime) for name in ("old", "new", "user")
    ]
    ssh_ca, ssh_ca_public = keys.generate()
    ssh_key, ssh_public = keys.generate()
    return Credentials(
        tls_key=tls_key,
        tls_certificate=tls.issue(
            ca_key, user_ca, tls.public_key(tls_key), ALICE, now=now, valid_before=valid_before
        ),
        ssh_key=ssh_key,
        ssh_certificate=certs.issue_user_certificate(
            ssh_ca, ssh_public, ALICE, now=now, valid_before=valid_before
        ).encode(),
        authorities=Authorities(
            cluster_name="purple",
            host_tls_ca=old + new,
            user_tls_ca=user_ca,
            host_ssh_ca=[ssh_ca_public, keys.generate()[1]],
            user_ssh_ca=[ssh_ca_public],
        ),
    )
