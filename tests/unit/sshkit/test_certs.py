# SPDX-License-Identifier: Apache-2.0
"""SSH certificates: what we issue, others read; what others bring, we doubt."""

from __future__ import annotations

import base64
import itertools
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
)
from hypothesis import given
from hypothesis import strategies as st

from proctor.core.errors import BadRequest, Unauthenticated
from proctor.model.identity import UserIdentity
from proctor.sshkit import certs, keys

NOW = datetime(2023, 7, 4, 16, 42, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
CA_KEY, CA = keys.generate()
SUBJECT = keys.generate()[1]
ALICE = UserIdentity(
    username="alice",
    roles=("access", "auditor"),
    logins=("root", "ubuntu"),
    traits={"logins": ("root", "ubuntu"), "team": ("Käse",)},
    cluster="purple",
)
LINE = certs.issue_user_certificate(CA_KEY, SUBJECT, ALICE, now=NOW, valid_before=NOW + HOUR)


def verify(line: str, now: datetime = NOW, trusted: str = CA) -> certs.VerifiedUser:
    return certs.verify_user_certificate(line, [trusted], now)


def test_what_was_issued_is_what_is_verified() -> None:
    user = verify(LINE)
    assert user.identity == ALICE
    assert user.principals == ("root", "ubuntu", certs.JOIN_PRINCIPAL)
    assert user.valid_before == NOW + HOUR
    assert user.permits == {
        "permit-pty", "permit-port-forwarding", "permit-agent-forwarding", "permit-X11-forwarding",
    }  # fmt: skip
    assert certs.read_user_certificate(LINE) == user


def test_openssh_reads_the_certificate_as_we_do(tmp_path: Path) -> None:
    path = tmp_path / "cert.pub"
    path.write_text(LINE)
    shown = subprocess.run(["ssh-keygen", "-L", "-f", path], capture_output=True, text=True, check=True)
    words = shown.stdout.split()
    assert '"alice"' in words
    assert {"root", "ubuntu", "permit-pty", "teleport-roles"} <= set(words)
    short = subprocess.run(["ssh-keygen", "-l", "-f", path], capture_output=True, text=True, check=True)
    assert verify(LINE).fingerprint == keys.fingerprint(SUBJECT) == short.stdout.split()[1]


@pytest.mark.parametrize(
    ("offset", "reason"),
    [(-certs.BACKDATED, None), (-certs.BACKDATED - timedelta(seconds=1), "not valid yet"), (HOUR, "expired")],
)
def test_validity_has_two_ends(offset: timedelta, reason: str | None) -> None:
    if reason is None:
        verify(LINE, NOW + offset)
        return
    with pytest.raises(Unauthenticated, match=reason):
        verify(LINE, NOW + offset)


def test_only_trusted_authorities_count() -> None:
    with pytest.raises(Unauthenticated, match="not signed by this cluster"):
        verify(LINE, trusted=keys.generate()[1])
    with pytest.raises(Unauthenticated, match="not signed by this cluster"):
        certs.verify_user_certificate(LINE, [], NOW)
    assert verify(LINE, trusted=f"{CA} a comment").key_id == "alice"


def test_a_host_certificate_is_nobodys_login() -> None:
    host = certs.issue_host_certificate(
        CA_KEY, SUBJECT, key_id="h", principals=["root"], now=NOW, valid_before=NOW + HOUR
    )
    with pytest.raises(Unauthenticated, match="host certificate"):
        verify(host)


def elliptic() -> tuple[str, str]:
    """Certificate and CA key line, both of ECDSA."""
    authority = ec.generate_private_key(ec.SECP256R1())
    pem = authority.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    subject = public_line(ec.generate_private_key(ec.SECP256R1()))
    line = certs.issue_user_certificate(pem, subject, ALICE, now=NOW, valid_before=NOW + HOUR)
    return line, public_line(authority)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_no_changed_byte_is_believed(kind: str) -> None:
    line, trusted = (LINE, CA) if kind == "ed25519" else elliptic()
    verify(line, trusted=trusted)
    name, encoded = line.split()[:2]
    blob = base64.b64decode(encoded)
    for position, change in itertools.product(range(len(blob)), (1, 4, 128, 255)):
        changed = bytearray(blob)
        changed[position] ^= change
        with pytest.raises(Unauthenticated):
            verify(f"{name} {base64.b64encode(changed).decode()}", trusted=trusted)


def test_a_certificate_that_was_cut_short_is_refused() -> None:
    name, encoded = LINE.split()[:2]
    blob = base64.b64decode(encoded)
    for length in range(len(blob)):
        with pytest.raises(Unauthenticated):
            verify(f"{name} {base64.b64encode(blob[:length]).decode()}")


@given(st.text(max_size=200))
def test_any_text_is_refused_politely(text: str) -> None:
    for line in (text, f"ssh-ed25519-cert-v01@openssh.com {text}"):
        with pytest.raises(Unauthenticated):
            verify(line)


def test_a_plain_key_is_no_certificate() -> None:
    with pytest.raises(Unauthenticated, match="plain key"):
        verify(SUBJECT)


def by_hand(**parts: dict[bytes, bytes]) -> str:
    """A user certificate of the trusted CA that our own code would not issue."""
    authority = Ed25519PrivateKey.generate()
    builder = (
        SSHCertificateBuilder()
        .public_key(Ed25519PrivateKey.generate().public_key())
        .type(SSHCertificateType.USER)
        .key_id(b"alice")
        .valid_principals([b"root"])
        .valid_after(0)
        .valid_before(2**64 - 1)
    )
    for name, value in parts.get("options", {}).items():
        builder = builder.add_critical_option(name, value)
    for name, value in parts.get("extensions", {}).items():
        builder = builder.add_extension(name, value)
    trusted = authority.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    line = builder.sign(authority).public_bytes().decode()
    return certs.verify_user_certificate(line, [trusted], NOW).identity.username


def test_critical_options_that_we_do_not_know_are_refused() -> None:
    assert by_hand() == "alice"
    with pytest.raises(Unauthenticated, match="force-command"):
        by_hand(options={b"force-command": b"/bin/true"})


@pytest.mark.parametrize("roles", [b"{", b"[]", b'{"roles":5}', b'{"roles":[1]}', b"\xff"])
def test_roles_that_do_not_decode_are_refused(roles: bytes) -> None:
    with pytest.raises(Unauthenticated, match=r"teleport-roles|roles or traits"):
        by_hand(extensions={b"teleport-roles": roles})


def public_line(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_keys_of_all_usual_kinds_get_certificates(curve: ec.EllipticCurve) -> None:
    line = public_line(ec.generate_private_key(curve))
    issued = certs.issue_user_certificate(CA_KEY, line, ALICE, now=NOW, valid_before=NOW + HOUR)
    assert verify(issued).fingerprint == keys.fingerprint(line)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (public_line(rsa.generate_private_key(65537, 1024)), "1024 bits"),
        ("ssh-ed25519 AAAA", "not an OpenSSH public key"),
        ("", "plain public key"),
        (LINE, "plain public key"),
    ],
    ids=["short", "torn", "empty", "certificate"],
)
def test_weak_and_foreign_keys_get_none(line: str, reason: str) -> None:
    with pytest.raises(BadRequest, match=reason):
        certs.issue_user_certificate(CA_KEY, line, ALICE, now=NOW, valid_before=NOW + HOUR)
