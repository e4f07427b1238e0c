from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from proctor.core.errors import AccessDenied, Unavailable
from proctor.model.resources import Role
from proctor.model.serde import to_json
from proctor.node.cache import AccessCache
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.client import Client
from tests.support.node import role


class Auth:
    """An auth service that knows ``known`` while it is ``up``."""

    def __init__(self, *known: Role) -> None:
        self.known = list(known)
        self.up = True
        self.calls = 0
        self.auth = SimpleNamespace(GetRoles="GetRoles", GetAuthorities="GetAuthorities")

    async def call(self, method: str, _request: Any, *, timeout: float) -> Any:
        self.calls += 1
        if not self.up:
            raise Unavailable("down")
        if method == "GetRoles":
            return pb.Documents(json=[to_json(document) for document in self.known])
        return pb.Authorities(user_ssh_ca=["ssh-ed25519 NEW"])

    def connect(self) -> Client:
        return cast(Client, self)


async def test_roles_are_asked_for_once(tmp_path: Path) -> None:
    auth = Auth(role("access", logins=["root"]))
    cache = AccessCache(tmp_path / "access.json", ["ssh-ed25519 OLD"], auth.connect)
    assert cache.user_ssh_ca == ["ssh-ed25519 OLD"]

    assert await cache.roles(["access"]) == auth.known
    calls = auth.calls
    assert await cache.roles(["access"]) == auth.known

    assert auth.calls == calls
    assert cache.user_ssh_ca == ["ssh-ed25519 NEW"]


async def test_what_was_known_is_kept_on_disk(tmp_path: Path) -> None:
    auth = Auth(role("access", logins=["root"]))
    await AccessCache(tmp_path / "access.json", [], auth.connect).refresh()
    auth.up = False

    cache = AccessCache(tmp_path / "access.json", ["ssh-ed25519 OLD"], auth.connect)

    assert not await cache.refresh()
    assert not cache.reachable
    assert await cache.roles(["access"]) == auth.known
    assert cache.user_ssh_ca == ["ssh-ed25519 NEW"]


async def test_role_that_is_not_to_be_had_denies_everything(tmp_path: Path) -> None:
    auth = Auth(role("access", logins=["root"]))
    cache = AccessCache(tmp_path / "access.json", [], auth.connect)

    with pytest.raises(AccessDenied, match="role strict of the certificate is not known"):
        await cache.roles(["access", "strict"])
    with pytest.raises(AccessDenied, match="names no roles"):
        await cache.roles([])


async def test_removed_role_is_forgotten(tmp_path: Path) -> None:
    auth = Auth(role("access", logins=["root"]), role("extra", logins=["root"]))
    cache = AccessCache(tmp_path / "access.json", [], auth.connect)
    await cache.refresh()
    auth.known.pop()
    await cache.refresh()

    with pytest.raises(AccessDenied):
        await cache.roles(["extra"])


async def test_damaged_file_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "access.json").write_text('{"roles": [{"kind": "user"}]}')

    cache = AccessCache(tmp_path / "access.json", ["ssh-ed25519 OLD"], Auth().connect)

    assert cache.user_ssh_ca == ["ssh-ed25519 OLD"]
