# SPDX-License-Identifier: Apache-2.0
"""Access bundles as nodes get them from the auth service."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from proctor.core.clock import FakeClock
from proctor.core.errors import Unauthenticated
from proctor.model.bundle import LIFETIME, NAMESPACE, AccessBundle, read_bundle
from proctor.model.resources import Metadata, Role
from proctor.model.serde import to_json
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.identity_files import Credentials
from proctor.sshkit import sshsig
from testing.auth import RunningAuth, running_auth


async def fetch(auth: RunningAuth, node: Credentials) -> pb.AccessBundle:
    answer: pb.AccessBundle = await auth.call(node, "auth.GetAccessBundle", pb.GetAccessBundleRequest())
    return answer


def verified(bundle: pb.AccessBundle, host_id: str, node: Credentials, clock: FakeClock) -> AccessBundle:
    """As the node's privileged side does, with the user CA that it has known since it joined."""
    trusted = node.authorities.user_ssh_ca
    sshsig.verify(bundle.signature, NAMESPACE, bundle.json, trusted, clock.now())
    return read_bundle(bundle.json, host_id, clock.now())


async def test_bundle_is_for_the_node_that_asks(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running_auth(tmp_path, clock) as auth:
        host_id, node = await auth.join("node")
        before = verified(await fetch(auth, node), host_id, node, clock)
        role = Role(metadata=Metadata(name="fresh"))
        await auth.call(
            auth.admin, "auth.PutDocument", pb.PutDocumentRequest(json=to_json(role), overwrite=False)
        )
        clock.advance(0.001)

        after = verified(await fetch(auth, node), host_id, node, clock)

        assert after.host_id == host_id
        assert {role.metadata.name for role in after.roles} - {r.metadata.name for r in before.roles} == {
            "fresh"
        }
        assert after.sequence > before.sequence


async def test_key_is_renewed_before_what_it_signed_expires(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running_auth(tmp_path, clock) as auth:
        host_id, node = await auth.join("node")
        for _ in range(40):
            signed = await fetch(auth, node)
            clock.advance((LIFETIME - timedelta(seconds=1)).total_seconds())
            verified(signed, host_id, node, clock).check_current(clock.now())


async def test_restarted_auth_service_signs_with_another_key(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running_auth(tmp_path, clock) as auth:
        host_id, node = await auth.join("node")
        first = await fetch(auth, node)
    async with running_auth(tmp_path, clock) as auth:
        second = await fetch(auth, node)

    assert verified(first, host_id, node, clock) == verified(second, host_id, node, clock)
    assert first.signature != second.signature
    with pytest.raises(Unauthenticated):
        sshsig.verify(
            first.signature, NAMESPACE, second.json + b" ", node.authorities.user_ssh_ca, clock.now()
        )
