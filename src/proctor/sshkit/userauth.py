# SPDX-License-Identifier: Apache-2.0
"""A user's proof: the signature of a certificate's key over one session id (RFC 4252, section 7)."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import asyncssh
from asyncssh.packet import PacketDecodeError, SSHPacket, String

from proctor.core.errors import AccessDenied, BadRequest, Unauthenticated
from proctor.sshkit import algorithms
from proctor.sshkit.certs import JOIN_PRINCIPAL, VerifiedUser, verify_user_certificate

MSG_USERAUTH_REQUEST = 50
MAX_REQUEST = 64 << 10
MAX_LOGIN = 256


class UserauthRequest(NamedTuple):
    """The part of a request that a user signs besides the session id: login, public key in wire format."""

    login: str
    key: bytes


def read_request(data: bytes) -> UserauthRequest:
    """Parse an SSH_MSG_USERAUTH_REQUEST with the method "publickey", without its signature.

    Raises BadRequest when it is another message.
    """
    try:
        packet = SSHPacket(data[:MAX_REQUEST])
        number, login = packet.get_byte(), packet.get_string().decode()
        service, method, signed = packet.get_string(), packet.get_string(), packet.get_boolean()
        _, key = packet.get_string(), packet.get_string()
        packet.check_end()
    except (PacketDecodeError, UnicodeDecodeError):
        raise BadRequest("this is not a request for authentication") from None
    if number != MSG_USERAUTH_REQUEST or not signed or (service, method) != (b"ssh-connection", b"publickey"):
        raise BadRequest("this is not a request for authentication by a public key")
    if not login.isprintable() or len(login) > MAX_LOGIN:
        raise BadRequest("the login is not printable, or too long")
    return UserauthRequest(login, key)


def certificate_line(key: bytes) -> str | None:
    """The OpenSSH line of a certificate in wire format; None when it is a plain key or damaged."""
    length = struct.unpack(">I", key[:4])[0] if len(key) >= 4 else 0
    name = key[4 : 4 + length].decode("ascii", "replace")
    if not name.endswith("-cert-v01@openssh.com"):
        return None
    return f"{name} {base64.b64encode(key).decode()}"


def verify_login(
    session_id: bytes, data: bytes, signature: bytes, trusted: Sequence[str], now: datetime
) -> tuple[str, VerifiedUser]:
    """Check that the holder of a certificate wants to log in over the connection ``session_id``.

    ``data``: as :func:`read_request` takes it. ``trusted``: public key lines of user CAs. Returns the login
    and what the certificate says. Raises BadRequest, Unauthenticated, or AccessDenied when the certificate
    does not allow the login.
    """
    request = read_request(data)
    line = certificate_line(request.key)
    if line is None:
        raise Unauthenticated("a plain key was offered; a certificate of this cluster is needed")
    user = verify_user_certificate(line, trusted, now)
    if not _signed_by(line, String(session_id) + data, signature):
        raise Unauthenticated("the certificate's key did not sign this login")
    check_principal(request.login, user)
    return request.login, user


def check_principal(login: str, user: VerifiedUser) -> None:
    """Raise AccessDenied unless the certificate of ``user`` allows ``login``."""
    if login not in user.principals or login == JOIN_PRINCIPAL:
        raise AccessDenied(f"the certificate of {user.identity.username} does not allow login {login}")


def _signed_by(line: str, data: bytes, signature: bytes) -> bool:
    """Does a signature of one of our algorithms by the key in the certificate ``line`` cover ``data``?"""
    try:
        algorithm = SSHPacket(signature).get_string().decode("ascii", "replace")
        key = asyncssh.import_certificate(line).key
    except (PacketDecodeError, asyncssh.KeyImportError):
        return False
    return algorithm in algorithms.SIGNATURES and key.verify(data, signature)
