# SPDX-License-Identifier: Apache-2.0
"""What a node in other hands can try: requests of its own making to the spawner, from the node's uid."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import pickle
import socket
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncssh
from asyncssh.packet import Boolean, Byte, String

from proctor.core import wire
from proctor.core.errors import ProctorError
from proctor.model.serde import to_builtins
from proctor.node.privsep import SpawnerConnection
from proctor.spawnerproto.messages import Authenticate, OpenSession, SignExchange, Spawn
from proctor.sshkit.exchange import MSG_KEXINIT
from proctor.sshkit.userauth import MSG_USERAUTH_REQUEST

T = TypeVar("T")
SECONDS = 20.0


def run_as(uid: int, act: Callable[[], T]) -> T:
    """What ``act`` returns in a process with no other identity than ``uid``; raises what it raises."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            try:
                outcome: tuple[bool, Any] = True, act()
            except Exception as error:  # noqa: BLE001 - passed to the test
                outcome = False, error
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(pickle.dumps(outcome))
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        good, value = pickle.loads(pipe.read())
    os.waitpid(pid, 0)
    if not good:
        raise value
    result: T = value
    return result


def transcript(cookie: bytes, host_key: bytes) -> bytes:
    """A key exchange in which a server with ``host_key`` sent a KEXINIT with ``cookie``."""
    init = Byte(MSG_KEXINIT) + cookie + os.urandom(100)
    parts = (b"SSH-2.0-client", b"SSH-2.0-Proctor", Byte(MSG_KEXINIT) + os.urandom(100), init, host_key)
    return b"".join(map(String, parts)) + os.urandom(64)


def wire_form(line: str) -> bytes:
    """A public key or certificate as it travels."""
    return base64.b64decode(line.split()[1])


@dataclass
class Victim:
    """Somebody whose client answers whatever the server has it sign, as clients do."""

    private_key: bytes
    certificate: str
    login: str

    def request(self, login: str = "") -> bytes:
        """The request for authentication without its signature."""
        name = self.certificate.split()[0]
        flags = String("ssh-connection") + String("publickey") + Boolean(True)
        key = String(name) + String(wire_form(self.certificate))
        return Byte(MSG_USERAUTH_REQUEST) + String(login or self.login) + flags + key

    def sign(self, session_id: bytes, request: bytes = b"") -> bytes:
        """The signature over ``request`` for the connection ``session_id``."""
        key = asyncssh.import_private_key(self.private_key)
        return key.sign(String(session_id) + (request or self.request()), key.algorithm)


@dataclass
class TcpConnection:
    """A client's TCP connection to ``port`` of this host, both ends in our hands."""

    port: int = 0
    client: socket.socket = field(init=False)
    accepted: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        with socket.create_server(("127.0.0.1", self.port)) as listener:
            self.client = socket.create_connection(listener.getsockname())
            self.accepted, _ = listener.accept()

    def close(self) -> None:
        """Close both ends."""
        self.client.close()
        self.accepted.close()


class Attacker:
    """Talks to the spawner at ``path`` as the node would; ``host_key`` is what the host shows clients."""

    def __init__(self, path: Path, host_key: bytes, port: int = 0) -> None:
        self._path = path
        self._host_key = host_key
        self._port = port

    def connect(self) -> SpawnerConnection:
        """A new connection to the spawner."""
        return SpawnerConnection(self._path)

    def exchange(self, channel: SpawnerConnection, tcp: TcpConnection, **changes: Any) -> tuple[bytes, bytes]:
        """Have the first key exchange signed; its transcript and hash."""
        data = transcript(channel.cookie, self._host_key)
        fields: dict[str, Any] = {"transcript": data, "hash_name": "sha256", "first": True} | changes
        channel.ask(SignExchange(**fields), tcp.accepted.fileno())
        return data, sha256(fields["transcript"])

    def log_in(self, channel: SpawnerConnection, tcp: TcpConnection, victim: Victim) -> Authenticate:
        """Log in as somebody who is connecting; what they have signed."""
        _, session_id = self.exchange(channel, tcp)
        proof = Authenticate(request=victim.request(), signature=victim.sign(session_id))
        channel.ask(proof)
        return proof

    def spawn(
        self,
        channel: SpawnerConnection,
        order: wire.Message | None = None,
        *,
        opened: str = "",
        descriptors: Sequence[int] = (),
        **changes: Any,
    ) -> wire.Message:
        """Ask for a session that runs ``id -un``; the monitor's answer, or what it says after ``order``.

        ``opened``: the session that the monitor is started for, if it is another one. ``descriptors``
        accompany ``order``.
        """
        sid = str(uuid.uuid4())
        request = to_builtins(Spawn(sid=sid, kind="exec", command=b"id -un")) | changes
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                channel.send(OpenSession(sid=opened or sid), theirs.fileno())
            ours.settimeout(SECONDS)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused already
                wire.send(ours, request)
            received = wire.receive(ours)
            assert received is not None
            answer, descriptors = received
            if order is not None:
                wire.send(ours, order, descriptors)
                answer = (wire.receive(ours) or ({}, []))[0]
            for descriptor in descriptors:
                os.close(descriptor)
            return answer

    def refusal(self, act: Callable[[SpawnerConnection, TcpConnection], object]) -> str:
        """The reason with which the spawner refuses what ``act`` asks for."""
        tcp = TcpConnection(self._port)
        with closing(self.connect()) as channel, closing(tcp):
            try:
                answer = act(channel, tcp)
            except ProctorError as error:
                return error.message
        assert isinstance(answer, dict), "the spawner has done it"
        assert answer["ok"] is False, "the monitor has done it"
        return str(answer["error"])


def sha256(data: bytes) -> bytes:
    """The hash of ``data``."""
    return hashlib.sha256(data).digest()
