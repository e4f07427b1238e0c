# SPDX-License-Identifier: Apache-2.0
"""What the three commands share, in processes of their own, as a shell starts them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from proctor.cli.application import from_environment
from proctor.core.errors import BadRequest
from proctor.rpc.identity_files import write_identity_file
from testing.commands import BIN, command, environment
from tests.unit.rpc.test_identity_files import make_credentials

COMMANDS = ("tsh", "tctl", "teleport")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_many_names_and_goes_to_standard_output(name: str, tmp_path: Path) -> None:
    env = environment(tmp_path)
    texts = {command([name, word], env).stdout for word in ("-h", "--help", "help")}
    assert len(texts) == 1
    assert "Commands:" in texts.pop()
    alone = command([name], env, check=False)
    assert (alone.returncode, "Commands:" in alone.stdout, alone.stderr) == (2, True, "")


@pytest.mark.parametrize("name", COMMANDS)
def test_version_has_two_names(name: str, tmp_path: Path) -> None:
    env = environment(tmp_path)
    assert command([name, "--version"], env).stdout == command([name, "version"], env).stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_bash_completes(name: str, tmp_path: Path) -> None:
    script = f"""
        eval "$({name} completion bash)"
        COMP_WORDS=({name} ver) COMP_CWORD=1
        _{name}_completion {name}
        echo "${{COMPREPLY[@]}}"
    """
    assert command(["bash", "-c", script], environment(tmp_path)).stdout.split() == ["version"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_for_shells(shell: str, tmp_path: Path) -> None:
    assert "_TSH_COMPLETE" in command(["tsh", "completion", shell], environment(tmp_path)).stdout


def test_shell_without_a_script(tmp_path: Path) -> None:
    done = command(["tsh", "completion", "csh"], environment(tmp_path), check=False)
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "ERROR: 'csh' is not one of bash, zsh, fish")


@pytest.mark.parametrize(("text", "value"), [("1", True), ("true", True), ("F", False), ("0", False)])
def test_flag_from_the_environment(monkeypatch: pytest.MonkeyPatch, text: str, value: bool) -> None:
    monkeypatch.setenv("TELEPORT_DEBUG", text)
    monkeypatch.setenv("TELEPORT_USER", "")
    assert from_environment({"debug": "TELEPORT_DEBUG", "user": "TELEPORT_USER"}) == {"debug": value}


def test_flag_that_is_no_boolean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEPORT_DEBUG", "maybe")
    with pytest.raises(BadRequest, match="TELEPORT_DEBUG=maybe"):
        from_environment({"debug": "TELEPORT_DEBUG"})


def test_configuration_file_from_the_environment(tmp_path: Path) -> None:
    env = environment(tmp_path) | {"TELEPORT_CONFIG_FILE": f"{tmp_path}/missing.yaml"}
    done = command(["tctl", "status"], env, check=False)
    assert f"{tmp_path}/missing.yaml" in done.stderr


def test_numbers_beyond_what_the_server_takes(tmp_path: Path) -> None:
    for line in (
        "tsh login --proxy=127.0.0.1:1 --ttl=99999999",
        "tsh recordings ls --limit 3000000000",
        "tctl recordings ls --limit 3000000000",
    ):
        done = command(line.split(), environment(tmp_path), check=False)
        assert done.returncode == 2
        assert "less than or equal to" in done.stderr


def test_interrupted_help_of_a_pager(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"{BIN}/tsh --help | head -n 1"],
        env={**os.environ, **environment(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""


def test_identity_that_has_expired_is_refused_before_anything_is_dialled(tmp_path: Path) -> None:
    identity = tmp_path / "identity"
    write_identity_file(identity, make_credentials())
    argv = ["tctl", "-i", str(identity), "--auth-server=127.0.0.1:1", "status"]
    done = command(argv, environment(tmp_path), check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"ERROR: the identity in {identity} expired at 2023-07-04 17:42 UTC\n")
    assert "tctl auth sign" in done.stderr
