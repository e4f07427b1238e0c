# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from proctor.core.clock import SYSTEM
from proctor.core.errors import AccessDenied, Unavailable
from proctor.model.bundle import make_bundle
from proctor.model.rbac.locks import OUTDATED, Certificate, Subject
from proctor.model.resources import Lock, LockSpec, LockTarget, Metadata, Role, RoleOptions
from proctor.model.serde import to_json
from proctor.node.cache import RENEWED_AFTER, RENEWED_AFTER_WHEN_STRICT, AccessCache
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.auth_client import Client
from proctor.spawnerproto.messages import Answer, GetBundle, StoreBundle
from testing.node import role


class Auth:
    """An auth service that knows ``known`` while it is ``up``."""

    def __init__(self, *known: Role) -> None:
        self.known = list(known)
        self.up = True
        self.calls = 0
        self.age = timedelta(0)
        self.restrictions: dict[str, Any] = {}
        self.auth = SimpleNamespace(GetAccessBundle="GetAccessBundle")

    async def call(self, _method: str, _request: Any, *, timeout: float) -> Any:
        self.calls += 1
        if not self.up:
            raise Unavailable("down")
        bundle = make_bundle("host", "purple", self.known, SYSTEM.now() - self.age, **self.restrictions)
        return pb.AccessBundle(json=to_json(bundle), signature=b"signed")

    def connect(self) -> Client:
        return cast(Client, self)


class Spawner:
    """Keeps bundles, unless it ``refuses``."""

    def __init__(self) -> None:
        self.stored: list[bytes] = []
        self.refuses = False

    def ask(self, request: GetBundle | StoreBundle) -> Answer:
        if isinstance(request, GetBundle):
            return Answer(content=self.stored[-1] if self.stored else b"")
        if self.refuses:
            raise AccessDenied("the signature is wrong")
        self.stored.append(request.content)
        return Answer()


def make(auth: Auth, spawner: Spawner) -> AccessCache:
    return AccessCache(spawner.ask, ["ssh-ed25519 CA"], auth.connect)


async def test_roles_are_asked_for_once() -> None:
    auth = Auth(role("access", logins=["root"]))
    cache = make(auth, Spawner())

    assert (await cache.bundle(["access"])).roles == auth.known
    calls = auth.calls
    assert (await cache.bundle(["access"])).roles == auth.known

    assert auth.calls == calls
    assert cache.user_ssh_ca == ["ssh-ed25519 CA"]


async def test_what_the_spawner_has_kept_is_used_without_the_auth_service() -> None:
    auth, spawner = Auth(role("access", logins=["root"])), Spawner()
    await make(auth, spawner).refresh()
    auth.up = False

    cache = make(auth, spawner)
    await cache.load()

    assert not await cache.refresh()
    assert not cache.reachable
    assert (await cache.bundle(["access"])).roles == auth.known


async def test_what_was_kept_expires() -> None:
    auth, spawner = Auth(role("access", logins=["root"])), Spawner()
    auth.age = timedelta(days=30)
    cache = make(auth, spawner)

    with pytest.raises(AccessDenied, match="what this node knows of roles has expired"):
        await cache.bundle(["access"])


async def test_without_any_bundle_logins_are_refused() -> None:
    auth = Auth()
    auth.up = False

    with pytest.raises(AccessDenied, match="has not heard from the auth service yet"):
        await make(auth, Spawner()).bundle(["access"])


async def test_the_spawner_decides_what_is_known() -> None:
    auth, spawner = Auth(role("access", logins=["root"])), Spawner()
    cache = make(auth, spawner)
    await cache.refresh()
    auth.known.pop()
    spawner.refuses = True

    assert not await cache.refresh()

    assert cache.known(["access"]) is not None


async def test_bundles_that_say_the_same_are_passed_on_now_and_then() -> None:
    auth, spawner = Auth(role("access", logins=["root"])), Spawner()
    changes: list[None] = []
    cache = make(auth, spawner)
    cache.on_change = lambda: changes.append(None)
    auth.age = 2 * RENEWED_AFTER
    await cache.refresh()
    changes.clear()
    auth.age = RENEWED_AFTER * 1.5
    await cache.refresh()
    assert len(spawner.stored) == 1

    auth.age = timedelta(0)
    await cache.refresh()
    assert (len(spawner.stored), len(changes)) == (2, 0)

    auth.known.append(role("extra", logins=["root"]))
    await cache.refresh()
    assert (len(spawner.stored), len(changes)) == (3, 1)


async def test_removed_role_is_forgotten() -> None:
    auth = Auth(role("access", logins=["root"]), role("extra", logins=["root"]))
    cache = make(auth, Spawner())
    await cache.refresh()
    auth.known.pop()
    await cache.refresh()

    assert cache.known(["extra"]) is None


def a_lock(**target: str) -> Lock:
    return Lock(metadata=Metadata(name="one"), spec=LockSpec(target=LockTarget(**target)))


ALICE, ANY = Subject(user="alice", roles=("access",)), Certificate(1, SYSTEM.now())


async def test_locks_hold_even_if_the_spawner_cannot_keep_them() -> None:
    """Its disk may be full."""
    auth, spawner = Auth(role("access", logins=["root"])), Spawner()
    cache = make(auth, spawner)
    await cache.refresh()
    assert cache.refusal(ALICE, ANY) == ""
    changes: list[None] = []
    cache.on_change = lambda: changes.append(None)
    spawner.refuses = True
    auth.restrictions = {"locks": [a_lock(user="alice")]}

    assert not await cache.refresh()

    assert cache.refusal(ALICE, ANY) == 'lock targeting User:"alice" is in force'
    assert changes
    spawner.refuses = False
    await cache.refresh()
    assert b"alice" in spawner.stored[-1], "it is passed on once that works"


async def test_strict_mode_needs_an_auth_service_that_is_heard() -> None:
    strict = role("access", logins=["root"], options=RoleOptions(lock="strict"))
    auth, spawner = Auth(strict, role("other", logins=["root"])), Spawner()
    await make(auth, spawner).refresh()
    cache = make(auth, spawner)
    await cache.load()

    assert cache.refusal(ALICE, ANY) == OUTDATED, "nothing was heard since the start"
    assert cache.refusal(Subject(user="bob", roles=("other",)), ANY) == ""
    await cache.refresh()
    assert cache.refusal(ALICE, ANY) == ""


async def test_strict_mode_lets_the_spawner_know_more_often_how_old_the_locks_are() -> None:
    auth, spawner = Auth(role("access", logins=["root"])), Spawner()
    auth.restrictions = {"locking_mode": "strict"}
    cache = make(auth, spawner)
    auth.age = RENEWED_AFTER_WHEN_STRICT
    await cache.refresh()
    auth.age = RENEWED_AFTER_WHEN_STRICT / 2
    await cache.refresh()
    assert len(spawner.stored) == 1
    auth.age = timedelta(0)
    await cache.refresh()
    assert len(spawner.stored) == 2
