# SPDX-License-Identifier: Apache-2.0
"""``docs/glossary.md``: each term once, with a name that exists."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from tools.runner.paths import ROOT

GLOSSARY = ROOT / "docs/glossary.md"


def rows() -> Iterator[tuple[str, str, str]]:
    for line in GLOSSARY.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "term":
            yield cells[0], cells[1], cells[2]


@pytest.mark.parametrize(("term", "meaning", "name"), list(rows()), ids=lambda cell: cell[:20])
def test_name_in_the_code_exists(term: str, meaning: str, name: str) -> None:
    assert term
    assert meaning.endswith(".")
    match = re.fullmatch(r"`([^`]+)`", name)
    assert match, "one name, in backticks"
    if "/" in match[1]:
        assert (ROOT / match[1]).is_file()
    else:
        module, _, attribute = match[1].rpartition(".")
        if attribute[0].isupper():
            assert hasattr(importlib.import_module(module), attribute)
        else:
            importlib.import_module(match[1])


def test_each_term_is_defined_once() -> None:
    counts = Counter(term for row, _, _ in rows() for term in row.split(", "))

    assert len(counts) >= 40
    assert [term for term, count in counts.items() if count > 1] == []
