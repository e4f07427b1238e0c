# SPDX-License-Identifier: Apache-2.0
"""The node's side of privilege separation: one SSH connection as the spawner knows it.

The node has no host key. The spawner signs each key exchange, verifies for itself who logs in, and starts
sessions only for the user of this connection.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import asyncssh
from asyncssh.packet import Byte

from proctor.core import unixsock, wire
from proctor.core.clock import Clock
from proctor.core.errors import AccessDenied, ProctorError, Unavailable
from proctor.model.serde import convert, to_builtins
from proctor.node import timeouts
from proctor.spawnerproto.messages import (
    Answer,
    Authenticate,
    Hello,
    OpenSession,
    Request,
    SignExchange,
    SpawnRejected,
)
from proctor.sshkit.exchange import COOKIE_BYTES, MSG_KEXINIT

T = TypeVar("T")
_log = logging.getLogger(__name__)
_NO_ANSWER = "the spawn service of this node does not answer"


class Hash(Protocol):
    """The interface of the objects that ``hashlib`` makes."""

    @property
    def name(self) -> str:
        """Such as ``sha256``."""

    def update(self, data: bytes, /) -> None:
        """Go on with ``data``."""

    def digest(self) -> bytes:
        """The hash."""


class SpawnerConnection:
    """A connection to the spawner; each request waits for its answer. Raises Unavailable."""

    def __init__(self, path: Path) -> None:
        try:
            self._socket = unixsock.connect(path)
        except OSError as error:
            raise Unavailable(f"{_NO_ANSWER}: {error.strerror}") from None
        self._socket.settimeout(timeouts.SPAWNER_ANSWER)
        try:
            self.cookie = convert(self._receive(), Hello).cookie
        except BaseException:
            self.close()
            raise

    def ask(self, request: Request, *descriptors: int) -> Answer:
        """The answer to ``request``; raises AccessDenied with the reason when it is refused."""
        self.send(request, *descriptors)
        message = self._receive()
        if not message.get("ok"):
            raise AccessDenied(convert(message, SpawnRejected).error)
        return convert(message, Answer)

    def _receive(self) -> wire.Message:
        try:
            received = wire.receive_message(self._socket)
        except (OSError, wire.FrameError) as error:
            raise Unavailable(f"{_NO_ANSWER}: {error}") from None
        if received is None:
            raise Unavailable(_NO_ANSWER)
        return received

    def send(self, request: Request, *descriptors: int) -> None:
        """Send a request that has no answer."""
        try:
            wire.send(self._socket, to_builtins(request), descriptors)
        except OSError as error:
            raise Unavailable(f"{_NO_ANSWER}: {error}") from None

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


class SpawnerClient:
    """The spawner behind its socket.

    One that does not answer is left alone for a while: the node must go on for those who are logged in.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._silent_until = 0.0

    def connect(self) -> SpawnerConnection:
        """A new connection; raises Unavailable."""
        if self._clock.monotonic() < self._silent_until:
            raise Unavailable(_NO_ANSWER)
        try:
            channel = SpawnerConnection(self._path)
        except Unavailable:
            self._silent_until = self._clock.monotonic() + timeouts.SPAWNER_PAUSE
            raise
        return channel

    def ask(self, request: Request) -> Answer:
        """The answer to a request that is about no SSH connection; raises as ``SpawnerConnection`` does."""
        with contextlib.closing(self.connect()) as channel:
            return channel.ask(request)


