# SPDX-License-Identifier: Apache-2.0
"""What the privileged side of a node states of a session, signed with the host key, for the auth service."""

from __future__ import annotations

import msgspec

NAMESPACE = "session-attestation@proctor"
"""What the signature is made for (OpenSSH, PROTOCOL.sshsig)."""


class LoginProof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user has signed to log in (RFC 4252, section 7).

    ``session_id``: hash of the first key exchange of the SSH connection (RFC 4253, section 7.2).
    ``request``: the SSH_MSG_USERAUTH_REQUEST without its signature, which holds login and certificate.
    """

    session_id: bytes
    request: bytes
    signature: bytes


class SessionStatement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The user who has proved to log in over this connection has started the session ``sid`` on this host.

    ``time``: when, RFC 3339. ``client``: the other end of the TCP connection, ``address:port``.
    """

    host_id: str
    sid: str
    time: str
    client: str
    proof: LoginProof


class Attestation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``statement``: the JSON of a ``SessionStatement``; ``signature``: SSHSIG in armor, by the host key."""

    statement: str = ""
    signature: str = ""
