# SPDX-License-Identifier: Apache-2.0
"""Which names and addresses a host gets into its certificates, and may report of itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncssh
import pytest

from proctor.auth.hosts.registry import MAX_NAMES
from proctor.core.clock import FakeClock
from proctor.core.errors import AccessDenied, BadRequest, LimitExceeded, ProctorError
from proctor.model import serde
from proctor.model.resources import Metadata, Node, NodeSpec
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.identity_files import Credentials
from testing.auth import RunningAuth, running_auth

CLUSTER = "purple.example.com"


@pytest.fixture
async def auth(tmp_path: Path) -> AsyncIterator[RunningAuth]:
    async with running_auth(tmp_path, cluster=CLUSTER) as running:
        yield running


async def token(auth: RunningAuth, **grant: Any) -> str:
    value = uuid4().hex
    spec = {"roles": ["node", "proxy"], **grant}
    document = {"kind": "token", "metadata": {"name": value}, "spec": spec}
    await auth.call(auth.admin, "auth.PutDocument", pb.PutDocumentRequest(json=json.dumps(document).encode()))
    return value


def principals(credentials: Credentials) -> set[str]:
    certificate = asyncssh.import_certificate(credentials.ssh_certificate)
    return set(certificate.principals)  # type: ignore[attr-defined]  # of OpenSSH certificates


async def beat(auth: RunningAuth, host_id: str, credentials: Credentials, **spec: Any) -> None:
    node = Node(metadata=Metadata(name=host_id), spec=NodeSpec(**spec))
    await auth.call(credentials, "auth.Heartbeat", pb.HeartbeatRequest(node=serde.to_json(node)))


async def test_a_free_name_is_the_host_s_from_then_on(auth: RunningAuth) -> None:
    _, credentials = await auth.join("node", name="prod-db", principals=["prod-db.internal", "127.0.0.1"])
    assert {"prod-db", f"prod-db.{CLUSTER}", "prod-db.internal"} <= principals(credentials)
    for name in (
        "prod-db",
        "PROD-DB",
        "prod-db.",
        f"prod-db.{CLUSTER}",
        "prod-db.internal",
        "Prod-DB.Internal.",
    ):
        with pytest.raises(AccessDenied, match="belongs to another host"):
            await auth.join("node", name=name)
        with pytest.raises(AccessDenied, match="belongs to another host"):
            await auth.join("node", principals=[name])
    refused = [event for event in auth.events("instance.join") if not event["success"]]
    assert len(refused) == 12
    assert all("belongs to another host" in event["error"] for event in refused)


@pytest.mark.parametrize(
    "name",
    [
        CLUSTER, CLUSTER.upper(), f"{CLUSTER}.", "localhost", "LOCALHOST", "localhost.localdomain",
        "x.localhost",
        "teleport.cluster.local", "auth.purple.cluster.local", "cluster.local", "teleport.example.com",
    ],
)  # fmt: skip
async def test_names_of_the_cluster_and_its_services(auth: RunningAuth, name: str) -> None:
    with pytest.raises(AccessDenied):
        await auth.join("node", name=name)


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "*", "1.2.3.04", "*.example.com", "a b", "a,b", "a\nb", "a\x1b[2J", "-a", "a-", "a..b", ".a",
        "a" * 64,
        ".".join(["a" * 60] * 5), "prod\u2010db", "pr\u043ed-db", "prod\u200bdb", "\uff50rod", "K\u212a",
        "a/b", "a@b", "a:22", "?", "10.0.0.1", "::1", "[::1]", "127.1", "0x7f000001", "2130706433",
    ],
)  # fmt: skip
async def test_what_is_no_name(auth: RunningAuth, name: str) -> None:
    with pytest.raises((BadRequest, AccessDenied)):
        await auth.join("node", name=name or " ")


async def test_names_that_may_look_like_another(auth: RunningAuth) -> None:
    with pytest.raises(AccessDenied, match="may look like another"):
        await auth.join("node", name="xn--prd-db-3ve")
    value = await token(auth, host_names=["xn--*"])
    await auth.join("node", value, name="xn--prd-db-3ve")


@pytest.mark.parametrize("uuid_like", ["{}", "{}.example.com", "{}.purple.example.com"])
async def test_ids_of_other_hosts(auth: RunningAuth, uuid_like: str) -> None:
    other, _ = await auth.join("node")
    for name in (
        uuid_like.format(other),
        uuid_like.format(other).upper(),
        uuid_like.format(other.replace("-", "")),
    ):
        with pytest.raises(AccessDenied, match="belongs to another host"):
            await auth.join("node", name=name)


@pytest.mark.parametrize(
    "address", ["10.9.8.7", "::ffff:10.9.8.7", "2001:db8::1", "169.254.169.254", "0.0.0.1"]
)
async def test_addresses_of_others(auth: RunningAuth, address: str) -> None:
    with pytest.raises(AccessDenied, match="not the one from which the host calls"):
        await auth.join("node", principals=[address])
    value = await token(auth, host_addresses=["10.9.0.0/16", "2001:db8::/32"])
    if address in {"10.9.8.7", "2001:db8::1"}:
        assert address in principals((await auth.join("node", value, principals=[address]))[1])


async def test_a_token_lists_names(auth: RunningAuth) -> None:
    await auth.join("node", name="web-1")
    value = await token(auth, host_names=["web-*", "*.internal"])
    for name in ("db-1", "web.example.com", CLUSTER, "localhost"):
        with pytest.raises(AccessDenied):
            await auth.join("node", value, name=name)
    taken, credentials = await auth.join("node", value, name="WEB-1")
    assert "web-1" in {name.lower() for name in principals(credentials)}
    await auth.join("node", value, name="web-2")
    with pytest.raises(AccessDenied, match="belongs to another"):
        await auth.join("node", name="web-1")
    await beat(auth, taken, credentials, hostname="WEB-1", addr="127.0.0.1:3022")


async def test_the_id_of_a_host_is_its_own(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running_auth(tmp_path, clock) as auth:
        host_id, _ = await auth.join("node", name="one")
        await auth.join("proxy", host_id=host_id, name="one")
        for value in (await token(auth), None):
            with pytest.raises(AccessDenied, match="has joined already"):
                if value is None:
                    clock.advance(3600)
                await auth.join("node", *([value] if value else []), host_id=host_id, name="two")
        with pytest.raises(AccessDenied, match="that of the Auth Service"):
            await auth.join("node", host_id=auth.host_uuid)
        await auth.call(auth.admin, "auth.DeleteDocument", pb.DocumentRequest(kind="node", name=host_id))
        await auth.join("node", name="one")


@pytest.mark.parametrize("secret", ["", "of another host behind the same proxy"])
@pytest.mark.parametrize("role", ["node", "proxy"])
async def test_an_id_is_not_given_to_who_shares_token_and_address(
    auth: RunningAuth, role: str, secret: str
) -> None:
    host_id, _ = await auth.join("node", name="one")
    with pytest.raises(AccessDenied, match="has joined already"):
        await auth.join(role, host_id=host_id, name="one", secret=secret)


async def test_a_host_without_a_secret_joins_once(auth: RunningAuth) -> None:
    host_id, _ = await auth.join("node", name="one", secret="")
    with pytest.raises(AccessDenied, match="has joined already"):
        await auth.join("proxy", host_id=host_id, name="one", secret="")


async def test_a_proxy_gets_no_name_that_only_the_auth_service_has(tmp_path: Path) -> None:
    async with running_auth(tmp_path, names=("auth.example.com", "teleport.example.com")) as auth:
        for role in ("proxy", "node"):
            with pytest.raises(AccessDenied, match="belongs to another host"):
                await auth.join(role, principals=["AUTH.example.com"])
        await auth.join("proxy", principals=["teleport.example.com"])


async def test_names_of_a_host_that_is_gone_are_free_some_day(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running_auth(tmp_path, clock) as auth:
        await auth.join("node", name="one")
        clock.advance(29 * 86400)
        with pytest.raises(AccessDenied):
            await auth.join("node", name="one")
        clock.advance(2 * 86400)
        await auth.join("node", name="one")


async def test_proxies_share_names(auth: RunningAuth) -> None:
    first, credentials = await auth.join("proxy", principals=["teleport.example.com", "ssh.example.com"])
    await beat(auth, first, credentials, hostname=f"proxy-{first[:8]}", addr="teleport.example.com:443")
    await auth.join("proxy", principals=["teleport.example.com", "ssh.example.com"])
    with pytest.raises(AccessDenied):
        await auth.join("node", principals=["ssh.example.com"])


@pytest.mark.parametrize(
    "spec",
    [
        {"hostname": "taken"},
        {"hostname": "TAKEN."},
        {"hostname": CLUSTER},
        {"hostname": "x\x1b[31m"},
        {"hostname": "own", "server_version": "\x1b]0;x\x07"},
        {"hostname": "own", "server_version": "1" * 100},
        {"hostname": "own", "labels": {"env": "\u202eprod"}},
        {"hostname": "own", "labels": {"\x07": "x"}},
        {"hostname": "own", "labels": {str(number): "x" for number in range(100)}},
        {"hostname": "own", "addr": "127.0.0.1:4022"},
        {"hostname": "own", "addr": "taken:22"},
        {"hostname": "own", "addr": "0.0.0.0:22"},
        {"hostname": "own", "addr": "\x1b[2J:22"},
        {"hostname": "own", "addr": "nowhere"},
    ],
)
async def test_what_a_host_may_not_report(auth: RunningAuth, spec: dict[str, Any]) -> None:
    other_id, other = await auth.join("node", name="taken")
    await beat(auth, other_id, other, hostname="taken", addr="127.0.0.1:4022")
    host_id, credentials = await auth.join("node", name="own")
    await beat(auth, host_id, credentials, hostname="own", addr="127.0.0.1:3022", labels={"env": "prod"})
    with pytest.raises(ProctorError):
        await beat(auth, host_id, credentials, **{"addr": "127.0.0.1:3022", **spec})
    listed = await auth.call(auth.admin, "auth.ListDocuments", pb.ListDocumentsRequest(kind="node"))
    assert {serde.from_json(raw, Node).spec.hostname for raw in listed.json} == {"taken", "own"}


async def test_a_host_does_not_take_one_name_after_the_other(auth: RunningAuth) -> None:
    host_id, credentials = await auth.join("node", name="own")
    client = auth.client(credentials)
    try:
        for number in range(1, MAX_NAMES):
            node = Node(
                metadata=Metadata(name=host_id), spec=NodeSpec(hostname=f"n{number}", addr="127.0.0.1:1")
            )
            await client.call(client.auth.Heartbeat, pb.HeartbeatRequest(node=serde.to_json(node)))
    finally:
        await client.close()
    with pytest.raises(LimitExceeded, match=f"a host has at most {MAX_NAMES} names"):
        await beat(auth, host_id, credentials, hostname="prod-db", addr="127.0.0.1:1")
    await beat(auth, host_id, credentials, hostname="own", addr="127.0.0.1:1")
    await auth.join("node", name="prod-db")


async def test_a_host_may_be_renamed_to_a_free_name(auth: RunningAuth) -> None:
    host_id, credentials = await auth.join("node", name="old")
    await beat(auth, host_id, credentials, hostname="new", addr="127.0.0.1:3022")
    with pytest.raises(AccessDenied):
        await auth.join("node", name="new")
