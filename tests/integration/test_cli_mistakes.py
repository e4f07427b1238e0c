# SPDX-License-Identifier: Apache-2.0
"""Whoever mistypes gets one sentence on stderr, the right exit status, and never a traceback."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from testing.commands import BIN, environment

USAGE, FAILURE = 2, 1


def run(tmp_path: Path, line: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    program, *arguments = line.split(" ") if line else []
    return subprocess.run(
        [BIN / program, *arguments],
        input=stdin,
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("teleport strat", USAGE, "Did you mean 'start'"),
        ("teleport start --rolse=node", USAGE, "No such option: --rolse; did you mean --roles?"),
        (
            "teleport start --rolse=node --tokn=x",
            USAGE,
            "--roles?\nNo such option: --tokn; did you mean --token?\n",
        ),
        ("tsh ls --query=x -Z", USAGE, "ERROR: No such option: --query\nNo such option: -Z\nTry: tsh ls"),
        ("tsh recordings ls --limit=few", USAGE, "'--limit': must be a valid integer\n"),
        ("teleport start --listen-ip=notanip", USAGE, "--listen-ip: 'notanip' is not an IP address"),
        ("teleport node configure --proxy=a --labels=z", USAGE, "ERROR: --labels: 'z' is not key=value"),
        ("teleport start --roles=kube", USAGE, "'kube' is not a role"),
        ("teleport start -c none.yaml", USAGE, "none.yaml: cannot be read"),
        ("teleport start --fips", USAGE, "--fips is not supported"),
        ("teleport start --ca-pin=x", USAGE, "--ca-pin: 'x' is not a CA pin"),
        ("teleport start --diag-addr=a:b", USAGE, "--diag-addr: 'b' is not a port number"),
        ("teleport start --config-string=%", USAGE, "not base64"),
        ("teleport configure --test none.yaml", FAILURE, "FAIL none.yaml"),
        ("teleport configure --cert-file=a", USAGE, "--cert-file and --key-file go together"),
        ("teleport configure -o /no/such/dir/f", USAGE, "cannot write /no/such/dir/f"),
        ("teleport configure --data-dir=relative", USAGE, "is not an absolute path"),
        ("teleport node configure", USAGE, "--auth-server and --proxy"),
        ("teleport node configure --proxy=a --auth-server=b", USAGE, "one of"),
        ("teleport install systemd --fd-limit=few", USAGE, "--fd-limit"),
        ("teleport install systemd --pid-file=x", USAGE, "'x' is not an absolute path"),
        ("tctl toknes ls", USAGE, "Did you mean 'tokens'"),
        ("tctl status", FAILURE, "no identity to act with"),
        ("tctl --auth-server=127.0.0.1:1 status", FAILURE, "no identity to act with"),
        ("tctl --auth-server=: status", USAGE, "--auth-server"),
        ("tctl -i none --auth-server=127.0.0.1:1 status", FAILURE, "none does not exist"),
        ("tctl -c none.yaml status", USAGE, "none.yaml: cannot be read"),
        ("tctl users add alice", USAGE, "--roles"),
        ("tctl get lamp", USAGE, "'lamp' is not a kind of resource"),
        ("tctl rm role", USAGE, "name the resource"),
        ("tctl create none.yaml", FAILURE, "none.yaml: No such file"),
        ("tctl recordings ls --limit=0", USAGE, "--limit"),
        ("tsh lsd", USAGE, "Did you mean 'ls'?"),
        ("tsh join", USAGE, "ERROR: No such command 'join'.\nTry: tsh --help"),
        ("tsh ls", FAILURE, "You are not logged in."),
        ("tsh ls --format=xml", USAGE, "'--format': 'xml' is not one of"),
        ("tsh ls env", USAGE, "'env' is not a label"),
        ("tsh status", FAILURE, "You are not logged in."),
        ("tsh login", USAGE, "which proxy?"),
        ("tsh login --proxy=a:b", USAGE, "--proxy: 'b' is not a port number"),
        ("tsh login --proxy=127.0.0.1:1 --user=a", FAILURE, "the proxy 127.0.0.1:1 does not answer"),
        ("tsh login --proxy=127.0.0.1:1 --ttl=soon", USAGE, "--ttl"),
        ("tsh ssh", USAGE, "target"),
        ("tsh ssh -p 99999 host", USAGE, "--port"),
        ("tsh ssh -Z host", USAGE, "-Z"),
        ("tsh scp a", FAILURE, "You are not logged in."),
        ("tsh play", USAGE, "session_id"),
        ("tsh play x --format=gif", USAGE, "'gif' is not one of pty, json, yaml, text, asciicast"),
        ("tsh play x --speed=9x", USAGE, "'9x' is not one of 0.5x"),
        ("tsh -i none --proxy=127.0.0.1:1 ls", FAILURE, "none does not exist"),
        ("tsh -i none ls", FAILURE, "none does not exist"),
        ("tsh config", FAILURE, "You are not logged in."),
    ],
)
def test_mistakes(tmp_path: Path, line: str, status: int, said: str) -> None:
    done = run(tmp_path, line)
    assert said in done.stderr
    assert done.returncode == status
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stdout == ""


def test_logging_out_twice_is_fine(tmp_path: Path) -> None:
    done = run(tmp_path, "tsh logout")
    assert (done.returncode, done.stderr) == (0, "You are not logged in.\n")


def test_a_damaged_profile_is_named(tmp_path: Path) -> None:
    (tmp_path / ".tsh").mkdir()
    (tmp_path / ".tsh/current-profile").write_text("p")
    (tmp_path / ".tsh/p.json").write_text("{")
    for line in ("tsh ls", "tsh version"):
        done = run(tmp_path, line)
        assert "p.json is damaged" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{BIN}/teleport configure | true"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "kind: role\nmetadata: {name: a}\nspec:\n  alow: {}\n",
            "stdin:4:3: spec.alow: unknown key; did you mean allow?",
        ),
        (
            "kind: lamp\n",
            "stdin:1:1: kind: 'lamp' is not a kind of resource; expected role, user, token, node",
        ),
        ("kind: role\nmetadata: {}\n", "stdin:2:11: metadata.name: is missing"),
        ("a: [", "stdin:1:5: not valid YAML"),
        ("", "stdin: holds no document"),
        (
            "kind: role\nmetadata: {name: a}\n---\nkind: role\nmetadata: {name: b}\n"
            "spec: {options: {enhanced_recording: [disks]}}",
            "stdin:6:39: spec.options.enhanced_recording[0]: 'disks' is not one of the choices",
        ),
    ],
)
def test_documents_name_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    done = run(tmp_path, "tctl create", text)
    assert said in done.stderr
    assert done.returncode == USAGE


@pytest.mark.parametrize("line", ["teleport", "tctl", "tctl tokens", "tsh"])
def test_without_a_verb_the_help_is_printed(tmp_path: Path, line: str) -> None:
    done = run(tmp_path, line)
    assert (done.returncode, done.stderr) == (USAGE, "")
    assert f"Usage: {line}" in done.stdout
