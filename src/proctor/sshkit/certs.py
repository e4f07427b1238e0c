# SPDX-License-Identifier: Apache-2.0
"""SSH certificates: issued for people and hosts, verified for people.

Format: OpenSSH PROTOCOL.certkeys. Our data travel in extensions (never in critical options, which
foreign clients refuse): ``teleport-roles``, ``teleport-traits``, ``teleport-route-to-cluster``,
``teleport-active-requests``, ``mfa-device@proctor``.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    SSHCertificateBuilder,
    SSHCertificateType,
    load_ssh_private_key,
    load_ssh_public_identity,
    load_ssh_public_key,
)

from proctor.core.errors import BadRequest, Unauthenticated
from proctor.model.identity import UserIdentity
from proctor.model.rbac.locks import Certificate
from proctor.sshkit import keys

JOIN_PRINCIPAL = "-teleport-internal-join"
BACKDATED = timedelta(seconds=60)
ROLE_EXTENSION = b"teleport-role"
"""Of a host certificate: the role of the service."""

SHORTEST_RSA = 2048
SUBJECT_TYPES = frozenset(
    {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"}
)
MFA_DEVICE = b"mfa-device@proctor"
PERMITS = (b"permit-pty", b"permit-port-forwarding", b"permit-agent-forwarding", b"permit-X11-forwarding")


@dataclass(frozen=True, kw_only=True)
class VerifiedUser:
    """What a user certificate says once its signature and validity were checked.

    ``issued``: when, in whole seconds.
    """

    identity: UserIdentity
    key_id: str
    principals: tuple[str, ...]
    issued: datetime
    valid_before: datetime
    serial: int
    fingerprint: str
    permits: frozenset[str]


def certificate_of(user: VerifiedUser) -> Certificate:
    """Return the certificate's identity for comparison with revocations."""
    return Certificate(user.serial, user.issued)


def issue_user_certificate(
    ca_key: bytes,
    public_key: str,
    identity: UserIdentity,
    *,
    now: datetime,
    valid_before: datetime,
    serial: int = 0,
    permits: Sequence[bytes] = PERMITS,
) -> str:
    """An OpenSSH certificate line for ``public_key``; principals are the identity's logins.

    ``serial`` 0: a new one. Raises BadRequest when ``public_key`` is no plain public key or a weak one.
    """
    builder = _builder(public_key, SSHCertificateType.USER, identity.username, now, valid_before, serial)
    builder = builder.valid_principals([*_encoded(identity.logins), JOIN_PRINCIPAL.encode()])
    extensions = {
        **dict.fromkeys(permits, b""),
        b"teleport-roles": _json({"roles": list(identity.roles)}),
        b"teleport-traits": _json({name: list(values) for name, values in identity.traits.items()}),
        b"teleport-route-to-cluster": identity.cluster.encode(),
    }
    if identity.mfa_device:
        extensions[MFA_DEVICE] = identity.mfa_device.encode()
    if identity.access_requests:
        extensions[b"teleport-active-requests"] = _json({"access_requests": list(identity.access_requests)})
    return _signed(builder, ca_key, extensions)


def issue_host_certificate(
    ca_key: bytes,
    public_key: str,
    *,
    key_id: str,
    principals: Sequence[str],
    now: datetime,
    valid_before: datetime,
    serial: int = 0,
    role: str = "",
) -> str:
    """An OpenSSH host certificate line for ``public_key``; ``serial`` and BadRequest as for users.

    ``role``: of the service that the key belongs to, since several services of a host have its names.
    """
    builder = _builder(public_key, SSHCertificateType.HOST, key_id, now, valid_before, serial)
    extensions = {ROLE_EXTENSION: role.encode()} if role else {}
    return _signed(builder.valid_principals(_encoded(principals)), ca_key, extensions)


