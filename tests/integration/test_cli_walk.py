# SPDX-License-Identifier: Apache-2.0
"""All verbs with all of their options, with values that make no sense. New verbs are found by themselves."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from proctor.cli.profile import Profile
from proctor.core.clock import SYSTEM
from proctor.rpc.identity_files import IdentityFiles
from testing.commandline import PROGRAMS, Verb, outcomes, verbs
from testing.commands import ROOT, environment
from testing.credentials import make_credentials

VERBS = [verb for program in PROGRAMS for verb in verbs(program)]
FORMATS = {"text", "json", "yaml"}
FORMATLESS = {
    "tsh ssh": "prints what the remote program prints",
    "tsh scp": "prints progress",
    "tsh proxy ssh": "passes bytes on",
    "tsh config": "prints a configuration of OpenSSH",
    "teleport start": "writes a log, whose format the configuration chooses",
    "teleport configure": "prints a configuration file",
    "teleport node configure": "prints a configuration file",
    "teleport install systemd": "prints a unit of systemd",
    "teleport debug profile": "writes an archive",
    **{f"{program} completion": "prints a script of a shell" for program in PROGRAMS},
}
ALWAYS = {
    # What would work, and then run on.
    "teleport start": ["--config-string", "dGVsZXBvcnQ6IHtkYXRhX2RpcjogL3Byb2Mvbm93aGVyZX0K"],
}
TRIED = {"tsh login", "tsh status", "tsh scp", "tsh play", "tsh proxy ssh", "tctl status"}
"""Others of this shape take minutes, since each line waits for a connection to be refused."""

COMMON = {"--proxy", "--user", "-i", "--cluster", "--auth-server", "-c", "--config"}
"""Options that every verb of a program has; they are tried with one."""

INTERNALS = re.compile(
    r"Traceback|grpc|asyncssh|OpenSSL|SSL_|_ssl|pydantic|msgspec|ruamel|typer|click|errno|\bb'/|0x[0-9a-f]{6}"
    r"|NoneType|[A-Z]\w+Error\b|unexpected:|\bNone\b|object at|<class"
)
LONGEST = 600


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of somebody who is logged in at a proxy that does not run."""
    monkeypatch.setenv("TELEPORT_HOME", str(tmp_path / ".tsh"))
    profile = Profile(web="127.0.0.1:1", ssh="127.0.0.1:1", user="alice", cluster="purple", version="14.0.0")
    profile.save()
    now = SYSTEM.now()
    IdentityFiles.save(Path(profile.keys), make_credentials(now, now + timedelta(hours=1)))
    return tmp_path


def hostile(directory: Path) -> Iterator[str]:
    """Values that an option must check."""
    yield from (
        "",
        " ",
        "-",
        "-1",
        "0",
        "99999999999999999999",
        "nan",
        "1e309",
        "0x10",
        "٣",
        "\udcff",
        "\x1b[2J",
    )
    yield from (
        "%",
        "[",
        "{",
        "[::1",
        "a:b:c:d",
        "x" * 5000,
        "☃",
        "a c",
        "/dev/full",
        str(directory),
        f"{directory}/no/such",
    )
    yield f"{directory}/bytes"


def lines(verb: Verb, directory: Path) -> Iterator[list[str]]:
    """The verb with each hostile value in each place, the others harmless."""
    arguments = [each for each in verb.parameters if each.param_type_name == "argument"]
    options = [each for each in verb.parameters if each.param_type_name == "option" and not each.is_flag]
    base = [*verb.words[1:], *ALWAYS.get(verb.name, [])]
    needed = [part for each in options if each.required for part in (each.opts[0], "x")]
    usual = ["user/x" for each in arguments if each.required]
    yield [*base, *needed, *usual, "--no-such-option"]
    yield [*base, *needed, *usual, "too", "many", "arguments"]
    shared = COMMON if verb.words[-1] != "status" else set()
    options = [each for each in options if not shared.intersection(each.opts)]
    for value in hostile(directory):
        for option in options:
            if option.opts[0] not in ALWAYS.get(verb.name, []):
                yield [*base, *needed, f"{max(option.opts, key=len)}={value}", *usual]
        if arguments:
            yield [*base, *needed, "--", *[value] * max(1, len(usual))]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_what_prints_has_the_three_formats(verb: Verb) -> None:
    option = verb.option("--format")
    if verb.name in FORMATLESS:
        assert option is None
        return
    assert option is not None, "give it --format, or a reason in FORMATLESS"
    assert option.default in {*FORMATS, "pty"}


@pytest.mark.parametrize("verb", [each for each in VERBS if each.name in TRIED], ids=lambda verb: verb.name)
def test_hostile_values_get_a_sentence(verb: Verb, home: Path) -> None:
    (home / "bytes").write_bytes(os.urandom(64) + b"\xff\0{[")
    env = environment(home) | {"PYTHONPATH": str(ROOT), "EDITOR": "true", "VISUAL": ""}
    for found in outcomes(verb.words[0], list(lines(verb, home)), env, home, seconds=300):
        given = [each[:60] for each in found.arguments]
        shown = f"{verb.words[0]} {given}: {found.status}\n{found.stderr[:2000]}"
        assert not INTERNALS.search(found.stderr), shown
        assert "\x1b" not in found.stderr, shown
        assert len(found.stderr) < LONGEST or max(map(len, found.arguments)) < LONGEST, shown
        if found.status:
            assert found.stderr.startswith(("ERROR: ", "WARNING: ")) or "\nERROR: " in found.stderr, shown
