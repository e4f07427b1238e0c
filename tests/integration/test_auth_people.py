# SPDX-License-Identifier: Apache-2.0
"""What becomes of people whose roles, secrets or proxies change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from proctor.core.clock import FakeClock
from proctor.core.errors import AccessDenied, AlreadyExists, BadRequest, Unauthenticated
from proctor.model import serde
from proctor.model.resources import Metadata, Node, NodeSpec, User, UserSpec
from proctor.rpc import tls
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.identity_files import Credentials
from proctor.sshkit import keys
from testing.auth import PASSWORD, RunningAuth, otp_code, running_auth

TOKENS = pb.ListDocumentsRequest(kind="token")


@pytest.fixture
async def auth(tmp_path: Path) -> AsyncIterator[RunningAuth]:
    async with running_auth(tmp_path) as running:
        yield running


async def add(auth: RunningAuth, name: str, *roles: str) -> pb.InviteLink:
    link: pb.InviteLink = await auth.call(
        auth.admin, "auth.CreateUser", pb.CreateUserRequest(name=name, roles=roles)
    )
    return link


async def set_roles(auth: RunningAuth, name: str, *roles: str) -> None:
    request = pb.UpdateUserRequest(name=name, set_roles=roles, change_roles=True)
    await auth.call(auth.admin, "auth.UpdateUser", request)


async def delete(auth: RunningAuth, name: str, by: Credentials | None = None) -> None:
    await auth.call(by or auth.admin, "auth.DeleteDocument", pb.DocumentRequest(kind="user", name=name))


async def test_a_role_taken_away_counts_at_once(auth: RunningAuth) -> None:
    await add(auth, "alice", "editor", "auditor")
    certificate = await auth.sign("alice")
    assert (await auth.call(certificate, "auth.ListDocuments", TOKENS)).json
    await set_roles(auth, "alice", "auditor")
    with pytest.raises(AccessDenied, match="no role of user alice allows list on token"):
        await auth.call(certificate, "auth.ListDocuments", TOKENS)


async def test_a_role_given_needs_a_new_certificate(auth: RunningAuth) -> None:
    await add(auth, "alice", "access")
    certificate = await auth.sign("alice")
    await set_roles(auth, "alice", "access", "editor")
    with pytest.raises(AccessDenied):
        await auth.call(certificate, "auth.ListDocuments", TOKENS)
    assert (await auth.call(await auth.sign("alice"), "auth.ListDocuments", TOKENS)).json


async def test_the_certificate_of_somebody_removed_is_worth_nothing(auth: RunningAuth) -> None:
    await add(auth, "alice", "editor")
    certificate = await auth.sign("alice")
    await delete(auth, "alice")
    with pytest.raises(Unauthenticated, match="has been revoked"):
        await auth.call(certificate, "auth.ListDocuments", TOKENS)


async def test_users_cannot_remove_themselves(auth: RunningAuth) -> None:
    await add(auth, "alice", "editor")
    with pytest.raises(AccessDenied, match="themselves"):
        await delete(auth, "alice", await auth.sign("alice"))


async def test_somebody_of_the_same_name_does_not_inherit_secrets(auth: RunningAuth) -> None:
    _, proxy = await auth.join("proxy")
    secret = await auth.add_user("alice", ["access"], ["root"], proxy)
    await delete(auth, "alice")
    again = User(metadata=Metadata(name="alice"), spec=UserSpec(roles=["access"]))
    await auth.call(auth.admin, "auth.PutDocument", pb.PutDocumentRequest(json=serde.to_json(again)))
    login = pb.LoginRequest(username="alice", password=PASSWORD, otp_code=otp_code(secret))
    with pytest.raises(AccessDenied, match="invalid username"):
        await auth.call(proxy, "auth.Login", login)


async def test_a_user_document_replaces_another_only_when_asked_to(auth: RunningAuth) -> None:
    document = User(metadata=Metadata(name="alice"), spec=UserSpec(roles=["access"]))
    request = pb.PutDocumentRequest(json=serde.to_json(document))
    await auth.call(auth.admin, "auth.PutDocument", request)
    with pytest.raises(AlreadyExists):
        await auth.call(auth.admin, "auth.PutDocument", request)
    request.overwrite = True
    await auth.call(auth.admin, "auth.PutDocument", request)
    events = auth.events("user.create", "user.update", "user.delete")
    assert [(event["event"], event["name"]) for event in events] == [
        ("user.create", "alice"),
        ("user.update", "alice"),
    ]


def sign_request(name: str) -> pb.SignIdentityRequest:
    return pb.SignIdentityRequest(
        username=name,
        tls_public_key=tls.public_key(tls.generate_key()),
        ssh_public_key=keys.generate()[1].encode(),
    )


async def test_who_may_make_users_may_sign_for_them_and_is_named(auth: RunningAuth) -> None:
    await add(auth, "alice", "access")
    await add(auth, "erin", "editor")
    with pytest.raises(AccessDenied):
        await auth.call(await auth.sign("alice"), "auth.SignIdentity", sign_request("erin"))
    await auth.call(await auth.sign("erin"), "auth.SignIdentity", sign_request("alice"))
    identity = auth.events("cert.create")[-1]["identity"]
    assert (identity["user"], identity["impersonator"]) == ("alice", "erin")


async def test_weak_keys_get_no_certificates(auth: RunningAuth) -> None:
    await add(auth, "alice", "access")
    for field in ("tls_public_key", "ssh_public_key"):
        request = sign_request("alice")
        setattr(request, field, b"junk")
        with pytest.raises(BadRequest, match="key"):
            await auth.call(auth.admin, "auth.SignIdentity", request)


async def beat(auth: RunningAuth, host_id: str, proxy: Credentials, address: str) -> None:
    node = Node(metadata=Metadata(name=host_id), spec=NodeSpec(hostname="p", addr=address))
    await auth.call(proxy, "auth.Heartbeat", pb.HeartbeatRequest(node=serde.to_json(node)))


async def test_links_lead_to_a_proxy_that_is_alive(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running_auth(tmp_path, clock, proxies=()) as auth:
        link = await add(auth, "alice", "access")
        assert link.url == f"https://<proxyhost>:3080/web/invite/{link.token}"
        host_id, proxy = await auth.join("proxy")
        await beat(auth, host_id, proxy, "proxy.example.com:443")
        for address in ("", "no-port", "a:b", "x:0"):
            with pytest.raises(BadRequest, match="not an address"):
                await beat(auth, host_id, proxy, address)
        ping = await auth.call(None, "auth.Ping", pb.PingRequest())
        assert list(ping.proxy_addresses) == ["proxy.example.com:443"]
    async with running_auth(tmp_path, clock, proxies=()) as auth:
        link = await auth.call(auth.admin, "auth.ResetUser", pb.ResetUserRequest(name="alice"))
        assert link.url == f"https://proxy.example.com:443/web/reset/{link.token}"
        clock.advance(61)
        assert not (await auth.call(None, "auth.Ping", pb.PingRequest())).proxy_addresses


async def test_a_proxy_is_no_node(auth: RunningAuth) -> None:
    host_id, proxy = await auth.join("proxy")
    await beat(auth, host_id, proxy, "proxy.example.com:443")
    nodes = await auth.call(auth.admin, "auth.ListDocuments", pb.ListDocumentsRequest(kind="node"))
    assert not nodes.json
    with pytest.raises(AccessDenied, match="only about itself"):
        await beat(auth, str(uuid4()), proxy, "proxy.example.com:443")


async def test_a_user_whose_link_would_live_too_long_is_not_created(auth: RunningAuth) -> None:
    request = pb.CreateUserRequest(name="carol", roles=["access"], ttl_seconds=100 * 3600)
    with pytest.raises(BadRequest, match="at most 48h"):
        await auth.call(auth.admin, "auth.CreateUser", request)

    request.ttl_seconds = 3600
    await auth.call(auth.admin, "auth.CreateUser", request)
