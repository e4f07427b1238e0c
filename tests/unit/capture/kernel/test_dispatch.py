# SPDX-License-Identifier: Apache-2.0
"""Functions that one file of the BPF unit defines and others call."""

from __future__ import annotations

import re

from tools.runner.paths import ROOT

BPF = ROOT / "bpf"
DISPATCH = BPF / "dispatch.bpf.h"
DECLARATION = re.compile(r"\b(\w+)\([^;{}]*\)\s+__subprog;")


def declared() -> dict[str, str]:
    """The file that each function belongs to, by name."""
    found: dict[str, str] = {}
    current = ""
    for part in re.split(r"(/\*.*?\*/)", DISPATCH.read_text(), flags=re.DOTALL):
        if match := re.match(r"/\* (\S+\.bpf\.[ch])", part):
            current = match[1].rstrip(":;")
        found |= dict.fromkeys(DECLARATION.findall(part), current)
    return found


def test_no_other_file_declares_one() -> None:
    others = [path for path in BPF.rglob("*.bpf.[ch]") if path != DISPATCH]

    assert not {path.name: found for path in others if (found := DECLARATION.findall(path.read_text()))}


def test_each_is_defined_where_the_header_says() -> None:
    functions = declared()

    assert len(functions) > 15
    for name, file in functions.items():
        (path,) = BPF.rglob(file)
        assert re.search(rf"\b{name}\([^;{{}}]*\)\s*{{", path.read_text()), f"{file} does not define {name}"
