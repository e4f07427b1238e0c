# SPDX-License-Identifier: Apache-2.0
"""Locks and revocation at the auth service: issue, calls, the stream of bundles, the key revocation list."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from msgspec.structs import replace

from proctor.auth.presets import PRESETS
from proctor.core.clock import SYSTEM, format_time
from proctor.core.errors import AccessDenied, AlreadyExists, BadRequest, NotFound, Unauthenticated
from proctor.model import serde
from proctor.model.bundle import AccessBundle
from proctor.model.resources import (
    Conditions,
    Lock,
    LockSpec,
    LockTarget,
    Metadata,
    Node,
    NodeSpec,
    Role,
    Rule,
    User,
    UserSpec,
)
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.identity_files import Credentials
from proctor.sshkit.certs import read_user_certificate
from testing.auth import PASSWORD, RunningAuth, otp_code, running_auth

NODES = pb.ListDocumentsRequest(kind="node")
ROLES = pb.ListDocumentsRequest(kind="role")


@pytest.fixture
async def auth(tmp_path: Path) -> AsyncIterator[RunningAuth]:
    async with running_auth(tmp_path) as running:
        yield running


def a_lock(name: str = "one", *, message: str = "", expires: str = "", **target: str) -> Lock:
    spec = LockSpec(target=LockTarget(**target), message=message, expires=expires)
    return Lock(metadata=Metadata(name=name), spec=spec)


async def put(auth: RunningAuth, lock: Lock, by: Credentials | None = None, *, force: bool = False) -> Lock:
    request = pb.PutDocumentRequest(json=serde.to_json(lock), overwrite=force)
    return serde.from_json((await auth.call(by or auth.admin, "auth.PutDocument", request)).json, Lock)


async def delete(auth: RunningAuth, kind: str, name: str) -> None:
    await auth.call(auth.admin, "auth.DeleteDocument", pb.DocumentRequest(kind=kind, name=name))


async def add(auth: RunningAuth, name: str, *roles: str, logins: tuple[str, ...] = ("root",)) -> Credentials:
    await auth.call(
        auth.admin,
        "auth.CreateUser",
        pb.CreateUserRequest(name=name, roles=roles or ["access"], logins=logins),
    )
    return await auth.sign(name)


async def beat(auth: RunningAuth, host_id: str, credentials: Credentials, name: str) -> None:
    node = Node(metadata=Metadata(name=host_id), spec=NodeSpec(hostname=name, addr="127.0.0.1:3022"))
    await auth.call(credentials, "auth.Heartbeat", pb.HeartbeatRequest(node=serde.to_json(node)))


async def test_lock_says_who_made_it_and_is_audited(auth: RunningAuth) -> None:
    alice = await add(auth, "alice", "editor")
    expires = format_time(SYSTEM.now() + timedelta(hours=1))

    made = await put(auth, a_lock("one", user="mallory", message="gone", expires=expires), alice)
    assert (made.spec.created_by, made.spec.expires) == ("alice", expires)
    assert made.spec.created_at
    listed = await auth.call(auth.admin, "auth.ListDocuments", pb.ListDocumentsRequest(kind="lock"))
    assert [serde.from_json(raw, Lock) for raw in listed.json] == [made]
    with pytest.raises(AlreadyExists):
        await put(auth, a_lock("one", user="other"))
    await put(auth, a_lock("one", role="access"), force=True)
    await delete(auth, "lock", "one")
    with pytest.raises(NotFound):
        await delete(auth, "lock", "one")

    first, second, third = auth.events("lock.created", "lock.deleted")
    assert (first["code"], first["user"], first["name"]) == ("TLK00I", "alice", "one")
    assert (first["target"], first["message"], first["expires"]) == ({"user": "mallory"}, "gone", expires)
    assert (second["code"], second["target"]) == ("TLK00I", {"role": "access"})
    assert (third["code"], third["event"], third["target"]) == ("TLK01I", "lock.deleted", {"role": "access"})


@pytest.mark.parametrize(
    ("lock", "reason"),
    [
        (a_lock(), "nothing is named that is to be locked"),
        (a_lock(device="x", windows_desktop="y"), "(?s)Windows desktops.*devices"),
        (a_lock(user="x", expires="tomorrow"), "not a time"),
        (a_lock(user="x", expires="2001-01-01T00:00:00Z"), "expired already"),
    ],
)
async def test_lock_that_locks_nothing_is_refused(auth: RunningAuth, lock: Lock, reason: str) -> None:
    with pytest.raises(BadRequest, match=reason):
        await put(auth, lock)
    assert not auth.events("lock.created")


@pytest.mark.parametrize("key", ["user", "role", "mfa_device", "all"])
async def test_locked_people_do_not_log_in(auth: RunningAuth, key: str) -> None:
    _, proxy = await auth.join("proxy")
    secret = await auth.add_user("alice", ["access", "editor"], ["root"], proxy)
    device = auth.events("mfa.add")[0]["mfa_device_uuid"]
    login = pb.LoginRequest(username="alice", password=PASSWORD, otp_code=otp_code(secret))
    targets = {"user": "alice", "role": "editor", "mfa_device": device}
    target = targets if key == "all" else {key: targets[key]}
    await put(auth, a_lock(message="see me", **target))
    await put(auth, a_lock("other", user="alice", role="no such role"))

    with pytest.raises(AccessDenied) as refused:
        await auth.call(proxy, "auth.Login", login)

    names = {"user": "User", "role": "Role", "mfa_device": "MFADevice"}
    shown = " ".join(f'{names[name]}:"{target[name]}"' for name in names if name in target)
    assert refused.value.message == f"lock targeting {shown} is in force: see me"
    (failed,) = auth.events("user.login")
    assert (failed["success"], failed["error"]) == (False, refused.value.message)
    login.password = "wrong"
    with pytest.raises(AccessDenied, match="invalid username"):
        await auth.call(proxy, "auth.Login", login)


@pytest.mark.parametrize(
    "target", [{"user": "alice"}, {"role": "editor"}, {"user": "alice", "role": "editor"}]
)
async def test_calls_of_locked_people_are_refused(auth: RunningAuth, target: dict[str, str]) -> None:
    alice = await add(auth, "alice", "editor")
    bob = await add(auth, "bob", "auditor")
    await auth.call(alice, "auth.ListDocuments", ROLES)
    await put(auth, a_lock(**target))
    for call in (auth.sign("alice"), auth.call(alice, "auth.ListDocuments", ROLES)):
        with pytest.raises(AccessDenied, match=r"^lock targeting .* is in force$"):
            await call
    await auth.call(bob, "auth.Ping", pb.PingRequest())
    await delete(auth, "lock", "one")
    await auth.call(alice, "auth.ListDocuments", ROLES)


async def test_lock_ends_by_itself(auth: RunningAuth) -> None:
    alice = await add(auth, "alice", "editor")
    await put(auth, a_lock(user="alice", expires=format_time(SYSTEM.now() + timedelta(milliseconds=700))))
    with pytest.raises(AccessDenied):
        await auth.call(alice, "auth.ListDocuments", ROLES)
    async with asyncio.timeout(10):
        while True:
            try:
                await auth.call(alice, "auth.ListDocuments", ROLES)
            except AccessDenied:
                continue
            break


async def test_locked_logins_are_left_out_of_new_certificates(auth: RunningAuth) -> None:
    await add(auth, "alice", logins=("root", "ubuntu"))
    await put(auth, a_lock(login="root"))
    assert "root" not in principals(await auth.sign("alice"))
    assert "ubuntu" in principals(await auth.sign("alice"))
    await delete(auth, "lock", "one")
    assert "root" in principals(await auth.sign("alice"))


def principals(credentials: Credentials) -> str:
    shown = subprocess.run(
        ["ssh-keygen", "-L", "-f", "-"], check=True, input=credentials.ssh_certificate, capture_output=True
    )
    return shown.stdout.decode()


@pytest.mark.parametrize("key", ["server_id", "node"])
async def test_locked_host_reports_nothing_but_delivers(auth: RunningAuth, key: str) -> None:
    host_id, node = await auth.join("node", name="web")
    await beat(auth, host_id, node, "web")
    await put(auth, a_lock(message="hands off", **{key: host_id if key == "server_id" else "web"}))
    with pytest.raises(AccessDenied, match="is in force: hands off"):
        await beat(auth, host_id, node, "web")
    await auth.call(node, "auth.Ping", pb.PingRequest())
    await auth.call(node, "auth.GetAccessBundle", pb.GetAccessBundleRequest())
    with pytest.raises(AccessDenied, match="is in force: hands off"):
        await auth.join("node", name="web", host_id=host_id)


async def test_the_auth_host_does_not_lock_itself_out(auth: RunningAuth) -> None:
    await put(auth, a_lock(server_id=auth.host_uuid))
    await delete(auth, "lock", "one")


@pytest.mark.parametrize("how", ["rm", "reset"])
async def test_certificates_of_removed_and_reset_people_are_revoked(auth: RunningAuth, how: str) -> None:
    old = await add(auth, "alice", "editor")
    bob = await add(auth, "bob", "editor")
    if how == "rm":
        await delete(auth, "user", "alice")
        again = User(metadata=Metadata(name="alice"), spec=UserSpec(roles=["editor"]))
        await auth.call(auth.admin, "auth.PutDocument", pb.PutDocumentRequest(json=serde.to_json(again)))
    else:
        await auth.call(auth.admin, "auth.ResetUser", pb.ResetUserRequest(name="alice"))
    new = await auth.sign("alice")
    with pytest.raises(Unauthenticated, match="has been revoked"):
        await auth.call(old, "auth.ListDocuments", ROLES)
    await auth.call(new, "auth.ListDocuments", ROLES)
    await auth.call(bob, "auth.ListDocuments", ROLES)


async def test_revocation_outlives_a_restart(tmp_path: Path) -> None:
    async with running_auth(tmp_path) as auth:
        alice = await add(auth, "alice", "editor")
        carol = await add(auth, "carol", "editor")
        await put(auth, a_lock(user="carol"))
        await auth.call(auth.admin, "auth.ResetUser", pb.ResetUserRequest(name="alice"))
    async with running_auth(tmp_path) as auth:
        with pytest.raises(Unauthenticated, match="has been revoked"):
            await auth.call(alice, "auth.ListDocuments", ROLES)
        with pytest.raises(AccessDenied, match="lock targeting"):
            await auth.call(carol, "auth.ListDocuments", ROLES)


async def test_removed_node_must_join_again(auth: RunningAuth) -> None:
    host_id, old = await auth.join("node", name="web")
    _, proxy_of_the_host = await auth.join("proxy", name="web", host_id=host_id)
    await beat(auth, host_id, old, "web")
    await delete(auth, "node", host_id)

    for method, request in (
        ("auth.Ping", pb.PingRequest()),
        ("auth.GetAuthorities", pb.GetAuthoritiesRequest()),
    ):
        with pytest.raises(Unauthenticated, match="certificate of this host has been revoked"):
            await auth.call(old, method, request)
    with pytest.raises(Unauthenticated, match="certificate of this host has been revoked"):
        await beat(auth, host_id, old, "web")
    await auth.call(proxy_of_the_host, "auth.Ping", pb.PingRequest())
    assert not (await auth.call(auth.admin, "auth.ListDocuments", NODES)).json
    with pytest.raises(NotFound):
        await delete(auth, "node", host_id)

    _, new = await auth.join("node", name="web", host_id=host_id)
    await beat(auth, host_id, new, "web")
    with pytest.raises(Unauthenticated):
        await beat(auth, host_id, old, "web")


class Watch:
    """Bundles as a host receives them."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def next(self) -> AccessBundle:
        """The next one that is not empty."""
        async with asyncio.timeout(10):
            while not (message := await self._call.read()).json:
                pass
        return serde.from_json(message.json, AccessBundle)


