# SPDX-License-Identifier: Apache-2.0
"""A node that has no auth service: what it knows of locks, and strict mode."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from proctor.core.clock import SYSTEM
from proctor.model.rbac.locks import revoke
from proctor.model.resources import Lock, LockSpec, LockTarget, Metadata, RoleOptions
from testing.node import NodeUnderTest, role

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the spawner needs root")


@pytest.mark.parametrize(("mode", "status"), [("strict", 255), ("best_effort", 0)])
async def test_node_that_hears_nothing(tmp_path: Path, mode: str, status: int) -> None:
    node = NodeUnderTest(tmp_path)
    options = RoleOptions(lock="strict" if mode == "strict" else "best_effort")
    node.set_roles(role("access", logins=[node.login], options=options))
    async with node.running():
        done = await node.person().ssh("true")
    assert done.status == status
    assert ("the list of locks is out of date here" in done.stderr) is (mode == "strict")


async def test_kept_locks_hold_without_the_auth_service(tmp_path: Path) -> None:
    node = NodeUnderTest(tmp_path)
    spec = LockSpec(target=LockTarget(user="alice", login=node.login), message="see me")
    lock = Lock(metadata=Metadata(name="one"), spec=spec)
    gone = revoke("bob", [], SYSTEM.now(), SYSTEM.now())
    roles = role("access", logins=[node.login])
    bundle = node.bundle(roles, locks=[lock], revocations=[gone])
    node.boot.access_bundle.write_bytes(bundle.json)
    async with node.running():
        alice, bob, carol = [await node.person(name).ssh("true") for name in ("alice", "bob", "carol")]
    assert (alice.status, bob.status, carol.status) == (255, 0, 0)
    assert f'lock targeting User:"alice" Login:"{node.login}" is in force: see me' in alice.stderr
