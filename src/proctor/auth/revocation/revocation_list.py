# SPDX-License-Identifier: Apache-2.0
"""The cluster's key revocation list: what a plain ``sshd`` and ``ssh`` need to obey locks."""

from __future__ import annotations

from collections.abc import Sequence

from proctor.auth.ca import CertificateAuthorities
from proctor.auth.revocation.issued import IssuedCertificate
from proctor.auth.revocation.restrictions import Restrictions
from proctor.core.clock import Clock
from proctor.model.rbac.locks import Subject, matches
from proctor.model.resources import Lock
from proctor.sshkit.krl import make_krl


async def revocation_list(
    authorities: CertificateAuthorities, restrictions: Restrictions, clock: Clock
) -> bytes:
    """Serial numbers of all certificates that are revoked, or whose holders are locked; no names.

    A lock of a login revokes the certificates that allow it, since a list cannot tell logins apart.
    """
    now = clock.now()  # before anything is read: a later list has a greater version
    locks = restrictions.locks_in_force()
    revoked = {serial for each in (*restrictions.users, *restrictions.hosts) for serial in each.serials}
    users: list[int] = []
    hosts: list[int] = []
    for certificate in await restrictions.issued.all():
        if certificate.serial in revoked or _is_locked(certificate, locks):
            (users if certificate.user else hosts).append(certificate.serial)
    public = authorities.public()
    return make_krl(
        {
            **dict.fromkeys(public.user_ssh_ca, users),
            **dict.fromkeys(public.host_ssh_ca, hosts),
        },
        version=int(now.timestamp() * 1_000_000),
        generated=now,
        comment=f"cluster {authorities.cluster_name}",
    )


def _is_locked(certificate: IssuedCertificate, locks: Sequence[Lock]) -> bool:
    if certificate.host is not None:
        host = certificate.host
        subjects = [Subject(server_id=host.host_id, node_name=host.node_name)]
    elif certificate.user is not None:
        logins = ("", *certificate.user.logins)
        subjects = [Subject.of(certificate.user, login=login) for login in logins]
    else:
        subjects = []
    return any(matches(lock.spec.target, subject) for lock in locks for subject in subjects)
