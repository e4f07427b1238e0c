# SPDX-License-Identifier: Apache-2.0
"""A node in other hands: what its uid can have the privileged side do, and what is refused.

Everything is asked for by real processes with the node's uid, of a real spawner with root's.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import fcntl
import json
import os
import socket
import struct
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from proctor.auth.ingest import attestations
from proctor.auth.ingest.attestations import Trusted
from proctor.config.boot import ServiceBoot
from proctor.core import linux, unixsock
from proctor.core.clock import SYSTEM, format_time
from proctor.core.errors import AccessDenied, BadRequest
from proctor.core.net import Address
from proctor.model.bundle import NAMESPACE
from proctor.model.rbac.locks import REVOKED, revoke
from proctor.model.resources import Lock, LockSpec, LockTarget, Metadata, NetworkRule, RoleOptions
from proctor.node.privsep import SpawnerConnection
from proctor.rpc._pb import auth_pb2 as pb
from proctor.spawnerproto.messages import Authenticate, GetBundle, OpenSession, SignExchange, StoreBundle
from proctor.sshkit import certs, keys, sshsig
from testing.attacker import SECONDS, Attacker, TcpConnection, Victim, run_as, transcript, wire_form
from testing.node import HOST_NAME, NodeUnderTest, role
from testing.polling import until
from testing.spawner import SpawnerProcess

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

NODE_UID = 64403
SLEEP = base64.b64encode(b"sleep 1000").decode()


def lock(**target: str) -> Lock:
    """A lock with a message."""
    return Lock(metadata=Metadata(name="one"), spec=LockSpec(target=LockTarget(**target), message="see me"))


CLONE_NEWNET = 0x40000000
Attempt = Callable[[Attacker, SpawnerConnection, TcpConnection], object]


@dataclass
class Host:
    """A host whose node is compromised: its spawner runs as root, the attacker as the node's uid."""

    directory: Path
    node: NodeUnderTest = field(init=False)
    spawner: SpawnerProcess = field(init=False)
    boot: ServiceBoot = field(init=False)

    def __post_init__(self) -> None:
        self.node = NodeUnderTest(self.directory)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        ssh = replace(self.node.boot.config.ssh_service, listen_addr=Address("127.0.0.1", self.port))
        config = replace(self.node.boot.config, ssh_service=ssh)
        self.boot = replace(self.node.boot, service="spawner", node_uid=NODE_UID, config=config)
        (self.boot.data_dir / "proc/host").chmod(0o700)
        self.host_key = keys.public_line(self.boot.host_key.read_bytes())

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """With its spawner."""
        with SpawnerProcess(self.boot, self.directory / "spawner.log") as self.spawner:
            yield

    @property
    def processes(self) -> list[int]:
        """The spawner and the process that holds its key."""
        pid = self.spawner.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    @property
    def attacker(self) -> Attacker:
        """The node in other hands."""
        return Attacker(self.boot.spawn_socket, wire_form(self.host_key), self.port)

    def victim(self, **changes: Any) -> Victim:
        """Somebody with a certificate of the cluster."""
        person = self.node.person(**changes)
        certificate = (person.home / "id-cert.pub").read_text().strip()
        return Victim((person.home / "id").read_bytes(), certificate, self.node.login)

    def refusal(self, attempt: Attempt) -> str:
        """The reason with which ``attempt`` is refused, made from the node's uid; the log has it as well."""
        attacker = self.attacker
        reason = run_as(
            NODE_UID,
            lambda: attacker.refusal(lambda channel, tcp: attempt(attacker, channel, tcp)),
        )
        assert reason in (self.directory / "spawner.log").read_text()
        return reason


