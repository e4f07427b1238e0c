# SPDX-License-Identifier: Apache-2.0
"""What was recorded can be watched again, in every format, also while it still happens."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from proctor.core.clock import parse_time
from testing.accounts import Account
from testing.cluster import Cluster, Node
from testing.commands import command
from testing.sessions import ShellSession


@pytest.fixture(scope="module")
def sid(shared: Cluster, node: Node, alice: Account) -> str:
    """A session that printed something, resized, and idled for a while."""
    with ShellSession(alice, f"root@{node.name}") as shell:
        shell.run("echo first-$((40+2))")
        shell.terminal.resize(90, 30)
        shell.run("stty size; sleep 4; echo second-$((40+3))")
        shell.exit()
    shared.session_events(shell.sid)
    return shell.sid


def test_recordings_are_listed(alice: Account, sid: str) -> None:
    assert sid in alice.tsh("recordings", "ls").stdout


def test_terminal(alice: Account, sid: str) -> None:
    started = time.monotonic()
    with alice.terminal("play", sid, "--speed=8x", "--skip-idle-time") as terminal:
        assert terminal.wait() == 0
    assert time.monotonic() - started < 4
    assert (
        terminal.text().index("first-42")
        < terminal.text().index("30 90")
        < terminal.text().index("second-43")
    )


def test_text(alice: Account, sid: str) -> None:
    text = alice.tsh("play", sid, "--format=text").stdout

    assert "first-42" in text
    assert "second-43" in text


def test_json(alice: Account, sid: str) -> None:
    events = json.loads(alice.tsh("play", sid, "--format=json").stdout)

    names = [event["event"] for event in events]
    assert names[0] == "session.start"
    assert {"print", "resize", "session.command", "session.leave"} <= set(names[: names.index("session.end")])
    moments = [parse_time(event["time"]) for event in events]
    assert moments == sorted(moments)
    counted = [event["ei"] for event in events if event["event"] != "session.data"]
    assert sorted(counted) == list(range(len(counted)))
    assert any(event["argv"] == ["4"] for event in events if event.get("program") == "sleep")


def test_asciicast(alice: Account, sid: str) -> None:
    header, *frames = [
        json.loads(line) for line in alice.tsh("play", sid, "--format=asciicast").stdout.splitlines()
    ]

    assert (header["version"], header["width"], header["height"]) == (2, 120, 40)
    assert "second-43" in "".join(data for _, kind, data in frames if kind == "o")
    assert [data for _, kind, data in frames if kind == "r"] == ["90x30"]
    assert frames[-1][0] >= 4
    assert [moment for moment, *_ in frames] == sorted(moment for moment, *_ in frames)


def test_watching_is_audited(shared: Cluster, alice: Account, sid: str) -> None:
    alice.tsh("play", sid, "--format=text")

    assert shared.wait_for_event("session.recording.access", sid=sid)["user"] == "alice"


def test_live_session(node: Node, alice: Account) -> None:
    with ShellSession(alice, f"root@{node.name}") as shell:
        shell.run("echo early-$((40+4))")
        with alice.terminal("play", shell.sid, "--speed=8x") as player:
            player.expect("early-44")
            assert "early-44" in alice.tsh("play", shell.sid, "--format=text").stdout
            shell.run("echo late-$((40+5))")
            player.expect("late-45")
            shell.exit()
            assert player.wait() == 0


def test_recordings_of_others_are_hidden(shared: Cluster, sid: str) -> None:
    mallory = shared.add_user("mallory", roles="access")
    mallory.login()

    done = mallory.tsh("play", sid, "--format=text", check=False)

    assert done.returncode != 0
    assert "first-42" not in done.stdout


def test_beginning_of_an_id_is_enough(alice: Account, sid: str) -> None:
    assert "first-42" in alice.tsh("play", sid[:13], "--format=text").stdout
    none = alice.tsh("play", "0000000", "--format=text", check=False)
    assert (none.returncode, none.stdout) == (1, "")
    wrong = alice.tsh("play", "sess", "--format=text", check=False)
    assert wrong.stderr.startswith("ERROR: not a session id: 'sess'")


def test_downloaded_recording_is_played_without_a_login(
    shared: Cluster, alice: Account, sid: str, tmp_path: Path
) -> None:
    archive = shared.tctl("recordings", "download", sid[:13], f"--output-dir={tmp_path}").stdout.strip()
    assert archive == f"{tmp_path}/{sid}.tar"
    env = {**alice.env, "HOME": str(tmp_path)}
    assert "second-43" in command(["tsh", "play", archive, "--format=text"], env).stdout
    again = shared.tctl("recordings", "download", sid, f"--output-dir={tmp_path}", check=False)
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    assert shared.wait_for_event("session.recording.access", sid=sid, format="download")


def test_keys_and_size_of_the_terminal(alice: Account, sid: str) -> None:
    with alice.terminal("play", sid) as terminal:
        terminal.expect("first-42")
        terminal.send(" ")
        terminal.expect(r"paused 0:0\d / 0:\d\d")
        terminal.send(" \x1b[C")
        terminal.expect("second-43")
        assert terminal.wait() == 0
