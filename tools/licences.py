# SPDX-License-Identifier: Apache-2.0
"""Lint: every source file says its licence in an SPDX line (https://spdx.dev/learn/handling-license-info/).

``python -m tools.licences --fix`` writes the line into files that lack it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.runner.paths import ROOT

DEFAULT = "Apache-2.0"
COMMENTS = {
    ".py": "# {}",
    ".pyi": "# {}",
    ".sh": "# {}",
    ".jq": "# {}",
    ".ts": "// {}",
    ".tsx": "// {}",
    ".proto": "// {}",
    ".c": "/* {} */",
    ".h": "/* {} */",
    ".css": "/* {} */",
}
GENERATED = ("src/proctor/rpc/_pb/", "web/src/api/schema.d.ts")  # by programs that write no SPDX lines
HEAD_LINES = 3
_LINE = re.compile(r"SPDX-License-Identifier: ([\w.() -]+?)(?: \*/)?$", re.MULTILINE)


def sources(root: Path = ROOT) -> Iterator[Path]:
    """Files in version control that have comments, without generated and empty ones."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        path = root / name
        if (
            path.suffix in COMMENTS
            and not name.startswith(GENERATED)
            and path.is_file()
            and path.stat().st_size
        ):
            yield path


def licence_of(path: Path) -> str | None:
    """The SPDX expression in the first lines of a file; None when there is none."""
    head = "\n".join(path.read_text(errors="replace").splitlines()[:HEAD_LINES])
    match = _LINE.search(head)
    return match[1] if match else None


def problems(root: Path = ROOT) -> Iterator[str]:
    """Yield a sentence for each file without a licence, or with one whose text is not in LICENSES/."""
    known = {path.stem for path in (root / "LICENSES").iterdir()}
    for path in sources(root):
        name, expression = path.relative_to(root), licence_of(path)
        if expression is None:
            yield f"{name}: has no SPDX line; python -m tools.licences --fix writes it"
            continue
        for licence in re.split(r" (?:OR|AND) ", expression.strip("()")):
            if licence not in known:
                yield f"{name}: the text of {licence} is not in LICENSES/"


def add_licence(path: Path) -> None:
    """Write the default licence as the first line of a file, or behind its ``#!`` line."""
    line = COMMENTS[path.suffix].format(f"SPDX-License-Identifier: {DEFAULT}")
    text = path.read_text()
    first, separator, rest = text.partition("\n")
    if first.startswith("#!"):
        path.write_text(f"{first}{separator}{line}\n{rest}")
    else:
        path.write_text(f"{line}\n{text}")


def main() -> int:
    """Print every problem; 1 when there is one. With ``--fix``, write missing lines first."""
    if sys.argv[1:] == ["--fix"]:
        for path in sources():
            if licence_of(path) is None:
                add_licence(path)
    found = list(problems())
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
