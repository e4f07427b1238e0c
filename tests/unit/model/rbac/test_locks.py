# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from proctor.model.identity import UserIdentity
from proctor.model.rbac.checks import lock_problems
from proctor.model.rbac.locks import (
    Certificate,
    Subject,
    describe,
    find_lock,
    is_revoked,
    locking_mode,
    matches,
    revoke,
)
from proctor.model.resources import Lock, LockSpec, LockTarget, Metadata, Role, RoleOptions, RoleSpec

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
ALICE = Subject(
    user="alice",
    roles=("access", "auditor"),
    login="root",
    server_id="1234",
    node_name="web",
    mfa_device="phone",
    access_requests=("first",),
)


def a_lock(message: str = "", expires: str = "", **target: str) -> Lock:
    spec = LockSpec(target=LockTarget(**target), message=message, expires=expires)
    return Lock(metadata=Metadata(name="one"), spec=spec)


@pytest.mark.parametrize(
    ("target", "matching"),
    [
        ({"user": "alice"}, True),
        ({"user": "Alice"}, False),
        ({"user": "a*"}, False),
        ({"user": "^alice$"}, False),
        ({"role": "auditor"}, True),
        ({"role": "editor"}, False),
        ({"login": "root"}, True),
        ({"login": "ubuntu"}, False),
        ({"server_id": "1234"}, True),
        ({"server_id": "web"}, False),
        ({"node": "1234"}, True),
        ({"node": "web"}, True),
        ({"node": "db"}, False),
        ({"mfa_device": "phone"}, True),
        ({"access_request": "first"}, True),
        ({"access_request": "second"}, False),
        ({"user": "alice", "role": "access", "login": "root", "server_id": "1234"}, True),
        ({"user": "alice", "login": "ubuntu"}, False),
        ({"user": "bob", "role": "access"}, False),
        ({"device": "phone"}, False),
        ({"user": "alice", "windows_desktop": "x"}, False),
        ({}, False),
    ],
)
def test_all_of_a_target_must_match_literally(target: dict[str, str], matching: bool) -> None:
    assert matches(LockTarget(**target), ALICE) is matching


@pytest.mark.parametrize("key", LockTarget.__struct_fields__)
def test_what_is_not_known_matches_nothing(key: str) -> None:
    assert not matches(LockTarget(**{key: "x"}), Subject())


def test_subject_of_a_certificate() -> None:
    user = UserIdentity(
        username="alice", roles=("access",), logins=("root",), mfa_device="phone", access_requests=("first",)
    )
    assert Subject.of(user) == Subject(
        user="alice", roles=("access",), mfa_device="phone", access_requests=("first",)
    )
    on_host = Subject.of(user, login="root", server_id="1", node_name="web")
    assert (on_host.login, on_host.server_id, on_host.node_name) == ("root", "1", "web")


def test_locks_end() -> None:
    lock = a_lock(user="alice", expires="2024-05-01T12:00:00Z")
    assert find_lock([lock], ALICE, NOW - timedelta(seconds=1)) == lock
    assert find_lock([lock], ALICE, NOW) is None
    other = a_lock(user="alice")
    assert find_lock([lock, other], ALICE, NOW) == other
    assert find_lock([a_lock(user="bob")], ALICE, NOW) is None


def test_message() -> None:
    assert describe(a_lock(user="alice")) == 'lock targeting User:"alice" is in force'
    several = a_lock("see me", server_id="1", user="alice", access_request="2")
    shown = 'lock targeting User:"alice" AccessRequest:"2" ServerID:"1" is in force: see me'
    assert describe(several) == shown


def test_revocation_is_exact_where_the_serial_number_is_known() -> None:
    revocation = revoke("alice", [7], NOW, NOW + timedelta(hours=30))

    def gone(serial: int, issued: datetime, holder: str = "alice") -> bool:
        return is_revoked([revocation], holder, Certificate(serial, issued))

    assert gone(7, NOW)
    assert not gone(8, NOW), "of the new user of that name, issued in the same second"
    assert not gone(8, NOW - timedelta(milliseconds=999))
    assert gone(8, NOW - timedelta(seconds=1)), "from before serial numbers were kept"
    assert not gone(7, NOW, "bob")


def test_strict_wins() -> None:
    strict, lax = (
        Role(metadata=Metadata(name=mode), spec=RoleSpec(options=RoleOptions(lock=mode)))
        for mode in ("strict", "best_effort")
    )
    silent = Role(metadata=Metadata(name="silent"))
    assert locking_mode([silent, lax], "best_effort") == "best_effort"
    assert locking_mode([silent, strict, lax], "best_effort") == "strict"
    assert locking_mode([lax], "strict") == "strict"
    assert locking_mode([], "strict") == "strict"


@pytest.mark.parametrize(
    ("lock", "paths"),
    [
        (a_lock(user="x"), []),
        (a_lock(), ["spec.target"]),
        (a_lock(device="x", windows_desktop="y"), ["spec.target.windows_desktop", "spec.target.device"]),
        (a_lock(expires="soon"), ["spec.target", "spec.expires"]),
        (a_lock(user="x", expires="9999-01-01T00:00:00Z"), ["spec.expires"]),
        (a_lock(user="x", expires="2030-01-01"), ["spec.expires"]),
    ],
)
def test_all_problems_at_once(lock: Lock, paths: list[str]) -> None:
    assert [".".join(path) for path, _ in lock_problems(lock)] == paths
