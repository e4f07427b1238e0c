# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tools import figures, sources

SOURCE = '''\
"""A module: RFC 4252, section 7; https://www.kernel.org/doc/ says so."""

from typing import Any


class Widget:
    def __init__(self, size: Any) -> None:
        self.size = size
        self.name, self.other = "", ""

    def _grow(self) -> dict[str, Any]:
        self.size += 1
        return {}
'''


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    package = tmp_path / "src/proctor"
    package.mkdir(parents=True)
    (package / "one.py").write_text(SOURCE)
    (package / "two.py").write_text("class Widget: ...\n\n\ndef f(): ...\n\n\ndef g(): ...\n")
    (tmp_path / "tests/unit").mkdir(parents=True)
    (tmp_path / "tests/unit/test_one.py").write_text("from proctor import one\n")
    return tmp_path


def test_figures_of_a_checkout(checkout: Path) -> None:
    found = figures.figures(checkout)

    assert found["classes"] == 2
    assert found["functions"] == 4
    assert found["longest function"] == 3
    assert found["most attributes of an instance"] == 3
    assert found["dict[str, Any]"] == 1
    assert found["public class names in two modules"] == 1
    assert found["references per thousand lines"] == round(1000 * 2 / 20, 2)
    assert found["modules without a unit test"] == 1


def test_attributes_are_counted_once() -> None:
    (node,) = (each for each in ast.walk(ast.parse(SOURCE)) if isinstance(each, ast.ClassDef))
    assert sources.instance_attributes(node) == {"size", "name", "other"}


def test_table_shows_both_states() -> None:
    (head, row) = figures.table({"classes": 3}, {"classes": 5}).splitlines()
    assert head.split() == ["before", "now"]
    assert row.split() == ["classes", "5", "3"]
