# SPDX-License-Identifier: Apache-2.0
"""``tsh config``: the same access for OpenSSH's own programs."""

from __future__ import annotations

from proctor.cli.tsh.connection import Active
from proctor.config.values import read_address
from proctor.core.errors import BadRequest

_CONFIG = """\
# Begin generated Teleport configuration for {web}

Host *.{cluster} {proxy_host}
    UserKnownHostsFile "{keys}/known_hosts"
    StrictHostKeyChecking yes
    IdentityFile "{keys}/ssh.key"
    CertificateFile "{keys}/ssh-cert.pub"
    IdentitiesOnly yes
    HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com

Host *.{cluster} !{proxy_host}
    Port {port}
    ProxyJump {login}@{jump}

# End generated Teleport configuration
"""


def _quoted(path: str) -> str:
    """``path`` for use in quotes, where ssh_config(5) expands ``%`` and ``${…}`` and has no escapes."""
    if '"' in path or "${" in path or "\n" in path:
        raise BadRequest(
            f"OpenSSH cannot be given the path {path}: it contains a quote, a line break or ${{",
            hint="Set TELEPORT_HOME to another directory and log in again.",
        )
    return path.replace("%", "%%")


def config(active: Active, port: int) -> str:
    """A file for ``ssh -F``: hosts are ``<node name>.<cluster>``, reached through the proxy.

    Raises BadRequest when the profile's path cannot be written in one.
    """
    profile = active.profile
    proxy = read_address(profile.ssh, 0)
    return _CONFIG.format(
        web=profile.web,
        cluster=profile.cluster,
        proxy_host=proxy.host,
        jump=proxy,
        keys=_quoted(profile.keys),
        port=port,
        login=active.logins[0] if active.logins else profile.user,
    )