@asynccontextmanager
async def watching(auth: RunningAuth, credentials: Credentials) -> AsyncIterator[Watch]:
    client = auth.client(credentials)
    call = client.auth.WatchAccessBundle()
    try:
        yield Watch(call)
    finally:
        call.cancel()
        await client.close()


@pytest.mark.parametrize("role", ["node", "proxy"])
async def test_changes_are_pushed(auth: RunningAuth, role: str) -> None:
    host_id, credentials = await auth.join(role)
    await add(auth, "alice")
    async with watching(auth, credentials) as watch:
        first = await watch.next()
        assert (first.host_id, first.locks, first.revocations) == (host_id, [], [])
        made = await put(auth, a_lock(user="alice"))
        assert (await watch.next()).locks == [made]
        await delete(auth, "lock", "one")
        assert (await watch.next()).locks == []
        await delete(auth, "user", "alice")
        assert [each.holder for each in (await watch.next()).revocations] == ["alice"]
        removed, _ = await auth.join("node")
        await delete(auth, "node", removed)
        assert (await watch.next()).removed_hosts == [removed]
        await auth.join("node", host_id=removed)
        assert (await watch.next()).removed_hosts == []


async def test_removed_host_is_notified_and_receives_nothing_else(auth: RunningAuth) -> None:
    host_id, credentials = await auth.join("node")
    await put(auth, a_lock(user="alice"))
    async with watching(auth, credentials) as watch:
        await watch.next()
        await delete(auth, "node", host_id)
        last = await watch.next()
    assert (last.removed_hosts, last.roles, last.locks) == ([host_id], [], [])
    async with watching(auth, credentials) as watch:
        assert (await watch.next()).removed_hosts == [host_id]
    await auth.join("node", host_id=host_id)
    with pytest.raises(grpc.RpcError, match="certificate of this host has been revoked"):
        async with watching(auth, credentials) as watch:
            await watch.next()


