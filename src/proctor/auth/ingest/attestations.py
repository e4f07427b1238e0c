# SPDX-License-Identifier: Apache-2.0
"""Whose a session is: proved by what the user has signed, and stated by the privileged side of its host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proctor.auth.ingest.sessions import SessionRecord
from proctor.core.clock import parse_time
from proctor.core.errors import BadRequest, ProctorError
from proctor.model.identity import SystemRole
from proctor.model.serde import from_json
from proctor.spawnerproto.attestation import NAMESPACE, SessionStatement
from proctor.sshkit import certs, sshsig
from proctor.sshkit.userauth import verify_login


@dataclass(frozen=True)
class Trusted:
    """Public key lines of the cluster's SSH CAs."""

    user_cas: Sequence[str] = ()
    host_cas: Sequence[str] = ()


def verify(fields: Mapping[str, Any], host_id: str, trusted: Trusted) -> SessionRecord:
    """The session that a ``session.attestation`` begins, as far as it proves that; raises BadRequest.

    Everything is verified for the time of the statement: how late the event arrives does not matter.
    """
    content = fields["statement"].encode()
    try:
        statement = from_json(content, SessionStatement)
        started = parse_time(statement.time)
        key = certs.verify_host_certificate(
            fields["host_certificate"], host_id, trusted.host_cas, started, role=SystemRole.NODE.value
        )
        sshsig.verify_by_key(fields["signature"].encode(), NAMESPACE, content, key)
        user, login = _user(statement, trusted, started)
    except (ProctorError, ValueError, OverflowError) as error:
        raise BadRequest(f"does not prove whose session {fields['sid']} is: {error}") from None
    record = SessionRecord(
        host_id=statement.host_id,
        started=statement.time,
        user=user,
        login=login,
        server_hostname=fields.get("server_hostname", ""),
        client=statement.client,
        attestation_uid=fields["uid"],
    )
    _check_agreement(fields, statement, record, host_id)
    return record


def _user(statement: SessionStatement, trusted: Trusted, moment: datetime) -> tuple[str, str]:
    """The user's name and login."""
    proof = statement.proof
    login, user = verify_login(proof.session_id, proof.request, proof.signature, trusted.user_cas, moment)
    return user.identity.username, login


def _check_agreement(
    fields: Mapping[str, Any], statement: SessionStatement, record: SessionRecord, host_id: str
) -> None:
    for name, value, proved in (
        ("host", host_id, statement.host_id),
        ("session", fields["sid"], statement.sid),
        ("time", fields["time"], statement.time),
        ("user", fields.get("user", ""), record.user),
        ("login", fields.get("login", ""), record.login),
        ("client", fields.get("addr.remote", ""), statement.client),
    ):
        if value != proved:
            raise BadRequest(f"names the {name} {value[:64]!r}, what was signed proves {proved[:64]!r}")
