# SPDX-License-Identifier: Apache-2.0
"""Signatures of files as ``ssh-keygen -Y`` makes them (OpenSSH, PROTOCOL.sshsig).

By keys that a user CA has certified for one purpose, in a critical option that no certificate of a person
has and no SSH server accepts; and by host keys.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime

import asyncssh
from asyncssh.packet import PacketDecodeError, SSHPacket, String, UInt32

from proctor.core.errors import Unauthenticated
from proctor.sshkit.certs import verify_delegation
from proctor.sshkit.userauth import certificate_line

_MAGIC = b"SSHSIG"
_VERSION = 1
_HASH = b"sha512"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_WIDTH = 70


def sign(private_key: bytes, certificate: str, namespace: str, message: bytes) -> bytes:
    """Sign ``message`` for ``namespace``, in armor; ``certificate`` is the OpenSSH line for the key."""
    key = asyncssh.import_private_key(private_key)
    signature = key.sign(signed_data(namespace, message), key.algorithm)
    return armored(base64.b64decode(certificate.split()[1]), namespace, signature)


def armored(public: bytes, namespace: str, signature: bytes) -> bytes:
    """A ``signature`` of :func:`signed_data` as text; ``public``: key or certificate, in wire format."""
    blob = b"".join(
        (
            _MAGIC,
            UInt32(_VERSION),
            String(public),
            String(namespace),
            String(b""),
            String(_HASH),
            String(signature),
        )
    )
    text = base64.b64encode(blob).decode()
    lines = [text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH)]
    return "\n".join([_BEGIN, *lines, _END, ""]).encode()


def signed_data(namespace: str, message: bytes) -> bytes:
    """Return the bytes signed for ``namespace`` in place of ``message``: longer than any hash."""
    digest = hashlib.new(_HASH.decode(), message).digest()
    return b"".join((_MAGIC, String(namespace), String(b""), String(_HASH), String(digest)))


def verify(signature: bytes, namespace: str, message: bytes, trusted: Sequence[str], now: datetime) -> None:
    """Check that a key which a CA in ``trusted`` has certified for ``namespace`` signed ``message`` for it.

    ``trusted``: public key lines. Raises Unauthenticated with the reason.
    """
    public, theirs, proof = _parse(signature)
    line = certificate_line(public)
    if theirs != namespace or line is None:
        raise Unauthenticated("the signature was made for another purpose")
    key = asyncssh.import_public_key(verify_delegation(line, namespace, trusted, now))
    if not key.verify(signed_data(namespace, message), proof):
        raise Unauthenticated("the signature is wrong")


def verify_by_key(signature: bytes, namespace: str, message: bytes, public_line: str) -> None:
    """Check that the key ``public_line`` signed ``message`` for ``namespace``.

    Raises Unauthenticated with the reason.
    """
    _, theirs, proof = _parse(signature)
    if theirs != namespace:
        raise Unauthenticated("the signature was made for another purpose")
    if not asyncssh.import_public_key(public_line).verify(signed_data(namespace, message), proof):
        raise Unauthenticated("the signature is wrong")


def _parse(signature: bytes) -> tuple[bytes, str, bytes]:
    """Public key, namespace and signature proper."""
    try:
        body = signature.decode("ascii").strip().removeprefix(_BEGIN).removesuffix(_END)
        packet = SSHPacket(base64.b64decode("".join(body.split()), validate=True))
        magic, version = packet.get_bytes(len(_MAGIC)), packet.get_uint32()
        public, namespace, _ = packet.get_string(), packet.get_string().decode(), packet.get_string()
        algorithm, proof = packet.get_string(), packet.get_string()
        packet.check_end()
    except (PacketDecodeError, ValueError):
        raise Unauthenticated("this is not an SSH signature") from None
    if (magic, version, algorithm) != (_MAGIC, _VERSION, _HASH):
        raise Unauthenticated("this is not an SSH signature of the version and hash that are used here")
    return public, namespace, proof
