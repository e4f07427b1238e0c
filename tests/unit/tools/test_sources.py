# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from tools import sources, vocabulary
from tools.runner.paths import ROOT


def test_generated_files_are_left_out(tmp_path: Path) -> None:
    names = ("src/a_pb/own.py", "src/_pb/made.py", "tests/test_web_ui.py", "src/_web/made.js", "docs/page.md")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    found = {path.as_posix() for path in sources.written_files(tmp_path)}

    assert found == {"src/a_pb/own.py", "tests/test_web_ui.py"}


@pytest.mark.parametrize("name", sorted(sources.GENERATED_FILES))
def test_generated_files_exist(name: str) -> None:
    assert (ROOT / name).is_file()


@pytest.mark.parametrize("name", ["testing/cluster.py", "tests/e2e/test_web_ui.py", "run", "docs/capture.md"])
def test_words_of_all_trees_are_checked(name: str) -> None:
    assert Path(name) in vocabulary.checked_files()