def make_host(directory: Path) -> Host:
    """A host with a directory of its own."""
    directory.mkdir()
    return Host(directory)


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that other users can enter; pytest's are closed to them."""
    with tempfile.TemporaryDirectory(prefix="proctor-test-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture
def host(directory: Path) -> Iterator[Host]:
    host = make_host(directory / "host")
    with host.running():
        yield host


def test_user_who_is_connecting_gets_a_session(host: Host) -> None:
    """The frame of all that follows: what the others are refused is possible in this way only."""
    attacker, victim = host.attacker, host.victim()

    def log_in_and_run() -> dict[str, Any]:
        with closing(attacker.connect()) as channel, closing(TcpConnection(host.port)) as tcp:
            attacker.log_in(channel, tcp, victim)
            assert channel.ask(
                SignExchange(transcript=transcript(b"c" * 16, wire_form(host.host_key)), hash_name="sha512")
            ).signature, "a later key exchange"
            return attacker.spawn(channel)  # fmt: skip

    answer = run_as(NODE_UID, log_in_and_run)

    assert answer["ok"]
    assert (
        f"alice has logged in as {victim.login} from 127.0.0.1:"
        in (host.directory / "spawner.log").read_text()
    )


def test_attestation_is_for_the_session_that_is_started(host: Host) -> None:
    """What the auth service takes as proof names the session, the host, and the client's connection."""
    attacker, victim, sid = host.attacker, host.victim(), str(uuid.uuid4())

    def two_sessions() -> tuple[dict[str, Any], dict[str, Any], str]:
        with closing(attacker.connect()) as channel, closing(TcpConnection(host.port)) as tcp:
            attacker.log_in(channel, tcp, victim)
            other = attacker.spawn(channel, opened=sid)
            client = "{}:{}".format(*tcp.client.getsockname())
            return attacker.spawn(channel, sid=sid, opened=sid), other, client

    started, other, client = run_as(NODE_UID, two_sessions)

    assert "was started for another session" in other["error"]
    certificate = certs.issue_host_certificate(
        host.node.node_ca[0],
        host.host_key,
        key_id="host",
        principals=[host.boot.host_uuid],
        now=SYSTEM.now(),
        valid_before=SYSTEM.now() + timedelta(days=1),
    )
    attestation = started["attestation"]
    fields = {
        **attestation,
        "host_certificate": certificate,
        "sid": sid,
        "uid": str(uuid.uuid4()),
        "time": json.loads(attestation["statement"])["time"],
        "user": "alice",
        "login": victim.login,
        "addr.remote": client,
    }
    trusted = Trusted([host.node.user_ca[1]], [host.node.node_ca[1]])
    record = attestations.verify(fields, host.boot.host_uuid, trusted)
    assert (record.user, record.login, record.client) == ("alice", victim.login, client)
    for name, wrong in (("sid", str(uuid.uuid4())), ("user", "bob"), ("login", "nobody")):
        with pytest.raises(BadRequest, match="what was signed proves"):
            attestations.verify({**fields, name: wrong}, host.boot.host_uuid, trusted)


def test_certificate_that_was_seen_opens_nothing(host: Host) -> None:
    victim = host.victim()

    def without_signature(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
        attacker.exchange(channel, tcp)
        return channel.ask(Authenticate(request=victim.request(), signature=b""))

    def without_login(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
        attacker.exchange(channel, tcp)
        return attacker.spawn(channel)

    assert host.refusal(without_signature) == "the certificate's key did not sign this login"
    assert host.refusal(without_login) == "no user has logged in over this connection"
    assert host.refusal(lambda attacker, channel, _tcp: attacker.spawn(channel)) == (
        "no user has logged in over this connection"
    )
    assert (
        host.refusal(
            lambda _attacker, channel, _tcp: channel.ask(
                Authenticate(request=victim.request(), signature=victim.sign(b"x" * 32))
            )
        )
        == "there is no session id that could have been signed"
    )


def record(host: Host, victim: Victim) -> tuple[bytes, Authenticate]:
    """What a compromised node keeps of a login: transcript and the user's signature."""
    attacker = host.attacker

    def log_in() -> tuple[bytes, Authenticate]:
        with closing(attacker.connect()) as channel, closing(TcpConnection(host.port)) as tcp:
            data, session_id = attacker.exchange(channel, tcp)
            proof = Authenticate(request=victim.request(), signature=victim.sign(session_id))
            channel.ask(proof)
            with pytest.raises(AccessDenied, match="a user has logged in over this connection already"):
                channel.ask(proof)
            return data, proof

    return run_as(NODE_UID, log_in)


def test_signature_that_was_seen_is_worth_nothing(host: Host) -> None:
    data, proof = record(host, host.victim())

    def transcript_again(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
        return attacker.exchange(channel, tcp, transcript=data)

    def as_a_later_exchange(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
        attacker.exchange(channel, tcp, transcript=data, first=False)
        return channel.ask(proof)

    def over_another_session(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
        attacker.exchange(channel, tcp)
        return channel.ask(proof)

    def second_session_id(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
        attacker.exchange(channel, tcp)
        return attacker.exchange(channel, tcp)

    for _ in range(2):
        assert host.refusal(transcript_again) == (
            "the key exchange does not have the cookie that was drawn for it"
        )
        assert host.refusal(as_a_later_exchange) == "there is no session id that could have been signed"
        assert host.refusal(over_another_session) == "the certificate's key did not sign this login"
        assert host.refusal(second_session_id) == "the connection has a session id already"


def test_signature_is_worth_nothing_after_a_restart(directory: Path) -> None:
    host = make_host(directory / "other")
    with host.running():
        data, proof = record(host, host.victim())

    def replay(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
        attacker.exchange(channel, tcp, transcript=data)
        return channel.ask(proof)

    with host.running():
        assert "the cookie" in host.refusal(replay)


@pytest.mark.parametrize(
    ("restrictions", "reason"),
    [
        ({"locks": [lock(user="alice")]}, 'lock targeting User:"alice" is in force: see me'),
        ({"locks": [lock(node=HOST_NAME)]}, 'lock targeting Node:"worker" is in force: see me'),
        ({"revocations": [revoke("alice", [], SYSTEM.now() + timedelta(days=1), SYSTEM.now())]}, REVOKED),
    ],
)
def test_lock_that_the_host_has_heard_of_holds(host: Host, restrictions: dict[str, Any], reason: str) -> None:
    """It is the spawner that compares: what a node thinks of a lock does not matter to it."""
    victim, attacker = host.victim(), host.attacker
    before = host.node.bundle(role("access", logins=[host.node.login]))
    after = host.node.bundle(role("access", logins=[host.node.login]), **restrictions)

    def log_in(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
        return attacker.log_in(channel, tcp, victim)

    def session_of_before(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
        attacker.log_in(channel, tcp, victim)
        with closing(attacker.connect()) as other:
            other.ask(StoreBundle(content=after.json, signature=after.signature))
        return attacker.spawn(channel)

    assert host.refusal(session_of_before) == reason, "of somebody who was logged in when it came"
    assert host.refusal(log_in) == reason

    def go_back() -> str:
        with closing(attacker.connect()) as channel, pytest.raises(AccessDenied) as refused:
            channel.ask(StoreBundle(content=before.json, signature=before.signature))
        return refused.value.message

    assert "is older than the one in force" in run_as(NODE_UID, go_back)


def test_other_hosts_are_no_way_in(host: Host) -> None:
    """The user connects to another compromised host, which shows its own key, as it must."""
    victim, elsewhere = host.victim(), wire_form(keys.generate()[1])

    def relay(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
        attacker.exchange(channel, tcp, transcript=transcript(channel.cookie, elsewhere))
        return attacker.log_in(channel, tcp, victim)

    assert host.refusal(relay) == "the host key of the key exchange is not that of this host"


def test_logins_of_others_are_refused(host: Host) -> None:
    victim, foreign, late = host.victim(), foreign_user(host), host.victim(ttl=timedelta(seconds=-5))

    def other_login(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
        _, session_id = attacker.exchange(channel, tcp)
        request = victim.request("daemon")
        return channel.ask(Authenticate(request=request, signature=victim.sign(session_id)))

    def login_not_allowed(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
        """Somebody helps, who has no such login."""
        _, session_id = attacker.exchange(channel, tcp)
        request = victim.request("daemon")
        return channel.ask(Authenticate(request=request, signature=victim.sign(session_id, request)))

    assert host.refusal(other_login) == "the certificate's key did not sign this login"
    assert host.refusal(login_not_allowed) == "the certificate of alice does not allow login daemon"
    assert host.refusal(lambda attacker, channel, tcp: attacker.log_in(channel, tcp, foreign)) == (
        "the certificate was not signed by this cluster's user CA"
    )
    assert host.refusal(lambda attacker, channel, tcp: attacker.log_in(channel, tcp, late)) == (
        "the certificate has expired; log in again"
    )


def foreign_user(host: Host) -> Victim:
    """Somebody with a certificate of another CA."""
    ours, host.node.user_ca = host.node.user_ca, keys.generate()
    try:
        return host.victim(name="mallory")
    finally:
        host.node.user_ca = ours


@pytest.mark.parametrize(
    "change",
    [
        {"kinds": []},
        {"strict": False},
        {"network": None},
        {"login": "root"},
        {"certificate": "x"},
        {"client": {"addr": "192.0.2.1", "port": 1}},
        {"server": {"addr": "192.0.2.1", "port": 1}},
        {"cluster": "other"},
        {"sid": "../../../etc"},
        {"env": {"LD_PRELOAD": "/tmp/x.so"}},
    ],
)
def test_session_is_what_the_privileged_side_says(host: Host, change: dict[str, Any]) -> None:
    victim = host.victim()

    def attempt(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
        attacker.log_in(channel, tcp, victim)
        return attacker.spawn(channel, **change)

    assert host.refusal(attempt).startswith("malformed spawn request: ")


def test_session_takes_a_client_that_is_connected(host: Host) -> None:
    victim = host.victim()

    def client_left(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
        attacker.log_in(channel, tcp, victim)
        assert attacker.spawn(channel)["ok"]
        tcp.client.close()
        return attacker.spawn(channel)

    def socket_used_again(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
        attacker.log_in(channel, tcp, victim)
        tcp.client.close()
        tcp.accepted.recv(1)
        disconnect(tcp.accepted)
        with socket.create_server(("127.0.0.1", host.port)) as listener:
            tcp.accepted.connect(listener.getsockname())
            return attacker.spawn(channel)

    for attempt in (client_left, socket_used_again):
        assert host.refusal(attempt) == "the client of alice is not connected any more"


def disconnect(connection: socket.socket) -> None:
    """Have a TCP socket connected to nothing, to be connected again (connect(2), AF_UNSPEC)."""
    address = ctypes.create_string_buffer(struct.pack("H14x", socket.AF_UNSPEC))
    assert ctypes.CDLL(None).connect(connection.fileno(), address, 16) == 0


def test_closed_connections_have_lost_their_user(host: Host) -> None:
    attacker, victim = host.attacker, host.victim()

    def close_and_spawn() -> str:
        with closing(TcpConnection(host.port)) as tcp:
            channel = attacker.connect()
            attacker.log_in(channel, tcp, victim)
            channel.close()
            return attacker.refusal(lambda channel, _tcp: attacker.spawn(channel))

    assert run_as(NODE_UID, close_and_spawn) == "no user has logged in over this connection"


@pytest.mark.parametrize(
    "order",
    [
        {"op": "restrict", "network": None},
        {"op": "follow", "network": None},
        {"op": "signal", "signal": "STOP"},
        {"op": "capture_ended"},
        {"op": "signal", "signal": "TERM", "everyone": False, "padding": "x" * 2000},
    ],
)
def test_orders_that_there_are_not_hang_the_session_up(host: Host, order: dict[str, Any]) -> None:
    attacker, victim = host.attacker, host.victim()

    def give() -> dict[str, Any]:
        with closing(attacker.connect()) as channel, closing(TcpConnection(host.port)) as tcp:
            attacker.log_in(channel, tcp, victim)
            return attacker.spawn(channel, order, command=SLEEP)

    assert run_as(NODE_UID, give)["signal"] == "HUP"


def test_orders_bring_no_descriptors(host: Host) -> None:
    """A monitor that keeps what it is sent would run out of descriptors."""
    attacker, victim = host.attacker, host.victim()

    def give() -> dict[str, Any]:
        with closing(attacker.connect()) as channel, closing(TcpConnection(host.port)) as tcp:
            attacker.log_in(channel, tcp, victim)
            order = {"op": "follow"}
            return attacker.spawn(channel, order, descriptors=[0], command=SLEEP)

    assert run_as(NODE_UID, give)["signal"] == "HUP"


SCP = base64.b64encode(b"scp -t /tmp").decode()


def test_roles_decide_on_the_privileged_side(host: Host) -> None:
    reckless = RoleOptions(port_forwarding=False, ssh_file_copy=False)
    everything = role("access", logins=[host.node.login], options=reckless)
    victim, unknown = host.victim(), host.victim(roles=["strange"])
    store(host, host.node.bundle(everything))
    target = {"kind": "forward", "target": {"addr": "127.0.0.1", "port": host.port}}

    def with_login(**changes: Any) -> Attempt:
        def attempt(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
            attacker.log_in(channel, tcp, victim)
            return attacker.spawn(channel, **changes)

        return attempt

    assert host.refusal(with_login(**target)) == "port forwarding is not allowed"
    assert host.refusal(with_login(kind="sftp")) == "copying files is not allowed"
    assert host.refusal(with_login(command=SCP)) == "copying files is not allowed"
    assert host.refusal(lambda attacker, channel, tcp: attacker.log_in(channel, tcp, unknown)) == (
        "role strange of the certificate is not known to this node"
    )

    nowhere = role("access", logins=[host.node.login], network=[NetworkRule(cidr="192.0.2.0/24")])
    store(host, host.node.bundle(nowhere))
    assert host.refusal(with_login(**target)).startswith("your roles do not allow connections to ")
    assert "restricts the network" in host.refusal(with_login())

    store(host, host.node.bundle(role("access", logins=["nobody-else"])))
    assert host.refusal(lambda attacker, channel, tcp: attacker.log_in(channel, tcp, victim)).startswith(
        "no role of user alice allows login"
    )


def test_nothing_goes_on_with_roles_that_have_expired(host: Host) -> None:
    """Users who logged in before start no sessions either; a node cannot hold back changes for ever."""
    victim, now = host.victim(), SYSTEM.now()
    expired = host.node.bundle(
        role("access", logins=[host.node.login]), expires=format_time(now - timedelta(seconds=1))
    )

    attacker = host.attacker
    with closing(attacker.connect()) as channel, closing(TcpConnection(host.port)) as tcp:
        attacker.log_in(channel, tcp, victim)
        host.boot.access_bundle.write_bytes(expired.json)
        answer = attacker.spawn(channel)
    assert answer["error"].startswith("what this node knows of roles has expired at ")

    assert host.refusal(lambda attacker, channel, tcp: attacker.log_in(channel, tcp, victim)).startswith(
        "what this node knows of roles has expired at "
    )


def store(host: Host, bundle: pb.AccessBundle) -> None:
    """Have the spawner keep ``bundle``, as the node does."""
    request = StoreBundle(content=bundle.json, signature=bundle.signature)
    attacker = host.attacker

    def ask() -> bytes:
        with closing(attacker.connect()) as channel:
            channel.ask(request)
            return channel.ask(GetBundle()).content

    assert run_as(NODE_UID, ask) == bundle.json


def test_bundles_are_those_of_the_auth_service(host: Host) -> None:
    mine = role("access", logins=["root"])
    good = host.node.bundle(mine)
    now = SYSTEM.now()
    past, future = now - timedelta(hours=1), now + timedelta(hours=1)
    store(host, good)

    def refusal(content: bytes, signature: bytes) -> str:
        request = StoreBundle(content=content, signature=signature)
        return host.refusal(lambda _attacker, channel, _tcp: channel.ask(request))

    def changed(**changes: Any) -> str:
        bundle = host.node.bundle(mine, **changes)
        return refusal(bundle.json, bundle.signature)

    assert changed(host_id="b0b").startswith("the access bundle is for the node b0b, not for ")
    assert "has expired" in changed(expires=format_time(past))
    assert "is older than the one in force" in changed(sequence=int(past.timestamp() * 1e6))
    assert "in the future" in changed(sequence=int(future.timestamp() * 1e6))
    assert "in the future" in changed(issued=format_time(future))
    assert refusal(good.json.replace(b"root", b"toor"), good.signature) == "the signature is wrong"
    assert refusal(good.json, b"") == "this is not an SSH signature"


def test_bundles_are_not_signed_by_anybody_else(host: Host) -> None:
    content = host.node.bundle(role("access", logins=["root"])).json
    victim, now = host.victim(), SYSTEM.now()
    private, public = keys.generate()
    foreign = certs.issue_delegation(
        keys.generate()[0], public, NAMESPACE, now=now, valid_before=now + timedelta(1)
    )
    other = certs.issue_delegation(
        host.node.user_ca[0], public, "else@proctor", now=now, valid_before=now + timedelta(1)
    )

    def refusal(private: bytes, certificate: str, namespace: str = NAMESPACE) -> str:
        signature = sshsig.sign(private, certificate, namespace, content)
        request = StoreBundle(content=content, signature=signature)
        return host.refusal(lambda _attacker, channel, _tcp: channel.ask(request))

    assert refusal(victim.private_key, victim.certificate) == (
        f"the key that signed is not certified for {NAMESPACE}"
    )
    assert refusal(private, other) == f"the key that signed is not certified for {NAMESPACE}"
    assert refusal(private, other, "else@proctor") == "the signature was made for another purpose"
    assert refusal(private, public) == "the signature was made for another purpose"
    assert refusal(private, foreign) == "the certificate was not signed by this cluster's user CA"


def test_addresses_are_those_of_real_connections(host: Host) -> None:
    def with_socket(make: Callable[[], socket.socket]) -> Attempt:
        def attempt(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
            tcp.accepted.close()
            tcp.accepted = make()
            return attacker.exchange(channel, tcp)

        return attempt

    elsewhere: list[TcpConnection] = []

    def other_port() -> socket.socket:
        elsewhere.append(TcpConnection())
        return elsewhere[-1].accepted

    def closed() -> socket.socket:
        tcp = TcpConnection(host.port)
        tcp.client.close()
        return tcp.accepted

    no_client = "this is not the TCP connection of a client"
    assert host.refusal(with_socket(socket.socket)) == no_client
    assert host.refusal(with_socket(lambda: socket.socketpair()[0])) == no_client
    assert host.refusal(with_socket(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))) == no_client
    assert host.refusal(with_socket(lambda: socket.create_server(("127.0.0.1", 0)))) == no_client
    assert host.refusal(with_socket(closed)) == no_client
    assert "the client's connection goes to port" in host.refusal(with_socket(other_port))


def test_addresses_are_not_made_up_in_another_network(host: Host) -> None:
    """Users may have network namespaces of their own, with any addresses in them."""
    elsewhere = connection_in_another_network(host.port)

    def attempt(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
        tcp.accepted.close()
        tcp.accepted = elsewhere[0]
        return attacker.exchange(channel, tcp)

    try:
        assert host.refusal(attempt) == "this is not the TCP connection of a client"
    finally:
        for end in elsewhere:
            end.close()


def connection_in_another_network(port: int) -> list[socket.socket]:
    """Both ends of a TCP connection to ``port`` in a new network namespace, the accepted one first."""
    ours, theirs = socket.socketpair()
    with ours, theirs:

        def connect() -> None:
            linux.unshare(CLONE_NEWNET)
            loopback_up()
            tcp = TcpConnection(port)
            socket.send_fds(theirs, [b"both"], [tcp.accepted.fileno(), tcp.client.fileno()])

        run_as(0, connect)
        _, descriptors, _, _ = socket.recv_fds(ours, 16, 2)
    return [socket.socket(fileno=descriptor) for descriptor in descriptors]


def loopback_up() -> None:
    """Switch ``lo`` on in this network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, 0x8914, struct.pack("16sH14s", b"lo", 0x1, b""))  # SIOCSIFFLAGS, IFF_UP


def test_only_key_exchanges_are_signed(host: Host) -> None:
    own = wire_form(host.host_key)

    def sign(data: bytes, name: str = "sha256", first: bool = False) -> str:
        def attempt(_attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
            request = SignExchange(transcript=data, hash_name=name, first=first)
            return channel.ask(request, tcp.accepted.fileno())

        return host.refusal(attempt)

    good = transcript(b"c" * 16, own)
    assert sign(b"x" * 32) == "this is not the transcript of a key exchange"
    assert sign(b"") == "this is not the transcript of a key exchange"
    assert sign(good, "sha1") == "a key exchange with 'sha1' is not signed"
    assert sign(good, "md5") == "a key exchange with 'md5' is not signed"
    assert sign(good + b"x" * (1 << 20)) == "the transcript of the key exchange is too long"
    assert "has no KEXINIT of the server" in sign(b"\0\0\0\1x" * 8)
    assert "is not that of this host" in sign(transcript(b"c" * 16, b"ssh-ed25519"))
    assert "must come with its first" in host.refusal(
        lambda _attacker, channel, _tcp: channel.ask(
            SignExchange(transcript=good, hash_name="sha256", first=True)
        )
    )


def test_host_key_and_bundle_are_out_of_reach(host: Host) -> None:
    paths = [host.boot.host_key, host.boot.access_bundle, host.boot.trusted_user_ca]

    pids = host.processes

    def touch() -> list[str]:
        found = []
        for path in paths:
            for flags in (os.O_RDONLY, os.O_WRONLY):
                with contextlib.suppress(PermissionError):
                    os.close(os.open(path, flags))
                    found.append(f"{path.name} {flags}")
        for pid in pids:
            for name in ("mem", "environ", "maps"):
                with contextlib.suppress(PermissionError, ProcessLookupError):
                    os.close(os.open(f"/proc/{pid}/{name}", os.O_RDONLY))
                    found.append(f"{pid} {name}")
        return found

    assert len(pids) == 2
    assert run_as(NODE_UID, touch) == [f"user_ca.pub {os.O_RDONLY}"]


def test_only_the_node_may_ask(host: Host) -> None:
    def knock() -> None:
        unixsock.connect(host.boot.spawn_socket).close()

    with pytest.raises(PermissionError):
        run_as(NODE_UID + 1, knock)


def test_memory_of_the_spawner_is_bounded(host: Host) -> None:
    """Requests that never end, of 15 MiB each, are cut off before they add up."""

    def flood() -> int:
        cut_off = 0
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                connection = stack.enter_context(unixsock.connect(host.boot.spawn_socket))
                connection.settimeout(SECONDS)
                try:
                    connection.sendall(struct.pack(">I", 16 << 20) + bytes(15 << 20))
                except (BrokenPipeError, ConnectionResetError):
                    cut_off += 1
        return cut_off

    assert run_as(NODE_UID, flood) >= 15
    assert "bytes of unfinished requests" in (host.directory / "spawner.log").read_text()
    test_user_who_is_connecting_gets_a_session(host)


def test_descriptors_of_the_spawner_are_not_used_up(host: Host) -> None:
    victim = host.victim()

    def give(attacker: Attacker, channel: SpawnerConnection, tcp: TcpConnection) -> object:
        reasons = set()
        attacker.log_in(channel, tcp, victim)
        first = SignExchange(
            transcript=transcript(channel.cookie, wire_form(host.host_key)), hash_name="sha256", first=True
        )
        with open(os.devnull) as other, socket.socket() as unconnected:
            for descriptor in (other.fileno(), unconnected.fileno(), tcp.accepted.fileno()) * 50:
                for request in (first, OpenSession()) if descriptor == other.fileno() else (first,):
                    with pytest.raises(AccessDenied) as refused:
                        channel.ask(request, descriptor)
                    reasons.add(refused.value.message)
        assert len(reasons) == 3
        return attacker.spawn(channel, target={"addr": "::1", "port": 1})

    before = descriptors(host)
    host.refusal(give)
    until(lambda: descriptors(host) == before, 10, "descriptors are closed")


@pytest.mark.parametrize("body", [b"", b"[" * (1 << 17)], ids=["unfinished", "nested"])
def test_descriptors_of_what_is_no_request_are_closed(host: Host, body: bytes) -> None:
    """Descriptors of frames that never end, or that no parser takes, do not add up."""

    def give() -> None:
        for _ in range(20):
            with unixsock.connect(host.boot.spawn_socket) as connection:
                connection.settimeout(SECONDS)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    socket.send_fds(connection, [struct.pack(">I", len(body) or 100)], [0])
                    connection.sendall(body)
                    socket.send_fds(connection, [b" "], [0] * 7)
                    while connection.recv(4096):
                        pass

    before = descriptors(host)
    run_as(NODE_UID, give)
    until(lambda: descriptors(host) == before, 10, "connections are closed")


def descriptors(host: Host) -> int:
    """How many the processes of root have open."""
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in host.processes)


def test_nonsense_ends_one_connection_and_nothing_else(host: Host) -> None:
    rubbish = [b"\xff" * 64, b"\0\0\0\2[]", b'\0\0\0\7{"op":', b'\0\0\0\x12{"op":"store_bundle"}']
    rubbish.append(struct.pack(">I", 1 << 17) + b"[" * (1 << 17))

    def send() -> None:
        for data in rubbish:
            with unixsock.connect(host.boot.spawn_socket) as connection:
                connection.settimeout(SECONDS)
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass

    run_as(NODE_UID, send)

    victim, attacker = host.victim(), host.attacker
    with closing(attacker.connect()) as channel, closing(TcpConnection(host.port)) as tcp:
        attacker.log_in(channel, tcp, victim)
