# SPDX-License-Identifier: Apache-2.0
"""Limits on the size of files, functions, classes and packages, with a list of exemptions that only shrinks.

``size_exempt.toml`` names what is above a limit today, with its size. Growing beyond that size fails,
and so does an entry that is larger than what it names or no longer needed.
"""

from __future__ import annotations

import ast
import statistics
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tools import sources
from tools.runner.paths import ROOT

EXEMPTIONS = ROOT / "tools/size_exempt.toml"

FUNCTION_LINES = 50
FUNCTION_LINES_P90 = 30
POSITIONAL_PARAMETERS = 6
CLASS_LINES = 200
CLASS_ATTRIBUTES = 12
PACKAGE_MODULES = 12


class Measure(NamedTuple):
    """Something with a size and the limit on it."""

    name: str
    size: int
    limit: int
    unit: str = "lines"


def file_limit(path: Path) -> int | None:
    """How long the file at ``path`` may be; None when it is not limited."""
    if path.suffix == ".py":
        return 800 if path.parts[0] == "tests" else 500
    if path.name.endswith(".bpf.c"):
        return 250
    if path.suffix == ".h" and "include" in path.parts:
        return 150
    if path.suffix in {".c", ".h", ".pyx", ".ts", ".tsx", ".css"}:
        return 500
    return None


def functions(path: Path) -> Iterator[tuple[str, sources.Function]]:
    """Each function of a Python file with its qualified name, nested ones and methods included."""

    def walk(node: ast.AST, prefix: str) -> Iterator[tuple[str, sources.Function]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, sources.Function | ast.ClassDef):
                name = f"{prefix}.{child.name}".lstrip(".")
                if not isinstance(child, ast.ClassDef):
                    yield name, child
                yield from walk(child, name)
            else:
                yield from walk(child, prefix)

    yield from walk(ast.parse((ROOT / path).read_text()), "")


def class_measures(path: Path) -> Iterator[Measure]:
    """The size of each class of the product."""
    for class_ in sources.nodes(ROOT / path):
        if not isinstance(class_, ast.ClassDef):
            continue
        yield Measure(f"{path}:{class_.name}", sources.line_count(class_), CLASS_LINES)
        count = len(sources.instance_attributes(class_))
        yield Measure(f"{path}:{class_.name}.self", count, CLASS_ATTRIBUTES, "attributes")


def measures() -> Iterator[Measure]:
    """Everything that has a limit."""
    files = list(sources.written_files(ROOT))
    for path in files:
        if limit := file_limit(path):
            yield Measure(str(path), len((ROOT / path).read_text().splitlines()), limit)
    product: list[int] = []
    for path in files:
        if path.suffix != ".py":
            continue
        if path.parts[0] == "src":
            yield from class_measures(path)
        for name, function in functions(path):
            lines = sources.line_count(function)
            yield Measure(f"{path}:{name}", lines, FUNCTION_LINES)
            positional = len(function.args.posonlyargs) + len(function.args.args)
            yield Measure(f"{path}:{name}()", positional, POSITIONAL_PARAMETERS, "positional parameters")
            if path.parts[0] == "src":
                product.append(lines)
    yield from packages(files)
    yield Measure(
        "src", round(statistics.quantiles(product, n=10)[-1]), FUNCTION_LINES_P90, "lines per function (p90)"
    )


def packages(files: list[Path]) -> Iterator[Measure]:
    """How many modules each package of the product has."""
    for package in sorted(
        {path.parent for path in files if path.name == "__init__.py" and path.parts[0] == "src"}
    ):
        modules = [
            path
            for path in files
            if path.parent == package and path.suffix == ".py" and path.name != "__init__.py"
        ]
        yield Measure(f"{package}/", len(modules), PACKAGE_MODULES, "modules")


def complaints(exempt: dict[str, int]) -> Iterator[str]:
    """What breaks a limit or makes an exemption stale."""
    known = set()
    for measure in measures():
        known.add(measure.name)
        allowed = exempt.get(measure.name)
        if allowed is None:
            if measure.size > measure.limit:
                yield f"{measure.name}: {measure.size} {measure.unit}, limit {measure.limit}"
        elif measure.size <= measure.limit:
            yield f"{measure.name}: is within the limit now; remove it from {EXEMPTIONS.name}"
        elif measure.size > allowed:
            yield f"{measure.name}: {measure.size} {measure.unit}, exempted with {allowed}"
        elif measure.size < allowed:
            yield f"{measure.name}: has shrunk to {measure.size}; lower its number in {EXEMPTIONS.name}"
    for name in sorted(exempt.keys() - known):
        yield f"{name}: does not exist; remove it from {EXEMPTIONS.name}"


def main() -> int:
    """Print every complaint; 1 when there is one."""
    exempt = tomllib.loads(EXEMPTIONS.read_text())["exempt"] if EXEMPTIONS.exists() else {}
    found = list(complaints(exempt))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
