# SPDX-License-Identifier: Apache-2.0
"""A command may be written in any way; what is executed has a name and arguments."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from testing.capture import CaptureHarness


def from_octal_digits(text: str) -> str:
    """``text`` as $'\\ooo' escapes whose digits are arithmetic on ``$#``: punctuation only."""
    one = "$((!$#))"

    def digit(value: str) -> str:
        return "$((" + "+".join([one] * int(value)) + "))" if value != "0" else "$#"

    escapes = ("\\\\" + "".join(map(digit, f"{ord(letter):03o}")) for letter in text)
    return "\\$\\'" + "".join(escapes) + "\\'"


SCRIPTS = {
    "plain": "ls -la\n",
    "base64": f"echo {base64.b64encode(b'ls -la').decode()} | base64 -d | sh\n",
    "character codes": 'run=""; for code in 108 115 32 45 108 97; do\n'
    'run="$run$(printf "\\\\$(printf %o $code)")"; done; $run\n',
    # $# is 0 and so the path that matches is /dev/fd/0, the here-string
    "special characters only": f". /???/??/$# <<<{from_octal_digits('ls')}\\ {from_octal_digits('-la')}\n",
    "folder globs": 'cd "${0%/*}"; mkdir x; cd x; mkdir l s; set -- *; mkdir -- -la; "$1$2" -*\n',
}


@pytest.mark.parametrize("case", SCRIPTS)
def test_disguised_command(lab: CaptureHarness, tmp_path: Path, case: str) -> None:
    script = tmp_path / "script"
    script.write_text(SCRIPTS[case])

    session = lab.run(["bash", str(script)], ["command"])

    listings = [command for command in session.commands if command["program"] == "ls"]
    assert [command["argv"] for command in listings] == [["-la"]], session.commands


def test_special_characters_only_has_no_letter_and_no_digit() -> None:
    script = SCRIPTS["special characters only"]
    assert not any(character.isalnum() for character in script)