async def test_plain_openssh_finds_what_is_revoked_and_locked(auth: RunningAuth, tmp_path: Path) -> None:
    people = {
        name: await add(auth, name, logins=("root",) if name == "rooted" else ("ubuntu",))
        for name in ("removed", "reset", "locked", "rooted", "free")
    }
    free = await add(auth, "other", "editor")
    host_id, node = await auth.join("node", name="web")
    locked_id, locked_node = await auth.join("node", name="db")
    _, other = await auth.join("node", name="cache")
    await delete(auth, "user", "removed")
    await auth.call(auth.admin, "auth.ResetUser", pb.ResetUserRequest(name="reset"))
    await put(auth, a_lock("1", user="locked"))
    await put(auth, a_lock("2", login="root"))
    await put(auth, a_lock("3", user="free", server_id=host_id))
    await put(auth, a_lock("4", server_id=locked_id))
    await put(auth, a_lock("5", role="editor"))
    await delete(auth, "node", host_id)
    krl = (await auth.call(other, "auth.GetRevocationList", pb.GetRevocationListRequest())).krl
    (tmp_path / "krl").write_bytes(krl)
    hosts = {"web": node, "db": locked_node, "cache": other}

    found = {name: revoked(tmp_path, each) for name, each in {**people, **hosts, "other": free}.items()}
    assert found == {
        "removed": True, "reset": True, "locked": True, "rooted": True, "free": False, "other": True,
        "web": True, "db": True, "cache": False,
    }  # fmt: skip
    assert not revoked(tmp_path, await auth.sign("reset")), "a certificate issued afterwards"
    assert not any(name.encode() in krl for name in (*people, *hosts)), "anybody may fetch the list"


