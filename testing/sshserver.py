# SPDX-License-Identifier: Apache-2.0
"""An OpenSSH server that trusts a cluster's user CA."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from testing.openssh import OpenSsh
from testing.processes import Process, free_ports

_CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {directory}/host
HostCertificate {directory}/host-cert.pub
TrustedUserCAKeys {directory}/user_ca.pub
AuthorizedKeysFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin prohibit-password
StrictModes no
PidFile none
PrintMotd no
PrintLastLog no
UseDNS no
LogLevel ERROR
"""


class OpenSshServer:
    """``sshd`` on a free port of 127.0.0.1 with an Ed25519 host certificate; ``revoked``: its RevokedKeys."""

    def __init__(self, directory: Path, user_ca: str, revoked: Path | None = None) -> None:
        directory.mkdir(parents=True)
        self._directory = directory
        (self.port,) = free_ports(1)
        for name in ("host", "host_ca"):
            _keygen("-q", "-t", "ed25519", "-N", "", "-f", str(directory / name))
        _keygen(
            "-q",
            "-s",
            str(directory / "host_ca"),
            "-I",
            "host",
            "-h",
            "-n",
            "127.0.0.1",
            str(directory / "host.pub"),
        )
        (directory / "user_ca.pub").write_text(user_ca.replace("cert-authority ", ""))
        config = _CONFIG.format(port=self.port, directory=directory)
        config += f"RevokedKeys {revoked}\n" if revoked else ""
        (directory / "sshd_config").write_text(config)
        (directory / "known_hosts").write_text(f"@cert-authority * {(directory / 'host_ca.pub').read_text()}")
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        program = shutil.which("sshd", path="/usr/sbin:/usr/bin") or "/usr/sbin/sshd"
        argv = [program, "-D", "-e", "-f", str(directory / "sshd_config")]
        self._process = Process(argv, log=directory / "sshd.log")

    def client(self, client: OpenSsh) -> list[str]:
        """The command that runs ``true`` here, with the certificate that ``client`` uses."""
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": str(self._directory / "known_hosts"),
            "IdentityFile": client.setting("identityfile"),
            "CertificateFile": client.setting("certificatefile"),
        }
        flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        return ["ssh", "-F", "none", *flags, "-p", str(self.port), "root@127.0.0.1", "true"]

    def stop(self) -> None:
        """End it and its connections."""
        self._process.kill()


def _keygen(*arguments: str) -> None:
    subprocess.run(["ssh-keygen", *arguments], check=True)
