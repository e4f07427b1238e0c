# SPDX-License-Identifier: Apache-2.0
"""X.509: the certificates by which services and people know each other.

A leaf carries who its holder is as JSON (model.identity) in the private extension 1.3.9999.1.1. The
issuer decides what that may be: the host CA vouches for hosts, the user CA for people.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from proctor.core.errors import BadRequest, Corrupted, Unauthenticated
from proctor.model import serde
from proctor.model.identity import Anonymous, HostIdentity, Identity, UserIdentity

IDENTITY_OID = x509.ObjectIdentifier("1.3.9999.1.1")
SERVER_NAME = "teleport.cluster.local"
BACKDATED = timedelta(seconds=60)


def generate_key() -> bytes:
    """A new ECDSA P-256 private key, PKCS#8 PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_key(private_key: bytes) -> bytes:
    """The public half of a key, SubjectPublicKeyInfo PEM."""
    key = load_key(private_key).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def load_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """An ECDSA private key in PEM; raises Corrupted when it is of another kind."""
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Corrupted("the stored private key is not an ECDSA key")
    return key


def self_signed_ca(private_key: bytes, common_name: str, *, now: datetime, lifetime: timedelta) -> bytes:
    """A CA certificate, PEM."""
    key = load_key(private_key)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = _builder(name, name, key.public_key(), now, now + lifetime)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def issue(
    ca_key: bytes,
    ca_certificate: bytes,
    subject_key: bytes,
    identity: Identity,
    *,
    now: datetime,
    valid_before: datetime,
    names: Sequence[str] = (),
    serial: int = 0,
) -> bytes:
    """A leaf certificate (PEM) for ``subject_key`` (PEM); ``names`` are DNS names and addresses.

    ``serial`` 0: a random one. Raises BadRequest when the key is not an ECDSA public key.
    """
    authority = x509.load_pem_x509_certificate(ca_certificate)
    try:
        key = load_pem_public_key(subject_key)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadRequest(f"not a public key in PEM: {error}") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise BadRequest("the TLS key must be ECDSA")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, identity.name[:64] or "nobody")])
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if names else [])]
    builder = _builder(subject, authority.subject, key, now, valid_before, serial)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    builder = builder.add_extension(
        x509.UnrecognizedExtension(IDENTITY_OID, serde.to_json(identity)), critical=False
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternative_names(names)), critical=False)
    return builder.sign(load_key(ca_key), hashes.SHA256()).public_bytes(Encoding.PEM)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    valid_before: datetime,
    serial: int = 0,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(valid_before)
    )


def alternative_names(names: Sequence[str]) -> list[x509.GeneralName]:
    """Each name once, as address or DNS name."""
    return [_general_name(name) for name in dict.fromkeys(names)]


def has_names(certificate: x509.Certificate, names: Sequence[str]) -> bool:
    """Are ``names`` the alternative names of ``certificate``, these and no others?"""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return not names
    return set(found) == set(alternative_names(names))


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Leaf(NamedTuple):
    """Content of a certificate: holder, end of validity, identity for revocations."""

    identity: Identity
    valid_before: datetime
    serial: int
    issued: datetime


def identify(leaf: bytes, *, host_ca: bytes, user_ca: bytes, now: datetime) -> Leaf:
    """Who holds the certificate ``leaf`` (PEM).

    A certificate that neither CA issued makes its holder Anonymous. Raises Unauthenticated when it
    does not decode, or one of the CAs issued it and it is expired or does not say who its holder is.
    """
    try:
        certificate = x509.load_pem_x509_certificate(leaf)
    except (ValueError, x509.InvalidVersion) as error:
        raise Unauthenticated(f"the certificate cannot be read: {error}") from None
    for authorities, kind in ((host_ca, HostIdentity), (user_ca, UserIdentity)):
        if _issued_by(certificate, authorities):
            _check_validity(certificate, now)
            return _leaf(certificate, _embedded(certificate, kind))
    not_before, not_after = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return Leaf(Anonymous(), not_after, certificate.serial_number, not_before)


def _leaf(certificate: x509.Certificate, identity: Identity) -> Leaf:
    issued = certificate.not_valid_before_utc + BACKDATED
    return Leaf(identity, certificate.not_valid_after_utc, certificate.serial_number, issued)


def _issued_by(certificate: x509.Certificate, authorities: bytes) -> bool:
    for authority in x509.load_pem_x509_certificates(authorities):
        try:
            certificate.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return True
    return False


def _check_validity(certificate: x509.Certificate, now: datetime) -> None:
    if now < certificate.not_valid_before_utc:
        raise Unauthenticated("the certificate is not valid yet; check the clocks")
    if now >= certificate.not_valid_after_utc:
        raise Unauthenticated("the certificate has expired; log in again")


def _embedded(certificate: x509.Certificate, kind: type[UserIdentity] | type[HostIdentity]) -> Identity:
    try:
        extension = certificate.extensions.get_extension_for_oid(IDENTITY_OID).value
    except x509.ExtensionNotFound:
        raise Unauthenticated("the certificate does not say who its holder is") from None
    if not isinstance(extension, x509.UnrecognizedExtension):
        raise Unauthenticated("the certificate's identity cannot be read")
    try:
        return serde.from_json(extension.value, kind)
    except Corrupted as error:
        raise Unauthenticated(f"the certificate's identity cannot be read: {error}") from None


def ca_pins(pem: bytes) -> list[str]:
    """``sha256:<hex>`` over the DER SubjectPublicKeyInfo of each certificate in ``pem``."""
    return [_pin(certificate) for certificate in x509.load_pem_x509_certificates(pem)]


def pinned(pem: bytes, pins: Sequence[str]) -> bytes:
    """Those certificates in ``pem`` that have one of ``pins``; others may have been added by anybody."""
    certificates = x509.load_pem_x509_certificates(pem)
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates if _pin(each) in pins)


def _pin(certificate: x509.Certificate) -> str:
    info = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "sha256:" + hashlib.sha256(info).hexdigest()


def load_certificate(pem: bytes) -> x509.Certificate:
    """The first certificate in ``pem``."""
    return x509.load_pem_x509_certificate(pem)
