# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from proctor.config.boot import ServiceBoot
from proctor.core.clock import SYSTEM
from proctor.core.errors import ProctorError
from proctor.runtime.privileges import host_key_files
from proctor.sshkit import certs, keys
from tests.unit.runtime.test_join import boot


@pytest.fixture
def node(tmp_path: Path) -> ServiceBoot:
    node = boot(f"teleport: {{data_dir: {tmp_path}}}")
    for directory in ("proc/node", "proc/host"):
        (tmp_path / directory).mkdir(parents=True)
    return node


def certify(node: ServiceBoot, public_line: str) -> None:
    now = SYSTEM.now()
    line = certs.issue_host_certificate(
        keys.generate()[0],
        public_line,
        key_id="host",
        principals=["host"],
        now=now,
        valid_before=now + timedelta(1),
    )
    (node.proc_dir() / "ssh-cert.pub").write_text(line)


def test_key_is_made_once_for_root_alone(node: ServiceBoot) -> None:
    first = host_key_files.ensure(node)

    assert node.host_key.stat().st_mode & 0o777 == 0o600
    assert not first.is_certified
    assert host_key_files.ensure(node) == first


def test_key_of_an_earlier_version_moves(node: ServiceBoot) -> None:
    private, public = keys.generate()
    former = node.proc_dir() / "ssh.key"
    former.write_bytes(private)
    certify(node, public)

    assert host_key_files.ensure(node) == host_key_files.HostPublicKey(public, is_certified=True)

    assert not former.exists()
    assert node.host_key.read_bytes() == private


def test_key_that_was_lost_has_no_certificate(node: ServiceBoot) -> None:
    certify(node, keys.generate()[1])

    assert not host_key_files.ensure(node).is_certified
    assert not host_key_files.ensure(node).is_certified, "nor the next time"


@pytest.mark.parametrize("trick", ["symlink", "hard link", "pipe", "rubbish"])
def test_what_the_node_laid_in_the_way_is_not_taken(node: ServiceBoot, tmp_path: Path, trick: str) -> None:
    secret, former = tmp_path / "secret", node.proc_dir() / "ssh.key"
    secret.write_bytes(keys.generate()[0])
    if trick == "symlink":
        former.symlink_to(secret)
    elif trick == "hard link":
        former.hardlink_to(secret)
    elif trick == "pipe":
        os.mkfifo(former)
    else:
        former.write_bytes(b"root:x:0:0")

    with pytest.raises(ProctorError, match="cannot be used"):
        host_key_files.ensure(node)

    assert not node.host_key.exists()
