# SPDX-License-Identifier: Apache-2.0
"""Whom a proxy refuses by the bundle it has last, and how long it gives out a key revocation list."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from proctor.core.clock import FakeClock
from proctor.core.errors import Unavailable
from proctor.model.bundle import REMOVED, make_bundle
from proctor.model.identity import UserIdentity
from proctor.model.rbac.locks import OUTDATED, REVOKED, Certificate, revoke
from proctor.model.resources import Lock, LockSpec, LockTarget, Metadata, Role, RoleOptions, RoleSpec
from proctor.model.serde import to_json
from proctor.proxy.lock_watch import LIST_SECONDS, ProxyLocks, RevocationList
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.auth_client import Client
from proctor.rpc.watch import STALE_SECONDS
from testing.polling import auntil

ALICE = UserIdentity(username="alice", roles=("access",), logins=("root",))
PROXY = "1048a649-8f3f-4431-9529-0c53339b65a5"
NODE = ("531dc1de-c2c9-49bd-a0e3-4f4f3a523f5f", "web")


class Auth:
    """An auth service: streams what is put into ``messages``, and counts the lists that are fetched."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[pb.AccessBundle] = asyncio.Queue()
        self.fetched = 0
        self.reachable = True
        self.auth = self
        self.GetRevocationList = None

    def connect(self) -> Client:
        if not self.reachable:
            raise Unavailable("down")
        return cast(Client, self)

    def WatchAccessBundle(self) -> Any:  # noqa: N802 - name of the RPC
        return SimpleNamespace(read=self.messages.get, cancel=lambda: None)

    async def call(self, _method: Any, _request: pb.GetRevocationListRequest) -> pb.RevocationList:
        self.fetched += 1
        return pb.RevocationList(krl=f"list {self.fetched}".encode())


