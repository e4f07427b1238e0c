# SPDX-License-Identifier: Apache-2.0
"""The parent of the sessions' cgroups is removed, unmounted or full: no session is refused for good."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from proctor.captureproto.cgroup import CgroupTree, remove
from proctor.config.schema import EnhancedRecording, SshService
from proctor.model.resources import RoleOptions
from testing.capture import cgroup_mount
from testing.node import NodeUnderTest, role
from testing.polling import auntil, until
from testing.processes import descendants


def node_with(directory: Path, cgroup_path: Path) -> NodeUnderTest:
    """A node that records commands, with its cgroups below ``cgroup_path``."""
    recording = EnhancedRecording(
        enabled=True, cgroup_path=str(cgroup_path), root_path=f"/proctor-tree-{os.getpid()}/below"
    )
    node = NodeUnderTest(directory, SshService(enhanced_recording=recording))
    node.set_roles(role("access", logins=[node.login], options=RoleOptions(enhanced_recording=["command"])))
    return node


def run(*argv: str) -> None:
    """Run a program that must succeed."""
    subprocess.run(argv, check=True)


def tree_of(node: NodeUnderTest) -> CgroupTree:
    """Where the sessions' cgroups of ``node`` are."""
    recording = node.ssh_service.enhanced_recording
    return CgroupTree(recording.cgroup_path, recording.root_path, node.boot.run_id)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    """A running node."""
    node = node_with(tmp_path, cgroup_mount())
    async with node.running():
        yield node


async def recorded(node: NodeUnderTest) -> None:
    """A session begins, and its commands are in the record."""
    before = len(node.events("session.ledger"))
    done = await node.person().ssh("/bin/echo he''re")
    assert (done.stdout, done.stderr) == (b"here\n", "")
    ledger = (await auntil(lambda: node.events("session.ledger")[before:]))[0]
    assert ledger["submitted"] == ledger["stored"] == {"command": 2}


@pytest.mark.parametrize("levels", [1, 2, 3])
async def test_removed_parents_are_made_again(node: NodeUnderTest, levels: int) -> None:
    await recorded(node)
    directory = tree_of(node).root
    await auntil(lambda: not any(path.is_dir() for path in directory.iterdir()))
    for _ in range(levels):
        directory.rmdir()
        directory = directory.parent

    await recorded(node)
    await recorded(node)


async def test_parent_removed_while_a_session_runs_outside_it(node: NodeUnderTest) -> None:
    """Root may move processes away and remove the session's cgroup: they stay recorded, and are hung up."""
    tree = tree_of(node)
    with node.person().terminal() as terminal:
        await asyncio.to_thread(terminal.line, "echo he''re")
        await asyncio.to_thread(terminal.expect, "here")
        (cgroup,) = [path for path in tree.root.iterdir() if path.is_dir()]
        elsewhere = tree.mount / f"proctor-elsewhere-{os.getpid()}"
        elsewhere.mkdir()
        try:
            pids = [int(pid) for pid in (cgroup / "cgroup.procs").read_text().split()]
            for pid in pids:
                (elsewhere / "cgroup.procs").write_text(str(pid))
            cgroup.rmdir()
            tree.root.rmdir()

            await recorded(node)
            await asyncio.to_thread(terminal.line, "/bin/echo still he''re; exit")
            await asyncio.to_thread(terminal.expect, "still here")
            await asyncio.to_thread(terminal.wait)
            await auntil(lambda: len(node.events("session.end")) == 2)
        finally:
            await auntil(lambda: remove(elsewhere))
    assert len(node.events("session.command", program="echo")) == 2


def limit(tree: CgroupTree, name: str, value: str) -> None:
    """Set a limit of the parent of all sessions."""
    (tree.root / name).write_text(value)


async def test_limit_of_descendants_is_reported_and_not_for_good(node: NodeUnderTest) -> None:
    await recorded(node)
    tree = tree_of(node)
    limit(tree, "cgroup.max.descendants", "0")

    done = await node.person().ssh("echo never")
    assert (done.status, done.stdout) == (254, b"")
    assert "a parent allows no more cgroups below it" in done.stderr

    limit(tree, "cgroup.max.descendants", "max")
    await recorded(node)


async def test_limit_of_depth_is_reported(node: NodeUnderTest) -> None:
    tree = tree_of(node)
    limit(tree, "cgroup.max.depth", "0")

    done = await node.person().ssh("echo never")
    assert "a parent allows no more cgroups below it" in done.stderr

    limit(tree, "cgroup.max.depth", "max")
    await recorded(node)


