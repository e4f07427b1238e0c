# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import timedelta

import pytest

from proctor.cli.tctl.documents import parse, references
from proctor.cli.tctl.lock_command import LockFlags, locks_table, make_lock, node_id
from proctor.core.clock import SYSTEM, format_time, parse_time
from proctor.core.errors import BadRequest
from proctor.model.resources import Lock, LockTarget, Metadata, Node, NodeSpec


def test_lock_of_flags() -> None:
    lock = make_lock(LockFlags(user="alice", role="access", message="see me", ttl="90m"))
    assert lock.spec.target == LockTarget(user="alice", role="access")
    assert lock.spec.message == "see me"
    left = parse_time(lock.spec.expires) - SYSTEM.now()
    assert timedelta(minutes=89) < left <= timedelta(minutes=90)
    assert make_lock(LockFlags(user="alice")).spec.expires == ""
    assert make_lock(LockFlags(user="alice")).metadata.name != lock.metadata.name
    end = format_time(SYSTEM.now() + timedelta(days=1))
    assert make_lock(LockFlags(node="web", expires=end)).spec.expires == end
    assert "alice" in locks_table([lock])


@pytest.mark.parametrize(
    ("flags", "lines"),
    [
        (LockFlags(), ["nothing to lock; give one or more of --user, --role, --login, --node, --server-id"]),
        (LockFlags(device="x"), ["nothing to lock", "--device: not offered"]),
        (LockFlags(user="x", ttl="1h", expires="2030-01-01T00:00:00Z"), ["--ttl and --expires: give one"]),
        (LockFlags(user="x", ttl="soon"), ["--ttl: 'soon' is not a duration"]),
        (LockFlags(user="x", ttl="0"), ["--ttl: '0' is no time at all; leave --ttl out"]),
        (
            LockFlags(user="x", expires="2001-01-01T00:00:00Z"),
            ["--expires: 2001-01-01T00:00:00Z is in the past"],
        ),
        (LockFlags(user="x", expires="tomorrow"), ["--expires: 'tomorrow' is not a time"]),
        (
            LockFlags(message="\x1b[2J", ttl="-1h", windows_desktop="x"),
            ["nothing to lock", "--windows-desktop: not offered", "--message: not printable", "--ttl: '-1h'"],
        ),
    ],
)
def test_all_problems_at_once(flags: LockFlags, lines: list[str]) -> None:
    with pytest.raises(BadRequest) as refused:
        make_lock(flags)
    found = refused.value.message.split("\n")
    assert len(found) == len(lines)
    assert all(line.startswith(expected) for line, expected in zip(found, lines, strict=True)), found


def test_nodes_are_named_by_name_or_id() -> None:
    def node(uuid: str, name: str) -> Node:
        return Node(metadata=Metadata(name=uuid), spec=NodeSpec(hostname=name, addr="127.0.0.1:3022"))

    nodes = [node("1", "web"), node("2", "db"), node("3", "db")]
    assert node_id(nodes, "Web") == "1"
    assert node_id(nodes, "2") == "2"
    assert node_id(nodes, "gone") == "gone", "one that is not heard of any more has its id only"
    with pytest.raises(BadRequest, match="several nodes are named db"):
        node_id(nodes, "db")


def test_lock_in_a_file() -> None:
    text = (
        "kind: lock\nversion: v2\nmetadata: {name: one}\nspec:\n  target: {user: alice}\n  message: see me\n"
    )
    (lock,) = parse(text, "lock.yaml").resources
    assert isinstance(lock, Lock)
    assert (lock.spec.target.user, lock.spec.message) == ("alice", "see me")
    assert list(references(["locks", "lock/one"])) == [("lock", ""), ("lock", "one")]


def test_problems_of_a_file_have_places() -> None:
    text = (
        "kind: lock\nmetadata: {name: one}\nspec:\n"
        "  target: {usr: alice, device: x}\n  expires: soon\n"
        "---\nkind: lock\nmetadata: {name: two}\nspec: {target: {}}\n"
    )
    with pytest.raises(BadRequest) as refused:
        parse(text, "lock.yaml")
    lines = refused.value.message.split("\n")
    assert lines[0].startswith("lock.yaml:4:12: spec.target.usr: ")
    assert "user" in lines[0]
    assert any(line.startswith("lock.yaml:9:") and "nothing is named" in line for line in lines), lines
