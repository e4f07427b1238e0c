# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from proctor.cli.tctl.documents import parse
from proctor.cli.teleport.systemd import unit
from testing.programs import require

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def event(name: str, **fields: object) -> dict[str, object]:
    return {"event": name, "time": "2026-01-02T03:04:05Z", "sid": "5c2a7ab1-9f65", "user": "alice", **fields}


LOG = (
    event("session.command", login="root", path="/usr/bin/curl", argv=["--silent", "http://example.com"]),
    event("session.command", user="bob", login="root", path="/usr/bin/id"),
    event("session.network", program="curl", dst_addr="192.0.2.1", dst_port=80, operation=0, action=0),
    event("session.network", program="curl", dst_addr="192.0.2.1", dst_port=80, operation=0, action=0),
    event("session.network", program="nc", dst_addr="192.0.2.2", dst_port=25, operation=0, action=1),
    event("session.tamper", program="bpftool"),
    {"event": "user.login", "user": "alice", "success": False, "addr.remote": "192.0.2.7:4711"},
    {"event": "user.login", "user": "alice", "success": False, "addr.remote": "192.0.2.7:4712"},
    {"event": "user.login", "user": "bob", "success": True, "addr.remote": "192.0.2.8:4711"},
)


def jq(name: str, *options: str) -> list[list[str]]:
    log = "".join(json.dumps(line) + "\n" for line in LOG)
    argv = ["jq", "-r", *options, "-f", str(EXAMPLES / "jq" / name)]
    output = subprocess.run(argv, input=log, capture_output=True, text=True, check=True).stdout
    return [line.split("\t") for line in output.splitlines()]


def test_commands_of_a_user() -> None:
    require("jq")
    (row,) = jq("commands-of-a-user.jq", "--arg", "user", "alice")
    assert row[1:] == ["5c2a7ab1", "root", "/usr/bin/curl", "--silent http://example.com"]


def test_connections_by_program() -> None:
    require("jq")
    assert jq("connections-by-program.jq", "-s") == [
        ["2", "curl", "192.0.2.1", "80"],
        ["1", "nc", "192.0.2.2", "25"],
    ]


def test_what_needs_a_look() -> None:
    require("jq")
    assert [row[1::3] for row in jq("needs-a-look.jq")] == [
        ["session.network", "nc"],
        ["session.tamper", "bpftool"],
    ]


def test_failed_logins() -> None:
    require("jq")
    assert jq("failed-logins.jq", "-s") == [["2", "alice", "192.0.2.7:4711"]]


@pytest.mark.parametrize("path", sorted((EXAMPLES / "roles").iterdir()), ids=lambda path: path.stem)
def test_role_loads_without_a_warning(path: Path) -> None:
    assert parse(path.read_text(), path.name).warnings == []


@pytest.mark.parametrize("path", sorted((EXAMPLES / "systemd").iterdir()), ids=lambda path: path.stem)
def test_additions_to_the_unit_are_known_to_systemd(path: Path, tmp_path: Path) -> None:
    require("systemd-analyze")
    text = unit("/bin/true", env_file="/etc/default/teleport", pid_file="/run/teleport.pid", fd_limit=1024)
    (tmp_path / "teleport.service").write_text(text)
    (tmp_path / "teleport.service.d").mkdir()
    (tmp_path / "teleport.service.d" / path.name).write_text(path.read_text())

    ended = subprocess.run(
        [
            "systemd-analyze",
            "verify",
            "--man=no",
            "--recursive-errors=no",
            str(tmp_path / "teleport.service"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
