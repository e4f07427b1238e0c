# SPDX-License-Identifier: Apache-2.0
"""``./run figures``: what can be counted about the state of the code, as a table or as JSON.

Prints one row per figure. ``--root`` counts another checkout, so that two can be compared; ``--json``
writes the figures for a later ``--before``.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import statistics
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools import sources, vocabulary
from tools.coverage import gate
from tools.runner.paths import ROOT

_REFERENCE = re.compile(
    r"https?://(?!example|localhost|127\.)[\w.-]+\.\w+/|\bRFC \d+|\bcommit [0-9a-f]{8,}|#\d{2,}\b"
)


def python_files(root: Path) -> list[Path]:
    """Modules of the product that people write."""
    return sources.modules(root / "src/proctor")


def nodes(paths: list[Path]) -> Iterator[ast.AST]:
    """Every node of the syntax trees of ``paths``."""
    for path in paths:
        yield from sources.nodes(path)


def line_count(paths: list[Path]) -> int:
    """Lines of all ``paths``."""
    return sum(len(path.read_text().splitlines()) for path in paths)


def size_figures(paths: list[Path]) -> dict[str, float]:
    """Sizes of functions and classes."""
    functions, classes, attributes = [], [], []
    for node in nodes(paths):
        if isinstance(node, sources.Function):
            functions.append(sources.line_count(node))
        elif isinstance(node, ast.ClassDef):
            classes.append(sources.line_count(node))
            attributes.append(len(sources.instance_attributes(node)))
    return {
        "functions": len(functions),
        "lines per function, median": statistics.median(functions),
        "lines per function, p95": round(statistics.quantiles(functions, n=20)[-1]),
        "longest function": max(functions),
        "classes": len(classes),
        "longest class": max(classes),
        "classes of more than 200 lines": sum(size > 200 for size in classes),
        "most attributes of an instance": max(attributes),
    }


def type_figures(paths: list[Path]) -> dict[str, float]:
    """How often the code gives up on types."""
    lines = line_count(paths)
    anything = sum(isinstance(node, ast.Name) and node.id == "Any" for node in nodes(paths))
    untyped = sum(len(re.findall(r"dict\[str, Any\]", path.read_text())) for path in paths)
    return {
        "Any per thousand lines": round(1000 * anything / lines, 1),
        "dict[str, Any]": untyped,
    }


def name_figures(root: Path) -> dict[str, float]:
    """Names used twice, and words of the list."""
    package = root / "src/proctor"
    classes = vocabulary.class_names(package).values()
    modules = vocabulary.module_names(package).values()
    words = sum(
        len(list(vocabulary.banned_words((root / path).read_text(errors="replace"))))
        for path in vocabulary.checked_files(root)
    )
    return {
        "public class names in two modules": sum(len(places) > 1 for places in classes),
        "module names in two packages of a process": sum(map(vocabulary.shared_by_a_process, modules)),
        "words of the list": words,
    }


def reference_figures(root: Path) -> dict[str, float]:
    """References to RFCs, commits, issues and pages, per thousand lines of Python, C and BPF."""
    native = (root / path for path in sources.written_files(root, ("bpf", "native")))
    paths = [*python_files(root), *(path for path in native if path.suffix in {".c", ".h"})]
    found = sum(len(_REFERENCE.findall(path.read_text(errors="replace"))) for path in paths)
    return {"references per thousand lines": round(1000 * found / line_count(paths), 2)}


def test_figures(root: Path) -> dict[str, float]:
    """Modules without a unit test of their own, and coverage where it was measured."""
    tests = [root / path.relative_to(ROOT) for path in gate.UNIT_TESTS]
    modules = set(gate.modules(root / "src"))
    figures: dict[str, float] = {
        "modules": len(modules),
        "modules without a unit test": len(modules - gate.imported(tests)),
    }
    if root == ROOT:
        figures |= {f"coverage of {name} (%)": round(value, 1) for name, value in gate.measured().items()}
    return figures


def figures(root: Path) -> dict[str, float]:
    """All figures of a checkout."""
    paths = python_files(root)
    return {
        "lines of Python": line_count(paths),
        **size_figures(paths),
        **type_figures(paths),
        **name_figures(root),
        **reference_figures(root),
        **test_figures(root),
    }


def table(found: Mapping[str, float], before: Mapping[str, float]) -> str:
    """One row per figure; with ``before``, in two columns."""
    rows = [f"{'':<44}{'before':>10}{'now':>10}"] if before else []
    for name, value in found.items():
        column = f"{before.get(name, '-'):>10}" if before else ""
        rows.append(f"{name:<44}{column}{value:>10}")
    return "\n".join(rows)


def main() -> int:
    """Count, print, and write what was asked for."""
    parser = argparse.ArgumentParser(prog="./run figures", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="count this checkout (this one)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--before", type=Path, help="figures of an earlier state, shown beside")
    options = parser.parse_args()
    if not (options.root / "src/proctor").is_dir():
        parser.error(f"{options.root} is not a checkout: it has no src/proctor")
    found = figures(options.root)
    before = json.loads(options.before.read_text()) if options.before else {}
    print(table(found, before))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
