# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import licences


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "LICENSES").mkdir()
    (tmp_path / "LICENSES/Apache-2.0.txt").touch()
    (tmp_path / "with.py").write_text("# SPDX-License-Identifier: Apache-2.0\nx = 1\n")
    (tmp_path / "without.sh").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "empty.py").touch()
    (tmp_path / "other.c").write_text("/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */\n")
    for argv in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *argv], cwd=tmp_path, check=True)
    return tmp_path


def test_missing_lines_and_missing_texts(checkout: Path) -> None:
    assert sorted(licences.problems(checkout)) == [
        "other.c: the text of BSD-2-Clause is not in LICENSES/",
        "other.c: the text of GPL-2.0-only is not in LICENSES/",
        "without.sh: has no SPDX line; python -m tools.licences --fix writes it",
    ]


def test_line_goes_behind_the_interpreter(checkout: Path) -> None:
    licences.add_licence(checkout / "without.sh")
    assert (checkout / "without.sh").read_text() == (
        "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\nexit 0\n"
    )


def test_line_goes_to_the_top(checkout: Path) -> None:
    (checkout / "page.tsx").write_text("export {};\n")
    licences.add_licence(checkout / "page.tsx")
    assert (checkout / "page.tsx").read_text() == "// SPDX-License-Identifier: Apache-2.0\nexport {};\n"