class PrivilegedConnection:
    """The spawner's part in one SSH connection, from its first key exchange to its end."""

    def __init__(self, spawner: SpawnerClient, connection: asyncssh.SSHServerConnection) -> None:
        """Take part in the key exchanges of ``connection``."""
        self._spawner = spawner
        self._connection = connection
        self._channel: SpawnerConnection | None = None
        self._transcripts: dict[bytes, tuple[str, bytes]] = {}
        self._hashed: Callable[[], None] = lambda: None
        self._has_session_id = False
        self._send_packet = connection.send_packet
        self._host_key = connection.get_server_host_key
        connection.send_packet = self._sending  # type: ignore[method-assign,assignment]
        connection.get_server_host_key = self._chosen  # type: ignore[method-assign]

    def _sending(self, number: int, *parts: bytes, handler: Any = None) -> None:
        """Put the spawner's cookie into the first KEXINIT. asyncssh draws its own, deep inside."""
        if number == MSG_KEXINIT and self._channel is None:
            self._channel = _or_disconnect(self._spawner.connect)
            content = b"".join(parts)
            parts = (self._channel.cookie + content[COOKIE_BYTES:],)
            self._connection._server_kexinit = Byte(MSG_KEXINIT) + parts[0]
        self._send_packet(number, *parts, handler=handler)

    def _chosen(self) -> asyncssh.SSHKeyPair | None:
        """The host key for a key exchange, and from here on a copy of what is hashed in it.

        asyncssh asks for the key right before it computes the hash, which alone it would hand to the key.
        """
        chosen = self._host_key()
        exchange = self._connection._kex
        if chosen is None or exchange is None:
            return chosen
        make = exchange._hash_alg

        def leave_alone() -> None:
            exchange._hash_alg = make

        self._hashed = leave_alone
        exchange._hash_alg = self._recorder(make)
        return _BoundKey(chosen, self)

    def _recorder(self, make: Callable[[bytes], Hash]) -> Any:
        return lambda data=b"": _Recorder(make(data), data, self._transcripts)

    def sign(self, digest: bytes) -> bytes:
        """The signature of the host key; raises asyncssh.DisconnectError when there is none."""
        hash_name, transcript = self._transcripts.get(digest, ("", b""))
        self._transcripts.clear()
        self._hashed()
        return _or_disconnect(lambda: self._sign(hash_name, transcript))

    def _sign(self, hash_name: str, transcript: bytes) -> bytes:
        if self._has_session_id or self._channel is None:
            # Later exchanges prove nothing: after a restart of the spawner any connection to it will do.
            later = SignExchange(transcript=transcript, hash_name=hash_name)
            return self._spawner.ask(later).signature
        client = self._connection.get_extra_info("socket")
        first = SignExchange(transcript=transcript, hash_name=hash_name, first=True)
        signature = self._channel.ask(first, client.fileno()).signature
        self._has_session_id = True
        return signature

    def authenticate(self, request: bytes, signature: bytes, labels: Mapping[str, str]) -> None:
        """Have the spawner verify what the user has signed; raises AccessDenied or Unavailable."""
        if self._channel is None:
            raise Unavailable(_NO_ANSWER)
        self._channel.ask(Authenticate(request=request, signature=signature, labels=dict(labels)))

    def open_session(self, sid: str) -> socket.socket:
        """A connection to a monitor for the session ``sid``; raises Unavailable. It says what is wrong."""
        if self._channel is None:
            raise Unavailable(_NO_ANSWER)
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._channel.send(OpenSession(sid=sid), theirs.fileno())
            except Unavailable:
                ours.close()
                raise Unavailable(
                    "the spawn service of this node was restarted", hint="Connect again."
                ) from None
        return ours

    def close(self) -> None:
        """Nothing more is started for the user."""
        if self._channel is not None:
            self._channel.close()


class PublicHostKey(asyncssh.SSHKeyPair):
    """A host key for the SSH server's options: what clients see of it."""

    def __init__(self, key: asyncssh.SSHKey, certificate: asyncssh.SSHCertificate | None) -> None:
        algorithms = key.sig_algorithms
        super().__init__(
            key.algorithm, key.algorithm, algorithms, algorithms, key.public_data, None, certificate
        )


class _BoundKey(asyncssh.SSHKeyPair):
    """The chosen host key, signing for one connection."""

    def __init__(self, chosen: asyncssh.SSHKeyPair, connection: PrivilegedConnection) -> None:
        self.public_data = chosen.public_data
        self._privileged = connection

    def sign(self, data: bytes) -> bytes:
        """See the base class."""
        return self._privileged.sign(data)


class _Recorder:
    """A hash that keeps what it was computed from, under its digest."""

    def __init__(self, inner: Hash, data: bytes, kept: dict[bytes, tuple[str, bytes]]) -> None:
        self._inner = inner
        self._data = [data]
        self._kept = kept

    def update(self, data: bytes) -> None:
        """Go on with ``data``."""
        self._data.append(data)
        self._inner.update(data)

    def digest(self) -> bytes:
        """The hash."""
        digest = self._inner.digest()
        self._kept[digest] = (self._inner.name, b"".join(self._data))
        return digest


def public_host_keys(certificate: bytes) -> list[asyncssh.SSHKeyPair]:
    """The host key in ``certificate`` (an OpenSSH line), with the certificate and bare."""
    parsed = asyncssh.import_certificate(certificate)
    return [PublicHostKey(parsed.key, parsed), PublicHostKey(parsed.key, None)]


def _or_disconnect(act: Callable[[], T]) -> T:
    """Return the result of ``act``; its ProctorError ends the SSH connection."""
    try:
        return act()
    except ProctorError as error:
        _log.error("a key exchange failed: %s", error.message)
        raise asyncssh.DisconnectError(asyncssh.DISC_KEY_EXCHANGE_FAILED, error.message) from None
