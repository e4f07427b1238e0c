"""OpenSSH's clients, set up by ``tsh config``."""

from __future__ import annotations

import os
import re
import subprocess

from tests.support.accounts import Account
from tests.support.cluster import Node


class OpenSsh:
    """OpenSSH's programs with a configuration file written by ``tsh config``."""

    def __init__(self, account: Account, node: Node) -> None:
        self.config = account.home / "ssh_config"
        self.config.write_text(account.tsh("config").stdout)
        self.host = f"root@{node.name}.purple"
        self.options = ["-F", str(self.config), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
        self._account = account
        self._node = node

    def run(self, *argv: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a client to its end, in the account's environment."""
        return subprocess.run(
            argv, input=stdin, env=dict(self._account.env), capture_output=True, timeout=60, check=False
        )

    def ssh(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run ``ssh`` to its end."""
        return self.run("ssh", *self.options, "-p", str(self._node.port), *arguments, stdin=stdin)

    def setting(self, name: str) -> str:
        """The value that ssh takes for an option of the host."""
        argv = ["ssh", *self.options, "-G", self.host]
        output = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        found = re.search(rf"^{name} (.*)$", output, re.MULTILINE)
        assert found, output
        return os.path.expanduser(found[1].replace("~", str(self._account.home)))