def issue_delegation(
    ca_key: bytes, public_key: str, purpose: str, *, now: datetime, valid_before: datetime
) -> str:
    """An OpenSSH certificate line for a key that signs for ``purpose`` in the place of the user CA.

    The purpose is a critical option: nothing that lets people in accepts the certificate.
    """
    builder = _builder(public_key, SSHCertificateType.USER, purpose, now, valid_before, 0)
    builder = builder.valid_principals([purpose.encode()]).add_critical_option(purpose.encode(), b"")
    return _signed(builder, ca_key, {})


def verify_host_certificate(
    line: str, principal: str, trusted: Sequence[str], now: datetime, *, role: str
) -> str:
    """The public key line in a certificate that :func:`issue_host_certificate` made for ``principal``.

    ``role``: of the service that the certificate must be for; one that names none is for any. ``trusted``
    holds public key lines of host CAs. Raises Unauthenticated with the reason.
    """
    certificate = _parse(line)
    _check_signature(certificate, {keys.normalize(authority) for authority in trusted}, "host")
    _check_validity(certificate, now)
    names = [name.decode(errors="replace") for name in certificate.valid_principals]
    if certificate.type is not SSHCertificateType.HOST or principal not in names:
        raise Unauthenticated(f"the certificate is not that of the host {principal[:64]}")
    if certificate.extensions.get(ROLE_EXTENSION, role.encode()) != role.encode():
        raise Unauthenticated(f"the certificate is not that of a {role}")
    return certificate.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def verify_delegation(line: str, purpose: str, trusted: Sequence[str], now: datetime) -> str:
    """The public key line in a certificate that :func:`issue_delegation` made for ``purpose``.

    ``trusted``, exceptions: as for :func:`verify_user_certificate`.
    """
    certificate = _parse(line)
    _check_signature(certificate, {keys.normalize(authority) for authority in trusted})
    _check_validity(certificate, now)
    is_user = certificate.type is SSHCertificateType.USER
    if not is_user or set(certificate.critical_options) != {purpose.encode()}:
        raise Unauthenticated(f"the key that signed is not certified for {purpose}")
    return certificate.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def new_serial() -> int:
    """A serial number: random, since 63 bits do not meet twice, and so that it tells nothing; never 0."""
    return secrets.randbelow(2**63 - 1) + 1


def _builder(
    public_key: str,
    kind: SSHCertificateType,
    key_id: str,
    now: datetime,
    valid_before: datetime,
    serial: int,
) -> SSHCertificateBuilder:
    return (
        SSHCertificateBuilder()
        .public_key(_subject(public_key))
        .type(kind)
        .serial(serial or new_serial())
        .key_id(key_id.encode())
        .valid_after(int((now - BACKDATED).timestamp()))
        .valid_before(int(valid_before.timestamp()))
    )


def _subject(line: str) -> Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey:
    kind = line.partition(" ")[0]
    key = load_ssh_public_key(keys.normalize(line).encode()) if kind in SUBJECT_TYPES else None
    if isinstance(key, RSAPublicKey) and key.key_size < SHORTEST_RSA:
        raise BadRequest(f"the RSA key has {key.key_size} bits; at least {SHORTEST_RSA} are needed")
    if not isinstance(key, Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey):
        raise BadRequest("an SSH key is a plain public key of the type Ed25519, ECDSA or RSA")
    return key


def _signed(builder: SSHCertificateBuilder, ca_key: bytes, extensions: Mapping[bytes, bytes]) -> str:
    for name in sorted(extensions):
        builder = builder.add_extension(name, extensions[name])
    key = load_ssh_private_key(ca_key, password=None)
    if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey):
        raise BadRequest("a CA key must be Ed25519 or ECDSA")
    return builder.sign(key).public_bytes().decode()