class Fixture:
    """What a proxy knows, of an auth service of the test."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.auth = Auth()
        self.changes = 0
        self.locks = ProxyLocks(self.auth.connect, PROXY, "proxy", self.clock)
        self.locks.changed = self._changed

    def _changed(self) -> None:
        self.changes += 1

    async def take(self, *locks: Lock, roles: list[Role] | None = None, **fields: Any) -> None:
        """Have the proxy receive a bundle."""
        bundle = make_bundle(PROXY, "purple", roles or [], self.clock.now(), locks=list(locks), **fields)
        self.auth.messages.put_nowait(pb.AccessBundle(json=to_json(bundle)))
        self.auth.messages.put_nowait(pb.AccessBundle())
        await auntil(self.auth.messages.empty)

    def refusal(self, login: str = "", *, serial: int = 1) -> str:
        return self.locks.refusal(ALICE, Certificate(serial, self.clock.now()), login)

    def refusal_of_node(self, serial: int = 1) -> str:
        return self.locks.refusal_of_node(ALICE, Certificate(serial, self.clock.now()), NODE)


@pytest.fixture
async def fixture() -> AsyncIterator[Fixture]:
    fixture = Fixture()
    task = asyncio.ensure_future(fixture.locks.run())
    yield fixture
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def a_lock(**target: str) -> Lock:
    return Lock(metadata=Metadata(name="one"), spec=LockSpec(target=LockTarget(**target)))


def a_role(mode: str) -> Role:
    options = msgspec.structs.replace(RoleOptions(), lock=mode)
    return Role(metadata=Metadata(name="access"), spec=RoleSpec(options=options))


async def test_before_the_first_bundle_the_auth_service_alone_decides(fixture: Fixture) -> None:
    assert (fixture.refusal("root"), fixture.refusal_of_node()) == ("", "")


@pytest.mark.parametrize(
    ("target", "proxy", "node"),
    [
        ({"user": "alice"}, True, True),
        ({"role": "access"}, True, True),
        ({"user": "bob"}, False, False),
        ({"login": "root"}, True, False),  # the login at a node is for the node to judge
        ({"server_id": PROXY}, True, False),
        ({"node": "proxy"}, True, False),
        ({"server_id": NODE[0]}, False, True),
        ({"node": "web"}, False, True),
        ({"user": "alice", "node": "web"}, False, True),
    ],
)
async def test_locks(fixture: Fixture, target: dict[str, str], proxy: bool, node: bool) -> None:
    await fixture.take(a_lock(**target))
    assert bool(fixture.refusal("root")) == proxy
    assert bool(fixture.refusal_of_node()) == node


async def test_lock_is_lifted_by_the_next_bundle(fixture: Fixture) -> None:
    await fixture.take(a_lock(user="alice"))
    assert fixture.refusal() == 'lock targeting User:"alice" is in force'
    await fixture.take()
    assert fixture.refusal() == ""


async def test_revoked_certificate(fixture: Fixture) -> None:
    now = fixture.clock.now()
    await fixture.take(revocations=[revoke("alice", [1], now, now)])
    assert (fixture.refusal(serial=1), fixture.refusal_of_node(1)) == (REVOKED, REVOKED)
    assert (fixture.refusal(serial=2), fixture.refusal_of_node(2)) == ("", "")


async def test_removed_node(fixture: Fixture) -> None:
    await fixture.take(removed_hosts=[NODE[0]])
    assert (fixture.refusal(), fixture.refusal_of_node()) == ("", REMOVED)


@pytest.mark.parametrize(
    ("cluster", "role", "refusal"),
    [
        ("best_effort", "best_effort", ""),
        ("best_effort", "strict", OUTDATED),
        ("strict", "best_effort", OUTDATED),
    ],
)
async def test_strict_mode_refuses_when_the_auth_service_is_silent(
    fixture: Fixture, cluster: str, role: str, refusal: str
) -> None:
    await fixture.take(roles=[a_role(role)], locking_mode=cluster)
    fixture.clock.advance(STALE_SECONDS)
    assert fixture.refusal() == ""
    fixture.clock.advance(1)
    assert fixture.refusal() == refusal


async def test_only_what_says_more_is_a_change(fixture: Fixture) -> None:
    await fixture.take(a_lock(user="bob"))
    before = fixture.changes
    fixture.clock.advance(1)
    await fixture.take(a_lock(user="bob"))  # only issued later
    assert fixture.changes == before
    await fixture.take(a_lock(user="carol"))
    assert fixture.changes == before + 1


async def test_lock_makes_the_next_list_a_fresh_one(fixture: Fixture) -> None:
    await fixture.take()
    assert await fixture.locks.revocation_list() == b"list 1"
    await fixture.take()
    assert await fixture.locks.revocation_list() == b"list 1"
    await fixture.take(a_lock(user="alice"))
    assert await fixture.locks.revocation_list() == b"list 2"


async def test_many_at_once_have_one_list_fetched() -> None:
    auth, clock = Auth(), FakeClock()
    fetched = RevocationList(auth.connect, clock)
    assert await asyncio.gather(*(fetched.current() for _ in range(20))) == [b"list 1"] * 20
    clock.advance(LIST_SECONDS)
    assert await fetched.current() == b"list 2"
    fetched.forget()
    assert await fetched.current() == b"list 3"


async def test_older_list_when_the_auth_service_cannot_be_asked() -> None:
    auth, clock = Auth(), FakeClock()
    fetched = RevocationList(auth.connect, clock)
    await fetched.current()
    auth.reachable = False
    clock.advance(STALE_SECONDS)
    assert await fetched.current() == b"list 1"
    clock.advance(1)
    with pytest.raises(Unavailable):
        await fetched.current()
    auth.reachable = True
    assert await fetched.current() == b"list 2"


async def test_no_list_is_not_an_empty_list() -> None:
    auth = Auth()
    auth.reachable = False
    with pytest.raises(Unavailable):
        await RevocationList(auth.connect, FakeClock()).current()


async def test_what_is_revoked_while_a_list_is_fetched_is_on_the_next_one() -> None:
    auth, begun, answer = Auth(), asyncio.Event(), asyncio.Event()

    class Slow(Auth):
        async def call(self, method: Any, request: pb.GetRevocationListRequest) -> pb.RevocationList:
            found = await auth.call(method, request)
            begun.set()
            await answer.wait()
            return found

    fetched = RevocationList(Slow().connect, FakeClock())
    first = asyncio.ensure_future(fetched.current())
    async with asyncio.timeout(10):
        await begun.wait()
        fetched.forget()
        answer.set()
        assert await first == b"list 1"
        assert await fetched.current() == b"list 2"
