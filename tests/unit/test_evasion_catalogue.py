# SPDX-License-Identifier: Apache-2.0
"""Heads of the evasion techniques: every program says what it hides."""

from __future__ import annotations

from pathlib import Path

import pytest

from testing.evasion.catalogue import CatalogueError, parse, techniques


def test_every_program_has_a_head() -> None:
    found = techniques()
    assert len(found) > 150
    assert len({(one.category, one.name) for one in found}) == len(found)


def test_head_follows_interpreter_and_licence(tmp_path: Path) -> None:
    path = tmp_path / "hide.sh"
    head = "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n"
    path.write_text(f"{head}# Technique: a\n# Hides: b\n# Seen: command\ntrue\n")
    technique = parse(path)
    assert (technique.title, technique.hides, technique.seen) == ("a", "b", "command")


@pytest.mark.parametrize("line", ["# Seen: nothing", "# Expect: never", "# Wants: gdb"])
def test_wrong_heads_are_refused(line: str, tmp_path: Path) -> None:
    path = tmp_path / "hide.sh"
    path.write_text(f"# Technique: a\n# Hides: b\n# Seen: command\n{line}\n")
    with pytest.raises(CatalogueError):
        parse(path)
