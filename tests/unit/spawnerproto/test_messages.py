# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import pytest

from proctor.core.errors import BadRequest
from proctor.model.serde import to_builtins
from proctor.spawnerproto.messages import Endpoint, Spawn, Terminal, check_spawn, signal_name

GOOD = Spawn(
    sid=str(uuid.uuid4()),
    kind="exec",
    command=b"true \xe4",
    term=Terminal(name="xterm", columns=80, rows=24, modes=[(1, 3), (53, 1)]),
    env={"LANG": b"C", "LC_ALL": b"\xe4"},
)


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_request_survives_the_wire() -> None:
    assert check_spawn(json.loads(json.dumps(to_builtins(GOOD)))) == GOOD


@pytest.mark.parametrize(
    "change",
    [
        {"sid": "../../etc"},
        {"sid": None},
        {"sid": GOOD.sid.upper()},
        {"sid": f"urn:uuid:{GOOD.sid}"},
        {"kind": "root"},
        {"command": encoded(b"true\0")},
        {"command": "not base64"},
        {"command": encoded(b"x" * (2 << 20))},
        {"env": {"LD_PRELOAD": encoded(b"x")}},
        {"env": {"LC_ALL\n": encoded(b"x")}},
        {
            "env": {f"LC_{'A' * n}": encoded(b"x") for n in range(1, 33)}
            | {f"LC_{'B' * n}": encoded(b"x") for n in range(1, 33)}
            | {"LANG": encoded(b"x")}
        },
        {"env": {"LANG": encoded(b"a\0b")}},
        {"kind": "forward"},
        {"target": {"addr": "127.0.0.1", "port": 22}},
        {"kind": "forward", "target": {"addr": "127.0.0.1", "port": 0}},
        {"kind": "forward", "target": {"addr": "\x1b[2J", "port": 22}},
        {"proxy": "\x1b]0;x\x07"},
        {"client_version": "x" * 600},
        {"term": {"name": "\n", "columns": 80, "rows": 24}},
        # What only the privileged side decides, it does not take from the node.
        {"certificate": "ssh-ed25519-cert-v01@openssh.com AAAA"},
        {"login": "root"},
        {"kinds": []},
        {"strict": False},
        {"network": None},
        {"client": {"addr": "192.0.2.1", "port": 1}},
        {"term": {"name": "xterm", "columns": "80", "rows": 24}},
        {"uid": 0},
    ],
)
def test_anything_else_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="malformed spawn request"):
        check_spawn(to_builtins(GOOD) | change)


def test_endpoints_are_written_as_addresses() -> None:
    assert str(Endpoint(addr="::1", port=5)) == "[::1]:5"
    assert str(Endpoint(addr="127.0.0.1", port=22)) == "127.0.0.1:22"


def test_signals_are_named_as_in_ssh() -> None:
    assert signal_name(15) == "TERM"
    assert signal_name(99) == "99"
