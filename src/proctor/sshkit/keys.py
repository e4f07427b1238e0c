# SPDX-License-Identifier: Apache-2.0
"""SSH key pairs (Ed25519), as text."""

from __future__ import annotations

import base64
import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
    load_ssh_public_key,
)

from proctor.core.errors import BadRequest

UNDECODABLE = (ValueError, UnsupportedAlgorithm, NotImplementedError)
"""What the library raises for bytes of others; the last for compressed points of a curve."""


def generate() -> tuple[bytes, str]:
    """A new key pair: OpenSSH private key (PEM) and public key line."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return private, public.decode()


def public_line(private_key: bytes) -> str:
    """The public key line of an OpenSSH private key (PEM); raises one of ``UNDECODABLE``."""
    public = load_ssh_private_key(private_key, password=None).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def normalize(line: str) -> str:
    """``type base64`` of a public key line, without its comment; BadRequest when it is not a key."""
    parts = line.split()
    try:
        load_ssh_public_key(line.encode())
    except UNDECODABLE as error:
        raise BadRequest(f"not an OpenSSH public key: {error}") from None
    return " ".join(parts[:2])


def fingerprint(line: str) -> str:
    """``SHA256:…`` of a public key, or of the key in a certificate, as ``ssh-keygen -l`` prints it."""
    key = load_ssh_public_key(line.encode()).public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    digest = hashlib.sha256(base64.b64decode(key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