def _encoded(names: Sequence[str]) -> list[bytes]:
    return [name.encode() for name in names]


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def verify_user_certificate(line: str, trusted: Sequence[str], now: datetime) -> VerifiedUser:
    """Check type, issuer, signature, validity and critical options of a user certificate.

    ``trusted`` holds public key lines of user CAs. Raises Unauthenticated with the reason.
    """
    certificate = _parse(line)
    if certificate.type is not SSHCertificateType.USER:
        raise Unauthenticated("the certificate is a host certificate, not one of a user")
    _check_signature(certificate, {keys.normalize(authority) for authority in trusted})
    _check_validity(certificate, now)
    if certificate.critical_options:
        names = ", ".join(sorted(name.decode(errors="replace") for name in certificate.critical_options))
        raise Unauthenticated(f"the certificate has critical options unknown here: {names}")
    return _verified(certificate, line)


def _check_signature(certificate: SSHCertificate, trusted: Collection[str], kind: str = "user") -> None:
    try:
        issuer = certificate.signature_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        if issuer not in trusted:
            raise Unauthenticated(f"the certificate was not signed by this cluster's {kind} CA")
        certificate.verify_cert_signature()
    except (InvalidSignature, *keys.UNDECODABLE):
        # The library decodes signature and issuer only now.
        raise Unauthenticated("the certificate's signature is wrong") from None


def read_user_certificate(line: str) -> VerifiedUser:
    """Read a user certificate without verifying it, for its own holder. Raises Unauthenticated."""
    return _verified(_parse(line), line)


def _parse(line: str) -> SSHCertificate:
    try:
        certificate = load_ssh_public_identity(line.encode())
    except keys.UNDECODABLE as error:
        raise Unauthenticated(f"not an OpenSSH certificate: {error}") from None
    if not isinstance(certificate, SSHCertificate):
        raise Unauthenticated("a plain key was offered; a certificate of this cluster is needed")
    return certificate


def _check_validity(certificate: SSHCertificate, now: datetime) -> None:
    moment = now.timestamp()
    if moment < certificate.valid_after:
        raise Unauthenticated("the certificate is not valid yet; check the clocks")
    if moment >= certificate.valid_before:
        raise Unauthenticated("the certificate has expired; log in again")


def _verified(certificate: SSHCertificate, line: str) -> VerifiedUser:
    principals = tuple(name.decode(errors="replace") for name in certificate.valid_principals)
    extensions = certificate.extensions
    identity = UserIdentity(
        username=certificate.key_id.decode(errors="replace"),
        roles=_string_tuple(_object(extensions, b"teleport-roles").get("roles", [])),
        logins=tuple(name for name in principals if name != JOIN_PRINCIPAL),
        traits={
            name: _string_tuple(values) for name, values in _object(extensions, b"teleport-traits").items()
        },
        cluster=extensions.get(b"teleport-route-to-cluster", b"").decode(errors="replace"),
        mfa_device=extensions.get(MFA_DEVICE, b"").decode(errors="replace"),
        access_requests=_string_tuple(
            _object(extensions, b"teleport-active-requests").get("access_requests", [])
        ),
    )
    return VerifiedUser(
        identity=identity,
        key_id=identity.username,
        principals=principals,
        issued=datetime.fromtimestamp(min(certificate.valid_after, 2**33), UTC) + BACKDATED,
        valid_before=datetime.fromtimestamp(min(certificate.valid_before, 2**33), UTC),
        serial=certificate.serial,
        fingerprint=keys.fingerprint(line),
        permits=frozenset(name.decode() for name in PERMITS if name in extensions),
    )


def _object(extensions: Mapping[bytes, bytes], name: bytes) -> dict[str, object]:
    try:
        value = json.loads(extensions.get(name, b"{}"))
    except ValueError:
        raise Unauthenticated(f"the certificate's extension {name.decode()} is not JSON") from None
    if not isinstance(value, dict):
        raise Unauthenticated(f"the certificate's extension {name.decode()} is not an object")
    return value


def _string_tuple(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Unauthenticated("the certificate lists roles or traits that are not text")
    return tuple(values)
