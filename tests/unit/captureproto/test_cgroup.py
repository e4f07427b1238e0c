# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from proctor.captureproto.cgroup import CgroupTree, below, is_populated, remove, thaw
from proctor.captureproto.members import SessionProcesses
from proctor.core.errors import BadRequest, Unavailable

RUN, SID = str(uuid.uuid4()), str(uuid.uuid4())


def test_place_of_a_session(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path, "/teleport", RUN)
    tree.root.mkdir(parents=True)

    cgroup = tree.create(SID)

    assert cgroup.path == tmp_path / "teleport" / RUN / SID
    assert cgroup.id == cgroup.path.stat().st_ino
    with pytest.raises(Unavailable, match="cannot make"):
        tree.create(SID)


@pytest.mark.parametrize("sid", ["", "..", "../../etc", "x" * 36])
def test_only_uuids_become_names(tmp_path: Path, sid: str) -> None:
    with pytest.raises(BadRequest):
        CgroupTree(tmp_path, "/teleport", RUN).create(sid)
    with pytest.raises(BadRequest):
        CgroupTree(tmp_path, "/teleport", sid)


def test_root_stays_in_the_hierarchy(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="leaves"):
        CgroupTree(tmp_path, "/a/../..", RUN)


def test_removal_is_deepest_first_and_forgiving(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path, "/teleport", RUN)
    tree.root.mkdir(parents=True)
    nested = tree.create(SID).path / "a/b"
    nested.mkdir(parents=True)

    assert tree.remove(SID)
    assert tree.remove(SID)
    assert list(tree.root.iterdir()) == []


def test_removal_says_when_something_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "busy").mkdir()
    (tmp_path / "busy/file").touch()

    assert not remove(tmp_path / "busy")


def test_close_removes_what_the_run_has_made(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path, "/deep/teleport", RUN)
    tree.root.mkdir(parents=True)
    tree.create(SID)

    tree.close()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "populated"), [("populated 1\nfrozen 0\n", True), ("populated 0\nfrozen 0\n", False)]
)
def test_populated(tmp_path: Path, content: str, populated: bool) -> None:
    (tmp_path / "cgroup.events").write_text(content)

    assert is_populated(tmp_path) is populated
    assert not is_populated(tmp_path / "gone")


def test_root_nests_as_deep_as_it_likes(tmp_path: Path) -> None:
    """Deeper than this interpreter's stack."""
    top = deepest = tmp_path / "top"
    top.mkdir()
    for _ in range(1500):
        deepest /= "d"
        deepest.mkdir()
    (deepest / "cgroup.freeze").write_text("1")

    assert len(below(top)) == 1501
    thaw(top)
    assert (deepest / "cgroup.freeze").read_text() == "0"
    SessionProcesses(1, top, bytes).bring_back()
    (deepest / "cgroup.freeze").unlink()
    assert remove(top)
    assert not top.exists()
