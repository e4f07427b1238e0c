# SPDX-License-Identifier: Apache-2.0
"""Identities on disk."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proctor.core.errors import Corrupted, NotFound
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.identity_files import (
    Credentials,
    IdentityFiles,
    read_identity_file,
    write_identity_file,
)
from testing.credentials import make_credentials as credentials_between

NOW = datetime(2023, 7, 4, 16, 42, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


def make_credentials() -> Credentials:
    """A person's, which have expired long ago."""
    return credentials_between(NOW, NOW + HOUR)


@pytest.fixture(scope="module")
def credentials() -> Credentials:
    return make_credentials()


def test_a_directory_gives_back_what_was_saved(tmp_path: Path, credentials: Credentials) -> None:
    directory = tmp_path / "proc/node"
    assert not IdentityFiles.exists(directory)
    IdentityFiles.save(directory, credentials)
    assert IdentityFiles.exists(directory)
    assert IdentityFiles.load(directory) == credentials
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    assert {path.name for path in directory.iterdir()} == {
        "tls.key", "tls.crt", "ssh.key", "ssh-cert.pub", "authorities.json",
    }  # fmt: skip


def test_a_torn_write_is_no_identity(tmp_path: Path, credentials: Credentials) -> None:
    directory = tmp_path / "node"
    IdentityFiles.save(directory, credentials)
    (directory / f".tls.crt.{os.getpid()}.new").mkdir()
    with pytest.raises(OSError, match=r"tls\.crt"):
        IdentityFiles.save(directory, make_credentials())
    assert not IdentityFiles.exists(directory)
    with pytest.raises(NotFound, match=r"authorities\.json"):
        IdentityFiles.load(directory)


def test_authorities_that_do_not_decode_are_corrupted(tmp_path: Path, credentials: Credentials) -> None:
    IdentityFiles.save(tmp_path / "node", credentials)
    for damage in (b"", b"[]", b'{"cluster_name":"x"}', b'{"host_tls_ca":5}', b"\xff"):
        (tmp_path / "node/authorities.json").write_bytes(damage)
        with pytest.raises(Corrupted, match="authorities"):
            IdentityFiles.load(tmp_path / "node")


def test_keys_are_not_in_the_representation(credentials: Credentials) -> None:
    assert "PRIVATE KEY" not in repr(credentials)


def test_an_identity_file_gives_back_what_was_written(tmp_path: Path, credentials: Credentials) -> None:
    path = tmp_path / "alice.pem"
    path.write_text("older and readable by all")
    path.chmod(0o644)
    write_identity_file(path, credentials)
    assert path.stat().st_mode & 0o777 == 0o600
    read = read_identity_file(path)
    assert read.tls_key.strip() == credentials.tls_key.strip()
    assert replace(read, tls_key=credentials.tls_key) == credentials


def test_an_identity_file_does_not_follow_a_link_laid_in_its_way(
    tmp_path: Path, credentials: Credentials
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    for name in ("alice.pem", ".alice.pem.new"):
        (tmp_path / name).symlink_to(victim)
    write_identity_file(tmp_path / "alice.pem", credentials)
    assert victim.read_text() == "untouched"
    assert not (tmp_path / "alice.pem").is_symlink()


def test_other_files_are_no_identity_files(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        read_identity_file(tmp_path / "none")
    path = tmp_path / "x"
    for content in (b"", b"hello", os.urandom(100) + b"\xff", b"-----BEGIN CERTIFICATE-----\n"):
        path.write_bytes(content)
        with pytest.raises(Corrupted, match="identity file"):
            read_identity_file(path)


def test_lines_for_openssh_name_the_cluster(credentials: Credentials) -> None:
    authorities = replace(
        credentials.authorities,
        cluster_name="c",
        user_ssh_ca=["ssh-ed25519 U\n"],
        host_ssh_ca=["ssh-ed25519 H"],
    )

    assert authorities.user_ca_lines() == ["cert-authority ssh-ed25519 U clustername=c&type=user"]
    assert authorities.host_ca_lines() == ["@cert-authority *.c,c ssh-ed25519 H clustername=c&type=host"]


def test_credentials_from_an_answer(credentials: Credentials) -> None:
    answer = pb.UserCertificates(
        tls_certificate=b"T", ssh_certificate=b"S", authorities=credentials.authorities.to_message()
    )

    found = Credentials.from_certificates(answer, tls_key=b"K", ssh_key=b"k")

    assert (found.tls_key, found.tls_certificate, found.ssh_key, found.ssh_certificate) == (
        b"K",
        b"T",
        b"k",
        b"S",
    )
    assert found.authorities == credentials.authorities
