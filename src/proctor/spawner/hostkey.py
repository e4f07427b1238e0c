# SPDX-License-Identifier: Apache-2.0
"""The SSH host key of the node, which the node itself cannot read.

A process of its own holds it, so that it is not in the memory that the spawner's forks take along: what
serves files in a session is such a fork, with the user's identity.
"""

from __future__ import annotations

import base64
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import asyncssh

from proctor.core.errors import AccessDenied, Unavailable
from proctor.spawner import timeouts
from proctor.spawner.child import close_above
from proctor.sshkit import sshsig
from proctor.sshkit.exchange import Exchange

PROCESS_NAME = "host-key"
"""As in /proc/PID/comm."""

_LONGEST_HASH = 64
_MAX_SIGNED = 512
"""Bytes of what is signed: a hash of a key exchange, or ``sshsig.signed_data``, which no hash can be."""

_MAX_ANSWER = 4096
_CONNECTION = 3


class HostKey:
    """Signs key exchanges in which a server showed this key, bare or within a certificate."""

    def __init__(self, path: Path, confine: Callable[[], None] = lambda: None) -> None:
        """Start the process that holds the key in the file ``path``; raises Unavailable.

        ``confine`` is called in it once it has read the key: from then on it only signs.
        """
        self._signer, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            self._signer.close()
            _hold(path, theirs, confine)
        theirs.close()
        self._signer.settimeout(timeouts.SIGN)
        answer = self._signer.recv(_MAX_ANSWER)
        if not answer.startswith(b"ssh-"):
            self._signer.close()
            raise Unavailable(f"the host key {path} cannot be used: {answer.decode(errors='replace')}")
        self.public_line = answer.decode()
        """The public key as an OpenSSH line."""
        self._public = asyncssh.import_public_key(self.public_line)

    def sign(self, exchange: Exchange) -> bytes:
        """Sign the hash of ``exchange``; raises AccessDenied when its host key is another one."""
        if not self._is_shown_in(exchange):
            raise AccessDenied("the host key of the key exchange is not that of this host")
        return self._sign(exchange.digest)

    def sign_message(self, namespace: str, message: bytes) -> str:
        """Sign ``message`` for ``namespace``, in the armor of SSHSIG."""
        signature = self._sign(sshsig.signed_data(namespace, message))
        return sshsig.armored(self._public.public_data, namespace, signature).decode()

    def _sign(self, data: bytes) -> bytes:
        try:
            self._signer.sendall(data)
            if signature := self._signer.recv(_MAX_ANSWER):
                return signature
            reason = "it has ended"
        except OSError as error:
            reason = str(error)
        # Logins are impossible without it; the supervisor restarts the spawner.
        raise SystemExit(f"the process that holds the host key does not sign: {reason}")

    def _is_shown_in(self, exchange: Exchange) -> bool:
        if exchange.host_key == self._public.public_data:
            return True
        name = self._public.algorithm + b"-cert-v01@openssh.com"
        try:
            certificate = asyncssh.import_certificate(name + b" " + base64.b64encode(exchange.host_key))
        except asyncssh.KeyImportError:
            return False
        return bool(certificate.key.public_data == self._public.public_data)

    def close(self) -> None:
        """Release this process's end; the key's process ends when the last one is closed."""
        self._signer.close()


def _close_all_but(connection: socket.socket) -> socket.socket:
    """Let go of what belongs to the spawner; its log stays, and ``connection`` as what is returned."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    kept = socket.socket(fileno=os.dup2(connection.detach(), _CONNECTION, inheritable=False))
    close_above(_CONNECTION)
    return kept


def _hold(path: Path, connection: socket.socket, confine: Callable[[], None]) -> NoReturn:
    """Sign every request, until the last client end is closed."""
    status = os.EX_SOFTWARE
    try:
        os.setsid()
        connection = _close_all_but(connection)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it may be needed longer than the spawner
        Path("/proc/self/comm").write_text(PROCESS_NAME)
        try:
            key = asyncssh.import_private_key(path.read_bytes())
            key.sign(bytes(_LONGEST_HASH), key.algorithm)  # loads what signing needs
            confine()
        except (OSError, asyncssh.KeyImportError) as error:
            connection.sendall(str(error).encode()[:_MAX_ANSWER])
            os._exit(os.EX_NOINPUT)
        connection.sendall(key.export_public_key("openssh").strip())
        while data := connection.recv(_MAX_SIGNED):
            connection.sendall(key.sign(data, key.algorithm))
        status = os.EX_OK
    finally:
        os._exit(status)
