# SPDX-License-Identifier: Apache-2.0
"""Authentication of the user of an SSH connection, for the privileged side.

The privileged side supplies a random cookie for the server's KEXINIT and signs the hash of the first key
exchange only when the transcript has that cookie and this host's key. So a user's signature over the hash was
made for this host, and after the cookie was drawn; nothing recorded earlier or elsewhere can be replayed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from proctor.core.clock import Clock, format_time
from proctor.core.errors import AccessDenied, BadRequest, Unauthenticated
from proctor.model.serde import to_json
from proctor.spawner.hostkey import HostKey
from proctor.spawnerproto.attestation import NAMESPACE, Attestation, LoginProof, SessionStatement
from proctor.spawnerproto.messages import Endpoint
from proctor.sshkit.certs import VerifiedUser
from proctor.sshkit.exchange import COOKIE_BYTES, read_exchange
from proctor.sshkit.ssh_server import LOGIN_GRACE_SECONDS, MAX_ATTEMPTS
from proctor.sshkit.userauth import verify_login

_SO_NETNS_COOKIE = 71
_SIOCGSKNS = 0x894C
_TCP_ESTABLISHED = 1


class ClientConnection:
    """The TCP connection of an SSH client, which the node has accepted and handed over a copy of."""

    def __init__(self, connection: socket.socket, port: int) -> None:
        """``port``: where this host serves SSH; 0 when that is not known.

        Raises BadRequest when it is no connection to that port in our own network namespace: in one of its
        own the node could make up addresses.
        """
        self._socket = connection
        try:
            self._inspect(port)
        except BaseException:
            connection.close()
            raise

    def _inspect(self, port: int) -> None:
        connection = self._socket
        try:
            is_tcp = connection.family in (socket.AF_INET, socket.AF_INET6) and _is_tcp(connection)
            if not is_tcp or not _is_established(connection) or not _is_ours(connection):
                raise BadRequest("this is not the TCP connection of a client")
            self.client = _endpoint(connection.getpeername())
            self.server = _endpoint(connection.getsockname())
        except OSError as error:
            raise BadRequest(f"this is not the TCP connection of a client: {error.strerror}") from None
        if port and self.server.port != port:
            raise BadRequest(f"the client's connection goes to port {self.server.port}, not {port}")

    @property
    def established(self) -> bool:
        """Has neither end closed the connection? The node can give its socket to another one after that."""
        connection = self._socket
        try:
            ends = _endpoint(connection.getpeername()), _endpoint(connection.getsockname())
        except OSError:  # ENOTCONN
            return False
        return _is_established(connection) and ends == (self.client, self.server)

    def close(self) -> None:
        """Release our copy."""
        self._socket.close()


@dataclass(frozen=True, kw_only=True)
class AuthenticatedUser:
    """Who has logged in, as what, from where. ``labels``: what the node said that commands print.

    ``proof``: what the user has signed.
    """

    user: VerifiedUser
    login: str
    client: ClientConnection
    proof: LoginProof
    labels: Mapping[str, str] = field(default_factory=dict)


class ConnectionAuthenticator:
    """The authentication of one SSH connection: a session id once, a user once, within the grace time."""

    def __init__(self, host_key: HostKey, clock: Clock) -> None:
        self.cookie = os.urandom(COOKIE_BYTES)
        self.client: ClientConnection | None = None
        self.authenticated: AuthenticatedUser | None = None
        self._host_key = host_key
        self._clock = clock
        self._session_id = b""
        self._drawn_at = clock.monotonic()
        self._attempts = 0

    def sign_first(self, transcript: bytes, hash_name: str, client: ClientConnection) -> bytes:
        """Sign the first key exchange of the connection with ``client``, whose hash is the session id.

        Raises BadRequest or AccessDenied.
        """
        exchange = read_exchange(transcript, hash_name)
        if exchange.cookie != self.cookie:
            raise AccessDenied("the key exchange does not have the cookie that was drawn for it")
        if self._session_id:
            raise AccessDenied("the connection has a session id already")
        self._check_grace_time()
        signature = self._host_key.sign(exchange)
        self._session_id, self.client = exchange.digest, client
        return signature

    def sign_next(self, transcript: bytes, hash_name: str) -> bytes:
        """Sign a later key exchange; its hash is no session id. Raises BadRequest or AccessDenied."""
        return self._host_key.sign(read_exchange(transcript, hash_name))

    def authenticate(
        self, request: bytes, signature: bytes, trusted: Sequence[str], labels: Mapping[str, str]
    ) -> AuthenticatedUser:
        """Verify what the user has signed, as ``sshkit.userauth.verify_login`` takes it; no second user.

        The caller decides whether the user may log in, and then sets ``authenticated``. Raises ProctorError.
        """
        self._attempts += 1
        if self.client is None:
            raise Unauthenticated("there is no session id that could have been signed")
        if self.authenticated is not None:
            raise AccessDenied("a user has logged in over this connection already")
        self._check_grace_time()
        if self._attempts > 2 * MAX_ATTEMPTS:
            raise AccessDenied("too many keys were offered")
        login, user = verify_login(self._session_id, request, signature, trusted, self._clock.now())
        proof = LoginProof(session_id=self._session_id, request=request, signature=signature)
        return AuthenticatedUser(user=user, login=login, client=self.client, proof=proof, labels=dict(labels))

    def attest(self, sid: str, host_id: str) -> Attestation:
        """State, signed by the host key, that the user starts the session ``sid``; raises AccessDenied."""
        user = self.logged_in()
        statement = SessionStatement(
            host_id=host_id,
            sid=sid,
            time=format_time(self._clock.now()),
            client=str(user.client.client),
            proof=user.proof,
        )
        content = to_json(statement)
        return Attestation(
            statement=content.decode(), signature=self._host_key.sign_message(NAMESPACE, content)
        )

    def _check_grace_time(self) -> None:
        """Counted from the cookie on: what a user has signed is never older."""
        if self._clock.monotonic() - self._drawn_at > LOGIN_GRACE_SECONDS:
            raise Unauthenticated(f"the login took more than {LOGIN_GRACE_SECONDS} seconds")

    def logged_in(self) -> AuthenticatedUser:
        """The user, while their client is connected and their certificate valid; raises AccessDenied."""
        user = self.authenticated
        if user is None:
            raise AccessDenied("no user has logged in over this connection")
        if not user.client.established:
            raise AccessDenied(f"the client of {user.user.key_id} is not connected any more")
        if self._clock.now() >= user.user.valid_before:
            raise AccessDenied("the certificate has expired; log in again")
        return user

    def close(self) -> None:
        """Release the client's connection."""
        if self.client is not None:
            self.client.close()


def _is_tcp(connection: socket.socket) -> bool:
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL) == socket.IPPROTO_TCP


def _is_established(connection: socket.socket) -> bool:
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == bytes([_TCP_ESTABLISHED])


def _is_ours(connection: socket.socket) -> bool:
    """Does the socket belong to the network namespace of this process?"""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as own:
        try:
            return namespace_cookie(connection) == namespace_cookie(own)
        except OSError as error:
            if error.errno != errno.ENOPROTOOPT:
                raise
        return namespace_inode(connection) == namespace_inode(own)


def namespace_cookie(connection: socket.socket) -> int:
    """Return the cookie of a socket's network namespace (SO_NETNS_COOKIE, Linux 5.14)."""
    raw = connection.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8)
    return int(struct.unpack("=Q", raw)[0])


def namespace_inode(connection: socket.socket) -> int:
    """The same for older kernels; takes CAP_NET_ADMIN."""
    descriptor = fcntl.ioctl(connection, _SIOCGSKNS)
    try:
        return os.fstat(descriptor).st_ino
    finally:
        os.close(descriptor)


def _endpoint(address: tuple[str, int]) -> Endpoint:
    return Endpoint(addr=address[0], port=address[1])
