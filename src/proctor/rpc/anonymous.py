# SPDX-License-Identifier: Apache-2.0
"""The certificate of somebody without one.

A gRPC server in Python either demands a client certificate or ignores it. Hosts that join have none
of the cluster's, so they show this one: its key is derived from a constant and known to everybody,
hence it proves nothing and makes its holder ``Anonymous``. The server never takes its word: it verifies
each leaf against its own CAs (``rpc.tls.identify``).
"""

from __future__ import annotations

import functools
import hashlib
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from proctor.model.identity import Anonymous
from proctor.rpc import tls

_SEED = b"proctor: the key of nobody"  # word: hosts of all versions derive the same key
_FROM = datetime(2020, 1, 1, tzinfo=UTC)


_LIFETIME = timedelta(days=36500)


@functools.cache
def _key() -> bytes:
    secret = int.from_bytes(hashlib.sha256(_SEED).digest(), "big")
    key = ec.derive_private_key(secret, ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@functools.cache
def authority() -> bytes:
    """PEM of the well-known CA that signs anonymous client certificates, derived in each process."""
    return tls.self_signed_ca(_key(), "anonymous", now=_FROM, lifetime=_LIFETIME)


@functools.cache
def key_and_certificate() -> tuple[bytes, bytes]:
    """Private key and certificate, PEM. A self-signed one would be known to the process that made it only."""
    certificate = tls.issue(
        _key(), authority(), tls.public_key(_key()), Anonymous(), now=_FROM, valid_before=_FROM + _LIFETIME
    )
    return _key(), certificate