async def test_cgroups_of_ended_sessions_are_removed(node: NodeUnderTest) -> None:
    """One is left when a monitor and its spawner were killed."""
    tree = tree_of(node)
    left = tree.create("6f0e8a43-3d6b-4f0d-8c21-000000000001").path
    limit(tree, "cgroup.max.descendants", "1")

    while (await node.person().ssh("echo here")).stdout != b"here\n":
        assert left.exists()

    assert not left.exists()


async def test_session_whose_cgroup_is_killed_from_outside_ends(node: NodeUnderTest) -> None:
    with node.person().terminal() as terminal:
        await asyncio.to_thread(terminal.line, "echo he''re")
        await asyncio.to_thread(terminal.expect, "here")
        (cgroup,) = [path for path in tree_of(node).root.iterdir() if path.is_dir()]
        (cgroup / "cgroup.kill").write_text("1")
        assert await asyncio.to_thread(terminal.wait) == 255
    await auntil(lambda: node.events("session.end"))
    await recorded(node)


@pytest.fixture
def own_mount(tmp_path: Path) -> Iterator[Path]:
    """A place where the agent mounts the hierarchy; whatever is mounted there in the end is undone."""
    place = tmp_path / "cgroup2"
    yield place
    while subprocess.run(["umount", str(place)], check=False, capture_output=True).returncode == 0:
        pass


async def test_unmounted_hierarchy_is_mounted_again(tmp_path: Path, own_mount: Path) -> None:
    node = node_with(tmp_path, own_mount)
    async with node.running():
        await recorded(node)
        await asyncio.to_thread(run, "umount", "--lazy", str(own_mount))
        await recorded(node)
        assert (own_mount / "cgroup.controllers").exists()


async def test_hierarchy_is_unmounted_while_a_session_runs(tmp_path: Path, own_mount: Path) -> None:
    node = node_with(tmp_path, own_mount)
    async with node.running():
        with node.person().terminal() as terminal:
            await asyncio.to_thread(terminal.line, "sleep 600 & echo pid=$!")
            pid = int((await asyncio.to_thread(terminal.expect, r"pid=(\d+)"))[1])
            await asyncio.to_thread(run, "umount", "--lazy", str(own_mount))
            await recorded(node)
            await asyncio.to_thread(terminal.line, "kill %1; exit")
            await asyncio.to_thread(terminal.wait)
        await auntil(lambda: len(node.events("session.end")) == 2)
        await auntil(lambda: not Path(f"/proc/{pid}").exists())


async def test_something_else_is_mounted_over_the_hierarchy(tmp_path: Path, own_mount: Path) -> None:
    node = node_with(tmp_path, own_mount)
    async with node.running():
        await recorded(node)
        await asyncio.to_thread(run, "mount", "-t", "tmpfs", "tmpfs", str(own_mount))
        await recorded(node)


@pytest.fixture
def process_limit() -> Iterator[Path]:
    """A cgroup of the pids controller, which the hierarchy of this kernel's version 1 or 2 has."""
    first, second = Path("/sys/fs/cgroup/pids"), cgroup_mount()
    if not (first / "cgroup.procs").exists() and "pids" not in _enabled(second):
        pytest.skip("no pids controller")
    parent = first if (first / "cgroup.procs").exists() else second
    place = parent / f"proctor-pids-{os.getpid()}"
    place.mkdir()
    yield place
    until(lambda: remove(place))


def _enabled(path: Path) -> list[str]:
    """Controllers that cgroups below ``path`` have."""
    file = path / "cgroup.subtree_control"
    return file.read_text().split() if file.exists() else []


@pytest.mark.parametrize("spare", [0, 1], ids=["monitor", "child"])
async def test_limit_of_processes_refuses_and_recovers(
    tmp_path: Path, process_limit: Path, spare: int
) -> None:
    """A spawner or a monitor that cannot fork says so, and the next session begins."""
    node = node_with(tmp_path, cgroup_mount())
    async with node.running():
        await recorded(node)
        (process_limit / "cgroup.procs").write_text(str(_spawner()))
        await auntil(lambda: (process_limit / "pids.current").read_text() == "1\n")
        (process_limit / "pids.max").write_text(str(1 + spare))

        done = await node.person().ssh("echo never")
        assert (done.status, done.stdout) == (254, b"")
        assert ("cannot start another process" in done.stderr) is (spare == 0)
        assert ("cannot be started: Resource temporarily" in done.stderr) is (spare == 1)

        (process_limit / "pids.max").write_text("max")
        await recorded(node)
        tree = tree_of(node)
        await auntil(lambda: not any(path.is_dir() for path in tree.root.iterdir()))


def _spawner() -> int:
    """The process id of the spawner that this test has started."""
    for pid, argv in descendants(os.getpid()).items():
        if "testing.spawner" in argv:
            return pid
    raise AssertionError("no spawner")
