# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import asyncssh
import pytest

from proctor.core.clock import SYSTEM
from proctor.core.errors import Unauthenticated
from proctor.model.identity import UserIdentity
from proctor.sshkit import certs, keys, sshsig

CA, PURPOSE, NOW = keys.generate(), "access-bundle@proctor", SYSTEM.now()
PRIVATE, PUBLIC = keys.generate()


def delegate(purpose: str = PURPOSE, ca: bytes = CA[0]) -> str:
    return certs.issue_delegation(ca, PUBLIC, purpose, now=NOW, valid_before=NOW + timedelta(days=1))


def verify(signature: bytes, message: bytes = b"message", now: datetime = NOW) -> None:
    sshsig.verify(signature, PURPOSE, message, [CA[1]], now)


def test_signatures_are_those_of_openssh(tmp_path: Path) -> None:
    signature = sshsig.sign(PRIVATE, delegate(), PURPOSE, b"message")
    verify(signature)

    (tmp_path / "signature").write_bytes(signature)
    (tmp_path / "allowed").write_text(f"{PURPOSE} cert-authority {CA[1]}\n")
    argv = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", PURPOSE, "-n", PURPOSE, "-s", "signature"]
    for message, status in ((b"message", 0), (b"massage", 255)):
        done = subprocess.run(argv, cwd=tmp_path, input=message, capture_output=True, check=False)
        assert done.returncode == status, done.stderr


def test_everything_is_covered() -> None:
    good = sshsig.sign(PRIVATE, delegate(), PURPOSE, b"message")
    with pytest.raises(Unauthenticated, match="the signature is wrong"):
        verify(good, b"massage")
    with pytest.raises(Unauthenticated, match="has expired"):
        verify(good, now=NOW + timedelta(days=1))
    with pytest.raises(Unauthenticated, match="another purpose"):
        verify(sshsig.sign(PRIVATE, delegate(), "file", b"message"))
    with pytest.raises(Unauthenticated, match="not certified for access-bundle@proctor"):
        verify(sshsig.sign(PRIVATE, delegate("other@proctor"), PURPOSE, b"message"))
    with pytest.raises(Unauthenticated, match="not signed by this cluster's user CA"):
        verify(sshsig.sign(PRIVATE, delegate(ca=keys.generate()[0]), PURPOSE, b"message"))
    with pytest.raises(Unauthenticated, match="the signature is wrong"):
        verify(sshsig.sign(keys.generate()[0], delegate(), PURPOSE, b"message"))
    with pytest.raises(Unauthenticated, match="another purpose"):
        verify(sshsig.sign(PRIVATE, PUBLIC, PURPOSE, b"message"))


def test_people_cannot_sign() -> None:
    identity = UserIdentity(username="alice", roles=(), logins=(PURPOSE,))
    line = certs.issue_user_certificate(
        CA[0], PUBLIC, identity, now=NOW, valid_before=NOW + timedelta(days=1)
    )

    with pytest.raises(Unauthenticated, match="not certified for"):
        verify(sshsig.sign(PRIVATE, line, PURPOSE, b"message"))


def test_the_key_that_signs_is_no_login() -> None:
    with pytest.raises(Unauthenticated, match="critical options unknown here"):
        certs.verify_user_certificate(delegate(), [CA[1]], NOW)
    with pytest.raises(asyncssh.KeyImportError):
        asyncssh.import_certificate(delegate())


def test_rubbish() -> None:
    good = sshsig.sign(PRIVATE, delegate(), PURPOSE, b"message")
    for data in (b"", b"\xff", b"x" * 99, good[:-60], good.replace(b"U1NIU0lH", b"U1NIU0lI")):
        with pytest.raises(Unauthenticated):
            verify(data)


@pytest.mark.parametrize("extra", [b"\0", b"\0" * 4])
def test_bytes_behind_the_signature_are_refused(extra: bytes) -> None:
    good = sshsig.sign(PRIVATE, delegate(), PURPOSE, b"message")
    begin, *body, end = good.decode().split("\n")[:-1]
    longer = base64.b64encode(base64.b64decode("".join(body)) + extra).decode()
    with pytest.raises(Unauthenticated, match="not an SSH signature"):
        verify("\n".join([begin, longer, end, ""]).encode())


@pytest.mark.parametrize("character", ["!", "\u00e9", "-"])
def test_other_characters_in_the_armor_are_refused(character: str) -> None:
    begin, *body, end = sshsig.sign(PRIVATE, delegate(), PURPOSE, b"message").decode().split("\n")[:-1]
    with pytest.raises(Unauthenticated, match="not an SSH signature"):
        verify("\n".join([begin, character, *body, end, ""]).encode())
