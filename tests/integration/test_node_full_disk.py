# SPDX-License-Identifier: Apache-2.0
"""A node whose disk is full: strict sessions end, others go on and say what is missing."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from proctor.model.resources import RecordSession, RoleOptions
from testing.node import NodeUnderTest, role
from testing.polling import auntil

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, and a small file system")
FLOOD = "head -c 2000000 /dev/urandom | base64; echo the end"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB where the node keeps its recordings."""
    place = tmp_path / "data/log/upload/sessions/default"
    place.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("no file system can be mounted")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
async def node(small_disk: Path, tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    """A node that can keep few recordings."""
    node = NodeUnderTest(tmp_path)
    assert node.boot.upload_dir == small_disk
    strict = RoleOptions(record_session=RecordSession(default="strict"))
    node.set_roles(role("access", logins=[node.login]), role("strict", logins=[node.login], options=strict))
    async with node.running():
        yield node


def fill(directory: Path) -> None:
    """Use all the space there is."""
    with (directory / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="space"):
        while True:
            filler.write(bytes(512))


async def test_strict_session_is_ended(node: NodeUnderTest) -> None:
    bob = node.person("bob", roles=["strict"])

    with bob.terminal(f"{FLOOD}; sleep 60") as terminal:
        await asyncio.to_thread(terminal.expect, "ended because it cannot be recorded")
        assert await asyncio.to_thread(terminal.wait) == 255

    (loss,) = await auntil(lambda: node.events("session.loss"))
    assert "No space left on device" in loss["reason"]
    assert loss["lost"]["bytes"] > 0


async def test_strict_session_does_not_begin(node: NodeUnderTest) -> None:
    fill(node.boot.upload_dir)
    bob = node.person("bob", roles=["strict"])

    done = await bob.ssh("-tt", "echo never")

    assert done.status == 254
    assert "cannot be written: No space left on device" in done.stderr
    assert done.stdout == b""


async def test_other_sessions_go_on(node: NodeUnderTest) -> None:
    alice = node.person()

    done = await alice.ssh("-tt", FLOOD)

    assert done.status == 0
    assert done.stdout.endswith(b"the end\r\n")
    (loss,) = await auntil(lambda: node.events("session.loss"))
    assert "No space left on device" in loss["reason"]
    assert await auntil(lambda: node.events("session.end"))
