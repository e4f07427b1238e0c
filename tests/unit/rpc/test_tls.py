# SPDX-License-Identifier: Apache-2.0
"""X.509: who may say what about whom."""

from __future__ import annotations

import base64
import hashlib
import itertools
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from proctor.core.errors import BadRequest, Unauthenticated
from proctor.model.identity import Anonymous, HostIdentity, Identity, SystemRole, UserIdentity
from proctor.rpc import anonymous, tls

NOW = datetime(2023, 7, 4, 16, 42, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOST_KEY, USER_KEY, LEAF_KEY = tls.generate_key(), tls.generate_key(), tls.generate_key()
HOST_CA = tls.self_signed_ca(HOST_KEY, "host", now=NOW, lifetime=10 * HOUR)
USER_CA = tls.self_signed_ca(USER_KEY, "user", now=NOW, lifetime=10 * HOUR)
NODE = HostIdentity(host_id=str(uuid4()), role=SystemRole.NODE, node_name="web-1", cluster="purple")
ALICE = UserIdentity(username="alice", roles=("access",), logins=("root",), traits={"logins": ("root",)})


def issue(key: bytes, ca: bytes, identity: UserIdentity | HostIdentity) -> bytes:
    return tls.issue(key, ca, tls.public_key(LEAF_KEY), identity, now=NOW, valid_before=NOW + HOUR)


def identify(leaf: bytes, now: datetime = NOW) -> Identity:
    return tls.identify(leaf, host_ca=HOST_CA, user_ca=USER_CA, now=now)[0]


def judgement(leaf: bytes) -> Identity | str:
    try:
        return identify(leaf)
    except Unauthenticated as error:
        return error.message.partition(":")[0]


def test_the_issuer_vouches_for_its_own_kind() -> None:
    assert identify(issue(HOST_KEY, HOST_CA, NODE)) == NODE
    assert identify(issue(USER_KEY, USER_CA, ALICE)) == ALICE
    with pytest.raises(Unauthenticated, match="cannot be read"):
        identify(issue(USER_KEY, USER_CA, NODE))
    with pytest.raises(Unauthenticated, match="cannot be read"):
        identify(issue(HOST_KEY, HOST_CA, ALICE))


def test_a_foreign_certificate_is_anonymous_whatever_the_certificate_claims() -> None:
    foreign = tls.generate_key()
    same_name = tls.self_signed_ca(foreign, "host", now=NOW, lifetime=HOUR)
    assert identify(issue(foreign, same_name, NODE)) == Anonymous()
    anonymous_key, certificate = anonymous.key_and_certificate()
    assert identify(certificate) == Anonymous()
    assert identify(issue(anonymous_key, certificate, NODE)) == Anonymous()


def test_during_a_rotation_either_generation_of_a_ca_is_believed() -> None:
    fresh_key = tls.generate_key()
    fresh = tls.self_signed_ca(fresh_key, "host", now=NOW, lifetime=HOUR)
    for key, authority in ((HOST_KEY, HOST_CA), (fresh_key, fresh)):
        found, *_ = tls.identify(
            issue(key, authority, NODE), host_ca=HOST_CA + fresh, user_ca=USER_CA, now=NOW
        )
        assert found == NODE


@pytest.mark.parametrize(
    ("offset", "reason"),
    [(timedelta(0), None), (-2 * tls.BACKDATED, "not valid yet"), (HOUR, "has expired")],
)
def test_validity_has_two_ends(offset: timedelta, reason: str | None) -> None:
    leaf = issue(USER_KEY, USER_CA, ALICE)
    if reason is None:
        assert identify(leaf, NOW + offset) == ALICE
        return
    with pytest.raises(Unauthenticated, match=reason):
        identify(leaf, NOW + offset)


def test_a_ca_certificate_identifies_no_caller() -> None:
    with pytest.raises(Unauthenticated, match="does not say"):
        identify(HOST_CA)


def test_names_are_for_servers_only() -> None:
    names = ("teleport.cluster.local", "127.0.0.1", "::1", "localhost", "localhost")
    certificate = tls.load_certificate(
        tls.issue(
            HOST_KEY, HOST_CA, tls.public_key(LEAF_KEY), NODE, now=NOW, valid_before=NOW + HOUR, names=names
        )
    )
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.DNSName) == ["teleport.cluster.local", "localhost"]
    assert [str(a) for a in found.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    plain = tls.load_certificate(issue(HOST_KEY, HOST_CA, NODE))
    usage = plain.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]


@pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")
def test_no_changed_byte_of_what_was_signed_is_believed() -> None:
    certificate = tls.load_certificate(issue(USER_KEY, USER_CA, ALICE))
    der, signed = certificate.public_bytes(Encoding.DER), certificate.tbs_certificate_bytes
    start = der.index(signed)
    for position, change in itertools.product(range(start, start + len(signed)), (1, 4, 128, 255)):
        changed = bytearray(der)
        changed[position] ^= change
        text = base64.encodebytes(changed).decode()
        leaf = f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n".encode()
        assert judgement(leaf) in (Anonymous(), "the certificate cannot be read")


@pytest.mark.parametrize(
    "key", [b"", b"junk", HOST_CA, HOST_KEY], ids=["empty", "junk", "certificate", "private"]
)
def test_only_public_keys_get_certificates(key: bytes) -> None:
    with pytest.raises(BadRequest):
        tls.issue(HOST_KEY, HOST_CA, key, NODE, now=NOW, valid_before=NOW + HOUR)


def test_pins_are_those_that_openssl_computes(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(HOST_CA)
    public = subprocess.run(
        ["openssl", "x509", "-in", path, "-noout", "-pubkey"], capture_output=True, check=True
    ).stdout
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "DER"], input=public, capture_output=True, check=True
    ).stdout
    (pin,) = tls.ca_pins(HOST_CA)
    assert pin == "sha256:" + hashlib.sha256(der).hexdigest()


def test_of_many_certificates_only_the_pinned_are_kept() -> None:
    wanted = tls.ca_pins(USER_CA)
    assert tls.ca_pins(HOST_CA + USER_CA) == tls.ca_pins(HOST_CA) + wanted
    assert tls.pinned(HOST_CA + USER_CA, wanted) == USER_CA
    assert tls.pinned(HOST_CA, wanted) == b""


def test_everybody_has_the_same_anonymous_key() -> None:
    key, certificate = anonymous.key_and_certificate()
    anonymous.key_and_certificate.cache_clear()
    again, other = anonymous.key_and_certificate()
    assert again == key
    assert tls.ca_pins(other) == tls.ca_pins(certificate)
