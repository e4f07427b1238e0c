# SPDX-License-Identifier: Apache-2.0
"""However a command is disguised, the record says what ran."""

from __future__ import annotations

import base64

import pytest

from testing.accounts import Account
from testing.cluster import Cluster, Node
from testing.sessions import ShellSession


def special_characters_only(word: str, option: str) -> str:
    """A line of bash without one letter or digit that runs ``word -option``.

    Digits are sums of ``${##}``, which is 1; the octal escapes made of them are read as a script
    from the here-string, through the only path of that shape: /proc/self/fd/0.
    """

    def digit(value: str) -> str:
        return "$((" + "+".join(["${##}"] * int(value)) + "))" if value != "0" else "$#"

    def escaped(text: str) -> str:
        codes = ["".join(digit(value) for value in f"{ord(letter):03o}") for letter in text]
        return "\\$\\'" + "".join(f"\\\\{code}" for code in codes) + "\\'"

    return f". /????/[\\;-~]???/??/$# <<<{escaped(word)}\\ -{escaped(option)}"


CASES = {
    "plain": "ls -la",
    "base64": f"echo {base64.b64encode(b'ls -la').decode()} | base64 --decode | sh",
    "character codes": r"$(printf '\x6c\x73') -$(printf '\154\141')",
    "special characters only": special_characters_only("ls", "la"),
    "folder globs": 'cd "$(mktemp -d)" && mkdir l s && $(printf %s *) -la',
}


@pytest.mark.parametrize("line", CASES.values(), ids=CASES.keys())
def test_disguised_command_is_recorded(shared: Cluster, node: Node, alice: Account, line: str) -> None:
    with ShellSession(alice, f"root@{node.name}") as shell:
        shell.run(line)
        shell.exit()

    commands = shared.session_events(shell.sid, "session.command")
    listings = [event for event in commands if event["path"].endswith("/ls") and event["argv"] == ["-la"]]

    assert len(listings) == 1, commands
    assert listings[0]["return_code"] == 0
    assert listings[0]["program"] == "ls"


def test_special_characters_only_is_what_it_says() -> None:
    assert not any(character.isalnum() for character in CASES["special characters only"])