def revoked(directory: Path, credentials: Credentials) -> bool:
    (directory / "cert.pub").write_bytes(credentials.ssh_certificate)
    asked = subprocess.run(
        ["ssh-keygen", "-Q", "-f", directory / "krl", directory / "cert.pub"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ("REVOKED" in asked.stdout) is (asked.returncode == 1), asked
    return asked.returncode == 1


async def test_serial_numbers_are_in_the_log(auth: RunningAuth) -> None:
    await add(auth, "alice")
    await auth.sign("alice")
    _, node = await auth.join("node", name="web")
    events = auth.events("cert.create")
    assert [event["cert_type"] for event in events] == ["user", "user", "host"]
    serials = [event["serial"] for event in events]
    assert len(set(serials)) == len(serials)
    assert f"Serial: {serials[-1]}" in principals(node)


async def test_the_editor_of_former_versions_may_make_locks(tmp_path: Path) -> None:
    """The preset role is brought up to date, unless somebody has changed it."""
    former = Rule(
        resources=["user", "role", "token", "node"], verbs=["list", "read", "create", "update", "delete"]
    )
    (editor,) = (role for role in PRESETS if role.metadata.name == "editor")
    for rules, replaced in (([former], True), ([former, former], False)):
        allow = Conditions(rules=rules)
        kept = replace(editor, spec=replace(editor.spec, allow=allow))
        async with running_auth(tmp_path) as auth:
            request = pb.PutDocumentRequest(json=serde.to_json(kept), overwrite=True)
            await auth.call(auth.admin, "auth.PutDocument", request)
        async with running_auth(tmp_path) as auth:
            wanted = pb.DocumentRequest(kind="role", name="editor")
            answer = await auth.call(auth.admin, "auth.GetDocument", wanted)
        found = serde.from_json(answer.json, Role).spec.allow.rules[0].resources
        assert ("lock" in found) is replaced


async def test_certificates_end_with_their_user(auth: RunningAuth) -> None:
    ends = SYSTEM.now() + timedelta(minutes=10)
    metadata = Metadata(name="temp", expires=format_time(ends))
    user = User(metadata=metadata, spec=UserSpec(roles=["access"]))
    await auth.call(auth.admin, "auth.PutDocument", pb.PutDocumentRequest(json=serde.to_json(user)))
    certificate = read_user_certificate((await auth.sign("temp")).ssh_certificate.decode())
    assert certificate.valid_before <= ends


async def test_lock_that_comes_while_somebody_logs_in(auth: RunningAuth) -> None:
    """Either the login fails, or its certificate is among those that the lock revokes."""
    await add(auth, "alice")
    signed, _ = await asyncio.gather(
        auth.sign("alice"), delete(auth, "user", "alice"), return_exceptions=True
    )
    if isinstance(signed, Credentials):
        with pytest.raises(Unauthenticated, match="has been revoked"):
            await auth.call(signed, "auth.ListDocuments", ROLES)
    else:
        assert isinstance(signed, AccessDenied | NotFound)


async def test_locking_mode_of_the_cluster_reaches_its_hosts(tmp_path: Path) -> None:
    async with running_auth(tmp_path, locking_mode="strict") as auth:
        _, node = await auth.join("node")
        async with watching(auth, node) as watch:
            bundle = await watch.next()
    assert bundle.locking_mode == "strict"
    assert bundle.is_strict([])
