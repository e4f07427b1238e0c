# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta

import asyncssh
import pytest
from asyncssh.packet import Boolean, Byte, String

from proctor.core.clock import SYSTEM
from proctor.core.errors import AccessDenied, BadRequest, ProctorError, Unauthenticated
from proctor.model.identity import UserIdentity
from proctor.sshkit import certs, keys
from proctor.sshkit.userauth import certificate_line, read_request, verify_login

CA = keys.generate()
SESSION = b"s" * 32
Sign = Callable[[bytes], bytes]


def request(key: bytes, login: bytes = b"root", algorithm: bytes = b"any") -> bytes:
    """An SSH_MSG_USERAUTH_REQUEST as a client signs it."""
    method = String(b"ssh-connection") + String(b"publickey") + Boolean(True)
    return Byte(50) + String(login) + method + String(algorithm) + String(key)


def certify(public_line: str) -> str:
    """A certificate for alice, who may log in as root."""
    now = SYSTEM.now()
    identity = UserIdentity(username="alice", roles=("access",), logins=("root",))
    return certs.issue_user_certificate(
        CA[0], public_line, identity, now=now, valid_before=now + timedelta(hours=1)
    )


def verify(line: str, sign: Sign, *, session: bytes = SESSION, login: bytes = b"root") -> str:
    data = request(base64.b64decode(line.split()[1]), login)
    return verify_login(session, data, sign(String(SESSION) + data), [CA[1]], SYSTEM.now())[1].key_id


@pytest.mark.parametrize(
    ("kind", "size", "algorithm"),
    [
        ("ssh-ed25519", 0, "ssh-ed25519"),
        ("ecdsa-sha2-nistp256", 0, "ecdsa-sha2-nistp256"),
        ("ecdsa-sha2-nistp384", 0, "ecdsa-sha2-nistp384"),
        ("ecdsa-sha2-nistp521", 0, "ecdsa-sha2-nistp521"),
        ("ssh-rsa", 2048, "rsa-sha2-256"),
        ("ssh-rsa", 2048, "rsa-sha2-512"),
    ],
)
def test_keys_of_people(kind: str, size: int, algorithm: str) -> None:
    key = asyncssh.generate_private_key(kind, key_size=size) if size else asyncssh.generate_private_key(kind)
    line = certify(key.export_public_key("openssh").decode())

    def sign(data: bytes) -> bytes:
        return key.sign(data, algorithm.encode())

    assert verify(line, sign) == "alice"
    with pytest.raises(Unauthenticated, match="did not sign this login"):
        verify(line, sign, session=b"another session's identifier")
    with pytest.raises(Unauthenticated, match="did not sign this login"):
        verify(line, lambda data: sign(data + b"x"))
    with pytest.raises(AccessDenied, match="does not allow login daemon"):
        verify(line, sign, login=b"daemon")
    with pytest.raises(AccessDenied, match="does not allow login -teleport-internal-join"):
        verify(line, sign, login=b"-teleport-internal-join")


def test_rsa_with_sha1_proves_nothing() -> None:
    key = asyncssh.generate_private_key("ssh-rsa", key_size=2048)

    with pytest.raises(Unauthenticated, match="did not sign this login"):
        verify(certify(key.export_public_key("openssh").decode()), lambda data: key.sign(data, b"ssh-rsa"))


def test_plain_keys_and_damaged_certificates() -> None:
    private, public = keys.generate()
    key = asyncssh.import_private_key(private)

    def sign(data: bytes) -> bytes:
        return key.sign(data, b"ssh-ed25519")

    with pytest.raises(Unauthenticated, match="a plain key was offered"):
        verify(public, sign)
    wire = base64.b64decode(certify(public).split()[1])
    for position in range(0, len(wire), 7):
        damaged = wire[:position] + bytes([wire[position] ^ 1]) + wire[position + 1 :]
        data = request(damaged)
        with pytest.raises(ProctorError):
            verify_login(SESSION, data, sign(String(SESSION) + data), [CA[1]], SYSTEM.now())


@pytest.mark.parametrize("login", [b"ro\not", b"\x1b[2J", b"x" * 257, "\u202eroot".encode()])
def test_logins_that_would_deface_a_log(login: bytes) -> None:
    with pytest.raises(BadRequest, match="not printable, or too long"):
        read_request(request(b"key", login))


GOOD = request(b"key")


def test_request_is_parsed() -> None:
    assert read_request(GOOD) == ("root", b"key")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        GOOD[:-1],
        GOOD + b"x",
        b"\x33" + GOOD[1:],
        GOOD.replace(b"publickey", b"publicke\0"),
        GOOD.replace(b"ssh-connection", b"ssh-userauth.."),
        GOOD.replace(b"publickey\1", b"publickey\0"),
        GOOD.replace(b"root", b"\xff\xff\xff\xff"),
        b"SSHSIG" + GOOD,
    ],
)
def test_other_messages(data: bytes) -> None:
    with pytest.raises(BadRequest, match="this is not a request for authentication"):
        read_request(data)


@pytest.mark.parametrize(("length", "accepted"), [(256, True), (257, False)])
def test_longest_login(length: int, accepted: bool) -> None:
    data = request(b"key", b"x" * length)
    if accepted:
        assert read_request(data).login == "x" * length
        return
    with pytest.raises(BadRequest, match="too long"):
        read_request(data)


@pytest.mark.parametrize("key", [b"", b"\0", b"\0\0\0", b"\0\0\0\x1c", b"\0\0\0\xff" + b"x" * 8])
def test_damaged_keys_are_no_certificates(key: bytes) -> None:
    assert certificate_line(key) is None
