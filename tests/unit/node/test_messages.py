from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from proctor.core.errors import BadRequest
from proctor.model.serde import to_builtins
from proctor.node.messages import Endpoint, Spawn, Terminal, check_spawn, signal_name

GOOD = Spawn(
    sid=str(uuid.uuid4()),
    certificate="ssh-ed25519-cert-v01@openssh.com AAAA",
    login="root",
    kind="exec",
    command="true",
    term=Terminal(name="xterm", columns=80, rows=24, modes=[(1, 3), (53, 1)]),
    env={"LANG": "C", "LC_ALL": "C.UTF-8"},
    kinds=["command", "network"],
    client=Endpoint(addr="::1", port=5),
    server=Endpoint(addr="127.0.0.1", port=22),
)


def test_request_survives_the_wire() -> None:
    assert check_spawn(json.loads(json.dumps(to_builtins(GOOD)))) == GOOD


@pytest.mark.parametrize(
    "change",
    [
        {"sid": "../../etc"},
        {"sid": None},
        {"kind": "root"},
        {"login": "root\0"},
        {"command": "x" * (2 << 20)},
        {"env": {"LD_PRELOAD": "x"}},
        {"env": {"LC_ALL\n": "x"}},
        {
            "env": {f"LC_{'A' * n}": "x" for n in range(1, 33)}
            | {f"LC_{'B' * n}": "x" for n in range(1, 33)}
            | {"LANG": "x"}
        },
        {"env": {"LANG": "a\0b"}},
        {"kinds": ["everything"]},
        {"kind": "forward"},
        {"term": {"name": "xterm", "columns": "80", "rows": 24}},
        {"uid": 0},
    ],
)
def test_anything_else_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="malformed spawn request"):
        check_spawn(to_builtins(GOOD) | change)


def test_endpoints_are_written_as_addresses() -> None:
    assert str(GOOD.client) == "[::1]:5"
    assert str(GOOD.server) == "127.0.0.1:22"


def test_signals_are_named_as_in_ssh() -> None:
    assert signal_name(15) == "TERM"
    assert signal_name(99) == "99"
