# SPDX-License-Identifier: Apache-2.0
"""An SSH server that admits holders of our user certificates only.

Node and proxy subclass :class:`CertificateServer` and listen with :func:`server_options`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import asyncssh

from proctor.core.clock import SYSTEM, Clock
from proctor.core.errors import AccessDenied, ProctorError
from proctor.core.text import escaped
from proctor.sshkit import algorithms
from proctor.sshkit.certs import VerifiedUser, verify_user_certificate
from proctor.sshkit.userauth import certificate_line

MAX_ATTEMPTS = 10
"""Keys that one connection may offer; agents offer all they hold."""

LOGIN_GRACE_SECONDS = 60
MAX_SHOWN = 255
_NO_CERTIFICATE = "no certificate of this cluster was offered"
_log = logging.getLogger(__name__)


class CertificateServer(asyncssh.SSHServer):
    """One connection. ``user`` is set once the holder of a certificate has proved to be it.

    ``authorities`` returns the public key lines of the user CAs trusted at that moment.
    """

    def __init__(self, authorities: Callable[[], Sequence[str]], clock: Clock = SYSTEM) -> None:
        self.user: VerifiedUser | None = None
        self.login = ""
        self._authorities = authorities
        self._clock = clock
        self._connection: asyncssh.SSHServerConnection | None = None
        self._validated = False
        self._attempts = 0
        self._reported: set[str] = set()

    async def authorize(self, login: str, user: VerifiedUser) -> None:
        """May ``user`` log in as ``login`` here? Raises AccessDenied with the reason.

        Called before the signature is checked, and again after a key was probed; subclasses extend it.
        """
        if login not in user.principals:
            raise AccessDenied(f"the certificate of {user.identity.username} does not allow login {login}")

    async def authenticated(self, login: str, request: bytes, signature: bytes) -> None:
        """The holder has signed: ``request`` and ``signature`` as ``sshkit.userauth`` takes them.

        Subclasses have others verify it; what they raise as ProctorError refuses the login.
        """

    def refused(self, login: str, reason: str, user: VerifiedUser | None) -> None:
        """An attempt failed, for auditing; once for each reason. ``user`` is set for a good certificate."""

    @property
    def connection(self) -> asyncssh.SSHServerConnection:
        """The connection; valid from ``connection_made`` on."""
        if self._connection is None:
            raise RuntimeError("the connection was not made yet")
        return self._connection

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Take the place of asyncssh's check of public keys, which hides the certificate from us."""
        self._connection = conn
        self._check_signature = conn.validate_public_key
        conn.validate_public_key = self._validate  # type: ignore[method-assign]

    def connection_lost(self, exc: Exception | None) -> None:
        """Report an attempt that offered nothing that could be judged."""
        if self.user is None and self.login and not self._reported:
            self.refused(_shown(self.login), _NO_CERTIFICATE, None)

    def begin_auth(self, username: str) -> bool:
        """Everybody must authenticate."""
        self.login = username
        return True

    def public_key_auth_supported(self) -> bool:
        """Certificates count as public keys, and are all there is."""
        return True

    def validate_ca_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Called from within ``_validate`` when the certificate has been verified."""
        return self._validated

    async def _validate(self, username: str, key_data: bytes, msg: bytes, signature: bytes) -> bool:
        """Is this a good certificate for ``username``, and the signature (if there is one) by its key?"""
        self._attempts += 1
        if self._attempts > 2 * MAX_ATTEMPTS:
            self.connection.disconnect(
                asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "Too many keys were offered"
            )
            return False
        try:
            line = certificate_line(key_data)
            if line is None:
                return False
            user = verify_user_certificate(line, self._authorities(), self._clock.now())
        except ProctorError as error:
            self._refuse(username, error.message, None)
            return False
        try:
            await self.authorize(username, user)
        except AccessDenied as error:
            self._refuse(username, error.message, user)
            return False
        good = await self._prove(username, user, key_data=key_data, request=msg, signature=signature)
        return good and (not msg or await self._accept(username, user, msg, signature))

    async def _accept(self, login: str, user: VerifiedUser, request: bytes, signature: bytes) -> bool:
        try:
            await self.authenticated(login, request, signature)
        except ProctorError as error:
            self._refuse(login, error.message, user)
            return False
        self.user, self.login = user, login
        return True

    async def _prove(
        self, login: str, user: VerifiedUser, *, key_data: bytes, request: bytes, signature: bytes
    ) -> bool:
        self._validated = True
        try:
            # The principal was judged by authorize; asyncssh is given one that it will find.
            name = next(iter(user.principals), login)
            good = await self._check_signature(name, key_data, request, signature)
        finally:
            self._validated = False
        if not good:
            self._refuse(login, "the certificate's key did not sign this login", user)
        return good

    def _refuse(self, login: str, reason: str, user: VerifiedUser | None) -> None:
        if reason in self._reported:
            return
        self._reported.add(reason)
        _log.info("login %s refused: %s", _shown(login), reason)
        self.connection.send_auth_banner(f"Access denied: {escaped(reason)}\r\n")
        self.refused(_shown(login), reason, user)


def _shown(login: str) -> str:
    """A login as tried by anybody, for events and logs."""
    return escaped(login[:MAX_SHOWN])[:MAX_SHOWN]


HostKey = asyncssh.SSHKeyPair | tuple[asyncssh.SSHKey, asyncssh.SSHCertificate]


def local_host_keys(ssh_key: bytes, ssh_certificate: bytes) -> list[HostKey]:
    """A host key in OpenSSH's format with its certificate, for ``server_options``."""
    return [(asyncssh.import_private_key(ssh_key), asyncssh.import_certificate(ssh_certificate))]


def server_options(
    host_keys: Sequence[HostKey],
    *,
    ciphers: Sequence[str] = (),
    kex: Sequence[str] = (),
    macs: Sequence[str] = (),
    keepalive: tuple[int, int] = (300, 3),
) -> asyncssh.SSHServerConnectionOptions:
    """Options for ``asyncssh.listen``: host key with certificate, algorithms, and all that we do not use off.

    ``keepalive``: seconds between keep-alives, and how many may stay unanswered.
    """
    interval, count = keepalive
    return asyncssh.SSHServerConnectionOptions(
        server_host_keys=list(host_keys),
        server_version="Proctor",
        kex_algs=list(kex or algorithms.KEX),
        encryption_algs=list(ciphers or algorithms.CIPHERS),
        mac_algs=list(macs or algorithms.MACS),
        signature_algs=list(algorithms.SIGNATURES),
        compression_algs=None,
        host_based_auth=False,
        kbdint_auth=False,
        password_auth=False,
        gss_host=None,
        agent_forwarding=False,
        x11_forwarding=False,
        allow_scp=False,
        line_editor=False,
        encoding=None,
        login_timeout=LOGIN_GRACE_SECONDS,
        keepalive_interval=interval,
        keepalive_count_max=count,
    )
