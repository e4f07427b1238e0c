# SPDX-License-Identifier: Apache-2.0
"""Draw the packages of ``proctor``, layer by layer, with what each imports, into docs/architecture.md.

The layers are those of ``.importlinter``; the arrows come from the import statements. A test compares
the picture in the document with the code; ``python -m tools.import_graph`` draws it again.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterator

import grimp

from tools.runner.paths import ROOT

DOCUMENT = ROOT / "docs/architecture.md"
CONTRACTS = ROOT / ".importlinter"
PRODUCT = "proctor"
BEGIN = "<!-- packages: python -m tools.import_graph -->\n"
END = "<!-- end of packages -->\n"
WIDTH = 96


def layers() -> list[list[str]]:
    """Packages of each layer, the highest first, in the order of the contract."""
    parser = configparser.ConfigParser()
    parser.read_string(CONTRACTS.read_text())
    lines = parser["importlinter:contract:layers"]["layers"].split("\n")
    return [[name.strip() for name in line.split("|")] for line in lines if line.strip()]


def imports() -> dict[str, set[str]]:
    """The packages that each package imports directly."""
    graph = grimp.build_graph(PRODUCT, cache_dir=None)
    found: dict[str, set[str]] = {}
    for module in graph.modules:
        package = _package(module)
        for target in graph.find_modules_directly_imported_by(module):
            if package and _package(target) not in ("", package):
                found.setdefault(package, set()).add(_package(target))
    return found


def _package(module: str) -> str:
    _, _, rest = module.partition(".")
    return rest.partition(".")[0]


def picture() -> str:
    """A line for each package, a rule between layers; packages of one layer do not import each other."""
    order = [name for layer in layers() for name in layer]
    found = imports()
    blocks = ["".join(_line(name, found.get(name, set()), order) for name in layer) for layer in layers()]
    return "```\n" + f"{'─' * WIDTH}\n".join(blocks) + "```\n"


def _line(name: str, targets: set[str], order: list[str]) -> str:
    rows = list(_wrapped([target for target in order if target in targets]))
    first, *rest = rows or [""]
    lines = [f"{name:<13}{'→ ' + first if first else ''}".rstrip(), *(f"{'':<15}{row}" for row in rest)]
    return "".join(f"{line}\n" for line in lines)


def _wrapped(names: list[str]) -> Iterator[str]:
    row = ""
    for name in names:
        if len(row) + len(name) > WIDTH - 17:
            yield row
            row = ""
        row = f"{row} {name}".strip()
    if row:
        yield row


def drawn(document: str) -> str:
    """``document`` with the picture of now between its marks. Raises ValueError when a mark is missing."""
    before, begin = document.index(BEGIN), len(BEGIN)
    after = document.index(END)
    return document[: before + begin] + picture() + document[after:]


def main() -> None:
    """Draw the picture in the document again."""
    DOCUMENT.write_text(drawn(DOCUMENT.read_text()))


if __name__ == "__main__":
    main()
