# SPDX-License-Identifier: Apache-2.0
"""The web page's certificates: read as root, handed to the proxy's own account."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec.structs import replace

from proctor.config.schema import Config, KeyPair
from proctor.core.durable import replace_file
from proctor.core.errors import ConfigError
from proctor.runtime.privileges.service_users import service_user


def adopted(config: Config) -> Config:
    """``config`` with its ``https_keypairs`` copied to where only the proxy reads them.

    Private keys commonly belong to root; without root they stay where they are. Raises ConfigError.
    """
    if os.geteuid() != 0 or not config.proxy_service.https_keypairs:
        return config
    directory = Path(config.teleport.data_dir) / "proc/proxy"
    pairs = [
        KeyPair(
            key_file=_copy(pair.key_file, directory / f"https-{number}.key"),
            cert_file=_copy(pair.cert_file, directory / f"https-{number}.crt"),
        )
        for number, pair in enumerate(config.proxy_service.https_keypairs)
    ]
    return replace(config, proxy_service=replace(config.proxy_service, https_keypairs=pairs))


def _copy(source: str, target: Path) -> str:
    account = service_user("proxy")
    try:
        content = Path(source).read_bytes()
        directory = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            owner = account.uid, account.gid
            replace_file(target.name, content, owner=owner, directory=directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise ConfigError(f"https_keypairs: {source}: {error.strerror}") from None
    return str(target)
