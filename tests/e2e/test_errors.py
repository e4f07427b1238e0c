# SPDX-License-Identifier: Apache-2.0
"""Whoever mistypes gets a sentence that helps, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from testing.cluster import GUIDE_CONFIG
from testing.commands import command, environment


@pytest.mark.parametrize("program", ["teleport", "tctl", "tsh"])
@pytest.mark.parametrize("arguments", [["--no-such-flag"], ["no-such-verb"]])
def test_unknown_flag_or_verb(tmp_path: Path, program: str, arguments: list[str]) -> None:
    done = command([program, *arguments], environment(tmp_path), check=False)

    assert done.returncode == 2
    assert arguments[0] in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("nodename:", "nodenam:", ["nodenam", "did you mean", "nodename"]),
        ("command_buffer_size: 8", "command_buffer_size: 9", ["command_buffer_size", "power"]),
        ("enabled: true", "enabled: perhaps", ["enabled", "perhaps"]),
        ("127.0.0.1:3025", "127.0.0.1:many", ["auth_server", "many"]),
        ("version: v3", "version: v9", ["version", "v9"]),
        ("teleport:", "teleport: [", ["not valid yaml"]),
    ],
)
def test_wrong_key_or_value(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    text = GUIDE_CONFIG.read_text()
    assert old in text
    config = tmp_path / "teleport.yaml"
    config.write_text(text.replace(old, new, 1))

    for arguments in (["start", "-c", str(config)], ["configure", "--test", str(config)]):
        done = command(["teleport", *arguments], environment(tmp_path), check=False)
        assert done.returncode != 0
        assert "Traceback" not in done.stdout + done.stderr
        assert f"{config}:" in done.stderr
        missing = [word for word in expected if word not in done.stderr.lower()]
        assert not missing, done.stderr


def test_missing_file(tmp_path: Path) -> None:
    done = command(
        ["teleport", "start", "-c", str(tmp_path / "none.yaml")], environment(tmp_path), check=False
    )

    assert done.returncode != 0
    assert "none.yaml" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "argv",
    [
        ["tsh", "ls"],
        ["tsh", "ssh", "root@nowhere"],
        ["tsh", "login", "--proxy=127.0.0.1:1", "--user=alice", "--insecure"],
        ["tsh", "-i", "/no/such/identity", "--proxy=127.0.0.1:1", "ls"],
        ["tctl", "status"],
        ["tctl", "--auth-server=127.0.0.1:1", "status"],
    ],
)
def test_no_server(tmp_path: Path, argv: list[str]) -> None:
    done = command(argv, environment(tmp_path), check=False)

    assert done.returncode != 0
    assert done.stderr.strip()
    assert "Traceback" not in done.stdout + done.stderr
