# SPDX-License-Identifier: Apache-2.0
"""One real auth service, real clients: joining, logging in, administration."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pyotp
import pytest

from proctor.core.clock import SYSTEM, FakeClock
from proctor.core.errors import (
    AccessDenied,
    AlreadyExists,
    BadRequest,
    LimitExceeded,
    NotFound,
    ProctorError,
)
from proctor.model import serde
from proctor.model.resources import Metadata, Node, NodeSpec, Role, Token
from proctor.rpc import tls
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc._pb import record_pb2
from proctor.rpc.identity_files import Authorities, Credentials, IdentityFiles
from proctor.sshkit import certs, keys
from testing.auth import PASSWORD, STATIC_TOKEN, RunningAuth, otp_code, running_auth
from testing.polling import auntil

HOST = "86aca627-971d-4883-854d-d309ba04c658"


@pytest.fixture
async def auth(tmp_path: Path) -> AsyncIterator[RunningAuth]:
    async with running_auth(tmp_path) as running:
        yield running


async def make_token(auth: RunningAuth, *roles: str, ttl: int = 300) -> Token:
    request = pb.CreateTokenRequest(roles=roles, ttl_seconds=ttl)
    return serde.from_json((await auth.call(auth.admin, "auth.CreateToken", request)).json, Token)


async def test_a_host_joins_with_a_token_and_is_audited(auth: RunningAuth) -> None:
    token = await make_token(auth, "node")
    host_id, node = await auth.join("node", token.metadata.name)
    assert (await auth.call(node, "auth.Ping", pb.PingRequest())).cluster_name == "purple"
    (event,) = auth.events("instance.join")
    assert event["code"] == "TJ002I"
    assert (event["host_id"], event["role"], event["success"]) == (host_id, "node", True)
    assert event["token_name"] == "*" * 24 + token.metadata.name[-8:]
    assert event["addr.remote"].startswith("127.0.0.1:")


async def test_each_refusal_to_join_has_its_own_reason_and_event(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running_auth(tmp_path, clock) as auth:
        expired, revoked, proxy_only = [
            (await make_token(auth, role)).metadata.name for role in ("node", "node", "proxy")
        ]
        await auth.call(auth.admin, "auth.DeleteDocument", pb.DocumentRequest(kind="token", name=revoked))
        short = (await make_token(auth, "node", ttl=10)).metadata.name
        clock.advance(20)
        tries = {
            "f" * 32: "not known",
            revoked: "revoked",
            short: "expired",
            proxy_only: "does not allow the role node",
        }
        for token, says in tries.items():
            with pytest.raises(AccessDenied, match=says):
                await auth.join("node", token)
        await auth.join("node", expired)
        refused = [event for event in auth.events("instance.join") if not event["success"]]
        assert [event["code"] for event in refused] == ["TJ002E"] * 4
        assert len({event["error"] for event in refused}) == 4


async def test_joining_as_administrator_is_refused(auth: RunningAuth) -> None:
    for role in ("admin", "auth", "nonsense", ""):
        with pytest.raises(AccessDenied):
            await auth.join(role)
    with pytest.raises(BadRequest, match="unknown role"):
        await make_token(auth, "admin")


async def test_a_host_does_not_take_the_name_of_another(auth: RunningAuth) -> None:
    own, other = str(uuid4()), str(uuid4())
    for name in (other, f"{other}.purple", other.upper()):
        with pytest.raises(AccessDenied, match="another host"):
            await auth.join("node", host_id=own, principals=(name,))
        with pytest.raises(AccessDenied, match="another host"):
            await auth.join("node", host_id=own, name=name)
    await auth.join("node", host_id=own, principals=(own, f"{own}.purple", "web-1.example.com", "::1"))


@pytest.mark.parametrize(
    "host_id", [" ", "web-1", "../../etc", f"{{{HOST}}}", HOST.upper(), f"urn:uuid:{HOST}", f"{HOST}\n"]
)
async def test_a_host_id_is_a_uuid(auth: RunningAuth, host_id: str) -> None:
    with pytest.raises(BadRequest, match="not a UUID"):
        await auth.join("node", host_id=host_id)


async def test_anonymous_callers_cannot_flood_the_log_with_large_events(auth: RunningAuth) -> None:
    large = "x" * 300_000
    with pytest.raises(AccessDenied):
        await auth.join(large, large, host_id=large, name=large)
    (event,) = auth.events("instance.join")
    assert len(serde.to_json(event)) < 2000


async def test_a_host_may_join_again_with_a_valid_token_only(auth: RunningAuth) -> None:
    token = (await make_token(auth, "node")).metadata.name
    host_id, first = await auth.join("node", token)
    await auth.join("node", token, host_id=host_id)
    await auth.call(auth.admin, "auth.DeleteDocument", pb.DocumentRequest(kind="token", name=token))
    with pytest.raises(AccessDenied, match="revoked"):
        await auth.join("node", token, host_id=host_id)
    await auth.call(first, "auth.Ping", pb.PingRequest())


async def test_tokens_are_listed_until_they_expire_and_static_ones_stay(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running_auth(tmp_path, clock) as auth:
        token = await make_token(auth, "node")

        async def names() -> list[str]:
            listed = await auth.call(auth.admin, "auth.ListDocuments", pb.ListDocumentsRequest(kind="token"))
            return [serde.from_json(raw, Token).metadata.name for raw in listed.json]

        assert await names() == [STATIC_TOKEN, token.metadata.name]
        clock.advance(301)
        assert await names() == [STATIC_TOKEN]
        with pytest.raises(BadRequest, match="configuration file"):
            await auth.call(
                auth.admin, "auth.DeleteDocument", pb.DocumentRequest(kind="token", name=STATIC_TOKEN)
            )


def login_request(secret: str, *, step: int = 0, password: str = PASSWORD, ttl: int = 0) -> pb.LoginRequest:
    return pb.LoginRequest(
        username="alice",
        password=password,
        otp_code=otp_code(secret, step),
        tls_public_key=tls.public_key(tls.generate_key()),
        ssh_public_key=keys.generate()[1].encode(),
        ttl_seconds=ttl,
        client_address="127.0.0.1:5000",
        user_agent="tsh",
    )


async def test_login_gives_certificates_of_the_user(auth: RunningAuth) -> None:
    _, proxy = await auth.join("proxy")
    secret = await auth.add_user("alice", ["access"], ["root", "ubuntu"], proxy)
    answer = await auth.call(proxy, "auth.Login", login_request(secret))
    verified = certs.verify_user_certificate(
        answer.ssh_certificate.decode(), auth.admin.authorities.user_ssh_ca, SYSTEM.now()
    )
    assert verified.identity.username == "alice"
    assert verified.identity.roles == ("access",)
    assert verified.identity.logins == ("root", "ubuntu")
    assert verified.identity.cluster == "purple"
    (event,) = auth.events("user.login")
    assert (event["code"], event["user"], event["addr.remote"]) == ("T1000I", "alice", "127.0.0.1:5000")
    assert auth.events("cert.create")[-1]["identity"]["user"] == "alice"


async def test_wrong_logins_look_alike_and_are_audited(auth: RunningAuth) -> None:
    _, proxy = await auth.join("proxy")
    secret = await auth.add_user("alice", ["access"], ["root"], proxy)
    bad_password = login_request(secret, password="wrong password")
    bad_code = login_request(secret)
    bad_code.otp_code = "000000"
    unknown = login_request(secret)
    unknown.username = "mallory"
    used = login_request(secret, step=-1)
    messages = set()
    for request in (bad_password, bad_code, unknown, used):
        with pytest.raises(AccessDenied) as refusal:
            await auth.call(proxy, "auth.Login", request)
        messages.add(refusal.value.diagnostics())
    assert len(messages) == 1
    events = auth.events("user.login")
    assert [event["code"] for event in events] == ["T1000W"] * 4
    assert len({event["error"] for event in events}) == 4


async def test_a_code_works_once(auth: RunningAuth) -> None:
    _, proxy = await auth.join("proxy")
    secret = await auth.add_user("alice", ["access"], ["root"], proxy)
    request = login_request(secret)
    await auth.call(proxy, "auth.Login", request)
    with pytest.raises(AccessDenied):
        await auth.call(proxy, "auth.Login", request)


async def test_guessing_locks_the_account_for_a_while(auth: RunningAuth) -> None:
    _, proxy = await auth.join("proxy")
    secret = await auth.add_user("alice", ["access"], ["root"], proxy)
    for _ in range(5):
        with pytest.raises(AccessDenied):
            await auth.call(proxy, "auth.Login", login_request(secret, password="wrong password"))
    with pytest.raises(LimitExceeded, match="too many"):
        await auth.call(proxy, "auth.Login", login_request(secret))


async def test_an_invite_works_once_and_a_reset_ends_what_was_before(auth: RunningAuth) -> None:
    _, proxy = await auth.join("proxy")
    link = await auth.call(auth.admin, "auth.CreateUser", pb.CreateUserRequest(name="bob", roles=["access"]))
    assert link.url == f"https://teleport.example.com:443/web/invite/{link.token}"
    invite = await auth.call(proxy, "auth.GetInvite", pb.GetInviteRequest(token=link.token))
    again = await auth.call(proxy, "auth.GetInvite", pb.GetInviteRequest(token=link.token))
    assert invite == again
    secret = pyotp.parse_uri(invite.otp_uri).secret
    accept = pb.AcceptInviteRequest(token=link.token, password="short", otp_code=otp_code(secret))
    with pytest.raises(BadRequest, match="8 to"):
        await auth.call(proxy, "auth.AcceptInvite", accept)
    accept.password = PASSWORD
    await auth.call(proxy, "auth.AcceptInvite", accept)
    with pytest.raises(NotFound):
        await auth.call(proxy, "auth.AcceptInvite", accept)
    assert [e["event"] for e in auth.events("user.password_change", "mfa.add")] == [
        "user.password_change",
        "mfa.add",
    ]
    await auth.call(auth.admin, "auth.ResetUser", pb.ResetUserRequest(name="bob"))
    request = login_request(secret, step=1)
    request.username = "bob"
    with pytest.raises(AccessDenied):
        await auth.call(proxy, "auth.Login", request)


async def test_documents_are_checked_before_they_are_stored(auth: RunningAuth) -> None:
    async def put(text: str, *, overwrite: bool = False) -> None:
        request = pb.PutDocumentRequest(json=text.encode(), overwrite=overwrite)
        await auth.call(auth.admin, "auth.PutDocument", request)

    role = '{"kind":"role","version":"v7","metadata":{"name":"dev"},"spec":{"allow":{"logins":["root"]}}}'
    await put(role)
    with pytest.raises(AlreadyExists):
        await put(role)
    await put(role, overwrite=True)
    for text, says in {
        '{"kind":"role"': "not JSON",
        '{"kind":"rolle"}': "unknown kind",
        '{"kind":"role","metadata":{"name":"x"},"spec":{"allow":{"login":[]}}}': "login",
        '{"kind":"role","metadata":{"name":"x"},"spec":{"options":{"max_session_ttl":"now"}}}': "max_session",
        '{"kind":"role","metadata":{"name":"a/b"},"spec":{}}': "not a name",
        '{"kind":"user","metadata":{"name":"x"},"spec":{"roles":["nope"]}}': "role nope does not exist",
        '{"kind":"user","metadata":{"name":"x"},"spec":{"roles":[]}}': "at least one role",
        '{"kind":"node","metadata":{"name":"x"},"spec":{"hostname":"x","addr":"x:1"}}': "own documents",
    }.items():
        with pytest.raises(BadRequest, match=says):
            await put(text)
    codes = [event["code"] for event in auth.events("role.created", "role.updated")]
    assert codes == ["T9000I", "T9002I"]


async def test_a_role_in_use_stays(auth: RunningAuth) -> None:
    await auth.call(auth.admin, "auth.CreateUser", pb.CreateUserRequest(name="bob", roles=["access"]))
    for name in ("access", "auditor"):
        with pytest.raises(BadRequest, match="preset"):
            await auth.call(auth.admin, "auth.DeleteDocument", pb.DocumentRequest(kind="role", name=name))
    role = Role(metadata=Metadata(name="dev"))
    await auth.call(auth.admin, "auth.PutDocument", pb.PutDocumentRequest(json=serde.to_json(role)))
    await auth.call(
        auth.admin, "auth.UpdateUser", pb.UpdateUserRequest(name="bob", set_roles=["dev"], change_roles=True)
    )
    with pytest.raises(BadRequest, match="held by bob"):
        await auth.call(auth.admin, "auth.DeleteDocument", pb.DocumentRequest(kind="role", name="dev"))


def heartbeat(host_id: str, **labels: str) -> pb.HeartbeatRequest:
    spec = NodeSpec(hostname="web-1", addr="127.0.0.1:3022", labels=labels)
    return pb.HeartbeatRequest(node=serde.to_json(Node(metadata=Metadata(name=host_id), spec=spec)))


async def test_people_see_the_nodes_they_may_enter(auth: RunningAuth) -> None:
    host_id, node = await auth.join("node")
    await auth.call(node, "auth.Heartbeat", heartbeat(host_id, env="prod"))
    spec = '{"allow":{"logins":["root"],"node_labels":{"env":"dev"}}}'
    role = f'{{"kind":"role","metadata":{{"name":"dev"}},"spec":{spec}}}'
    await auth.call(auth.admin, "auth.PutDocument", pb.PutDocumentRequest(json=role.encode()))
    for name, roles in (("alice", ["access"]), ("bob", ["dev"])):
        request = pb.CreateUserRequest(name=name, roles=roles, logins=["root"])
        await auth.call(auth.admin, "auth.CreateUser", request)

    async def seen(name: str) -> int:
        request = pb.ListDocumentsRequest(kind="node")
        return len((await auth.call(await auth.sign(name), "auth.ListDocuments", request)).json)

    assert await seen("alice") == 1
    assert await seen("bob") == 0


async def test_a_host_speaks_for_itself_only(auth: RunningAuth) -> None:
    _, node = await auth.join("node")
    other_id, _ = await auth.join("node")
    with pytest.raises(AccessDenied, match="only about itself"):
        await auth.call(node, "auth.Heartbeat", heartbeat(other_id))


async def test_everything_survives_a_restart(tmp_path: Path) -> None:
    async with running_auth(tmp_path) as auth:
        _, proxy = await auth.join("proxy")
        secret = await auth.add_user("alice", ["access"], ["root"], proxy)
        pins = tls.ca_pins(auth.admin.authorities.host_tls_ca)
        admin, own = auth.admin, IdentityFiles.load(tmp_path / "proc/auth")
    (tmp_path / "proc/auth/tls.crt").write_text("torn")
    async with running_auth(tmp_path) as auth:
        assert auth.admin == admin
        assert IdentityFiles.load(tmp_path / "proc/auth").authorities == own.authorities
        assert tls.ca_pins(auth.admin.authorities.host_tls_ca) == pins
        await auth.call(proxy, "auth.Login", login_request(secret))
        assert auth.events("user.create")


async def test_what_is_under_way_may_end_when_the_service_stops(tmp_path: Path) -> None:
    async with running_auth(tmp_path) as auth:
        host_id, node = await auth.join("node")
        client = auth.client(node)
        stream = client.audit.Emit()
        acks = aiter(stream)
        event = {
            "event": "client.disconnect",
            "code": "T3006I",
            "server_id": host_id,
        }
        batch = record_pb2.EventBatch(source=f"node/{host_id}/1", lines=serde.to_json(event) + b"\n")
        for sequence in (1, 2):
            batch.first_sequence = sequence
            await stream.write(batch)
            assert (await anext(acks)).sequence == sequence
            if sequence == 1:
                stopping = asyncio.ensure_future(auth.server.stop(20.0))
                await auntil(lambda: refuses_connections(auth.address), 5.0)
        await stream.done_writing()
        assert [ack async for ack in acks] == []
        await asyncio.wait_for(stopping, 5.0)
        await client.close()
    async with running_auth(tmp_path) as again:
        assert len(again.events("client.disconnect")) == 2


def refuses_connections(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) != 0


async def test_an_address_that_is_taken_is_an_error(tmp_path: Path) -> None:
    async with running_auth(tmp_path / "one") as first:
        with pytest.raises(OSError, match="cannot listen on"):
            async with running_auth(tmp_path / "two", address=first.address):
                pass


async def test_a_cluster_keeps_its_name(tmp_path: Path) -> None:
    async with running_auth(tmp_path):
        pass
    with pytest.raises(ProctorError, match="purple"):
        async with running_auth(tmp_path, cluster="green"):
            pass


def test_identity_files_are_private(tmp_path: Path) -> None:
    ca = tls.generate_key()
    authorities = Authorities(cluster_name="c", host_tls_ca=b"h", user_tls_ca=b"u")
    IdentityFiles.save(
        tmp_path / "node", Credentials(tls_key=ca, tls_certificate=b"c", authorities=authorities)
    )
    assert (tmp_path / "node").stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "node").iterdir())


async def test_a_flood_of_wrong_tokens_is_answered_and_recorded_within_bounds(tmp_path: Path) -> None:
    refused: Counter[str] = Counter()
    async with running_auth(tmp_path) as auth:
        generated = (await make_token(auth, "node")).metadata.name
        for number in range(90):
            try:
                await auth.join("node", f"guess-{number}")
            except ProctorError as error:
                refused[type(error).__name__] += 1
        await auth.join("node", generated)
    async with running_auth(tmp_path) as auth:
        joins = [event for event in auth.events("instance.join") if not event["success"]]
    assert refused["LimitExceeded"] > 30
    assert refused.total() == 90
    assert len(joins) < 35
    assert sum(event.get("attempts", 1) for event in joins) == 90
