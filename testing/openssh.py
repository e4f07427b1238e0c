# SPDX-License-Identifier: Apache-2.0
"""OpenSSH's clients, set up by ``tsh config``."""

from __future__ import annotations

import re
import subprocess

from testing.accounts import Account
from testing.cluster import Node


class OpenSsh:
    """OpenSSH's programs with a configuration file written by ``tsh config``."""

    def __init__(self, account: Account, node: Node) -> None:
        self.config = account.home / "ssh_config"
        self.config.write_text(account.tsh("config").stdout)
        self.host = f"root@{node.name}.purple"
        self.options = ["-F", str(self.config), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
        self._account = account
        self.direct = [
            *self.options,
            *("-o", "ProxyJump=none", "-o", "HostName=127.0.0.1", "-o", f"HostKeyAlias={node.name}.purple"),
            *("-o", f"Port={node.port}"),
        ]
        """Options for a connection to the node itself, past the proxy."""

    def run(self, *argv: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a client to its end, in the account's environment."""
        return subprocess.run(
            argv, input=stdin, env=dict(self._account.env), capture_output=True, timeout=60, check=False
        )

    def ssh(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run ``ssh`` to its end."""
        return self.run("ssh", *self.options, *arguments, stdin=stdin)

    def setting(self, name: str) -> str:
        """The value that ssh takes for an option of the host."""
        argv = ["ssh", *self.options, "-G", self.host]
        output = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        found = re.search(rf"^{name} (.*)$", output, re.MULTILINE)
        assert found, output
        return found[1].replace("~", str(self._account.home), 1)
