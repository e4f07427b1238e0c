# SPDX-License-Identifier: Apache-2.0
"""The SSH host key of the node: made by root, for root alone."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    load_ssh_public_identity,
)

from proctor.config.boot import ServiceBoot
from proctor.core.durable import replace_file
from proctor.core.errors import ProctorError
from proctor.sshkit import keys

_MAX_FILE = 16 << 10
_log = logging.getLogger(__name__)


class HostPublicKey(NamedTuple):
    """The public half. ``is_certified``: the node has a certificate for it."""

    public_line: str
    is_certified: bool


def ensure(boot: ServiceBoot) -> HostPublicKey:
    """Make the host key, or take the one that the node has, when root has none yet.

    Earlier versions kept the key where the node could read it. Raises ProctorError.
    """
    path, former = boot.host_key, boot.proc_dir() / "ssh.key"
    try:
        if not path.exists():
            replace_file(path, _former_key(former) or keys.generate()[0])
        with contextlib.suppress(FileNotFoundError):
            former.unlink()
        public_line = keys.public_line(path.read_bytes())
        return HostPublicKey(public_line, _is_for(boot.proc_dir() / "ssh-cert.pub", public_line))
    except (OSError, *keys.UNDECODABLE) as error:
        raise ProctorError(f"the host key {path} cannot be used: {error}") from None


def _former_key(path: Path) -> bytes | None:
    content = _read(path)
    if content is not None:
        keys.public_line(content)  # raises when it is no key
        _log.info("the host key is kept from now on where the node cannot read it")
    return content


def _is_for(certificate: Path, public_line: str) -> bool:
    content = _read(certificate)
    parsed = load_ssh_public_identity(content) if content else None
    if not isinstance(parsed, SSHCertificate):
        return False
    return parsed.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() == public_line


def _read(path: Path) -> bytes | None:
    """A file of the node's; raises OSError when it is none. The node may have laid something in its place."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise OSError(f"{path} is not a plain file")
        return file.read(_MAX_FILE)
