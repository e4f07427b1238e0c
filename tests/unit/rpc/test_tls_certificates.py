# SPDX-License-Identifier: Apache-2.0
"""What stands in the certificates: RFC 5280's extensions, names and keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from proctor.core.errors import BadRequest, Corrupted, Unauthenticated
from proctor.model.identity import HostIdentity, SystemRole, UserIdentity
from proctor.rpc import tls

NOW = datetime(2023, 7, 4, 16, 42, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
CA_KEY, LEAF_KEY = tls.generate_key(), tls.generate_key()
CA = tls.self_signed_ca(CA_KEY, "host", now=NOW, lifetime=10 * HOUR)
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)


def leaf(name: str = "web-1", names: tuple[str, ...] = ()) -> x509.Certificate:
    node = HostIdentity(host_id=str(uuid4()), role=SystemRole.NODE, node_name=name, cluster="purple")
    pem = tls.issue(CA_KEY, CA, tls.public_key(LEAF_KEY), node, now=NOW, valid_before=NOW + HOUR, names=names)
    return tls.load_certificate(pem)


def test_authority_signs_leaves_only_and_has_no_authorities_below_it() -> None:
    extensions = tls.load_certificate(CA).extensions
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    usage = extensions.get_extension_for_class(x509.KeyUsage)

    assert (constraints.critical, constraints.value.ca, constraints.value.path_length) == (True, True, 0)
    assert usage.critical
    assert [name for name in USAGES if getattr(usage.value, name)] == [
        "digital_signature",
        "key_cert_sign",
        "crl_sign",
    ]


def test_leaf_is_no_authority() -> None:
    constraints = leaf().extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value.ca) == (True, False)


def test_extensions_of_a_leaf_that_others_may_ignore() -> None:
    extensions = leaf(names=("localhost",)).extensions
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert list(usage.value) == [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    assert not usage.critical
    assert not extensions.get_extension_for_oid(tls.IDENTITY_OID).critical
    assert not extensions.get_extension_for_class(x509.SubjectAlternativeName).critical


def test_common_name_holds_64_characters() -> None:
    def common_name(name: str) -> object:
        user = UserIdentity(username=name, roles=(), logins=())
        pem = tls.issue(CA_KEY, CA, tls.public_key(LEAF_KEY), user, now=NOW, valid_before=NOW + HOUR)
        (attribute,) = tls.load_certificate(pem).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return attribute.value

    assert common_name("x" * 64) == "x" * 64
    assert common_name("x" * 65) == "x" * 64


def test_validity_begins_a_minute_earlier_for_clocks_that_are_behind() -> None:
    assert leaf().not_valid_before_utc == NOW - timedelta(seconds=60)
    assert leaf().not_valid_after_utc == NOW + HOUR


@pytest.mark.parametrize(
    ("names", "asked", "equal"),
    [
        ((), (), True),
        ((), ("localhost",), False),
        (("localhost", "127.0.0.1"), ("127.0.0.1", "localhost"), True),
        (("localhost", "127.0.0.1"), ("localhost",), False),
        (("localhost",), ("localhost", "127.0.0.1"), False),
    ],
)
def test_names_of_a_certificate_are_compared_as_a_set(
    names: tuple[str, ...], asked: tuple[str, ...], equal: bool
) -> None:
    assert tls.has_names(leaf(names=names), asked) is equal


def test_other_kinds_of_keys_are_refused() -> None:
    private = RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(Corrupted, match="not an ECDSA key"):
        tls.load_key(private)
    with pytest.raises(BadRequest, match="must be ECDSA"):
        tls.issue(
            CA_KEY,
            CA,
            public,
            UserIdentity(username="alice", roles=(), logins=()),
            now=NOW,
            valid_before=NOW + HOUR,
        )


def test_only_issued_leaves_belong_to_an_authority() -> None:
    other = tls.generate_key()
    foreign_ca = tls.self_signed_ca(other, "host", now=NOW, lifetime=HOUR)
    user = UserIdentity(username="alice", roles=(), logins=())
    foreign = tls.issue(other, foreign_ca, tls.public_key(LEAF_KEY), user, now=NOW, valid_before=NOW + HOUR)
    leaf = tls.identify(foreign, host_ca=CA, user_ca=CA, now=NOW)
    assert leaf.identity.name != "alice"
    assert leaf.valid_before == NOW + HOUR


def test_certificate_is_valid_from_its_first_moment_and_not_at_its_last() -> None:
    pem = tls.issue(
        CA_KEY,
        CA,
        tls.public_key(LEAF_KEY),
        UserIdentity(username="alice", roles=(), logins=()),
        now=NOW,
        valid_before=NOW + HOUR,
    )
    other = tls.self_signed_ca(tls.generate_key(), "host", now=NOW, lifetime=HOUR)
    first = tls.load_certificate(pem).not_valid_before_utc
    assert tls.identify(pem, host_ca=other, user_ca=CA, now=first)[0].name == "alice"
    with pytest.raises(Unauthenticated, match="not valid yet"):
        tls.identify(pem, host_ca=other, user_ca=CA, now=first - timedelta(seconds=1))
    with pytest.raises(Unauthenticated, match="has expired"):
        tls.identify(pem, host_ca=other, user_ca=CA, now=NOW + HOUR)


def test_name_that_every_client_verifies() -> None:
    assert tls.SERVER_NAME == "teleport.cluster.local"
