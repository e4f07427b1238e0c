# SPDX-License-Identifier: Apache-2.0
"""Which files of a checkout people write, and what can be read from their syntax trees.

Shared by the gates of ``./run lint``, the figures and the coverage: what counts as generated is said here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tools.runner.paths import ROOT

DIRECTORIES = ("src", "testing", "tests", "tools", "bench", "bpf", "native", "web/src", "schema", "proto")
SCRIPTS = ("run", "hatch_build.py")
GENERATED_DIRECTORIES = frozenset({"__pycache__", "node_modules", ".output", "_obj", "_pb", "_web"})
GENERATED_FILES = frozenset(
    {
        "native/eventfmt/event_fields.h",
        "src/proctor/model/event_texts.py",
        "src/proctor/model/event_types.py",
        "src/proctor/model/events.py",
        "web/src/api/schema.d.ts",
        "web/src/audit/events.gen.ts",
    }
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def written_files(root: Path = ROOT, places: tuple[str, ...] = (*SCRIPTS, *DIRECTORIES)) -> Iterator[Path]:
    """Yield each file below ``places`` that is not generated, relative to ``root``."""
    for place in places:
        top = root / place
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            relative = path.relative_to(root)
            if path.is_file() and not is_generated(relative):
                yield relative


def is_generated(path: Path) -> bool:
    """Whether a file, relative to the checkout, is written by a program."""
    return path.as_posix() in GENERATED_FILES or not GENERATED_DIRECTORIES.isdisjoint(path.parts)


def modules(directory: Path) -> list[Path]:
    """Python files below ``directory``, those of the RPC contract left out."""
    return [
        path
        for path in sorted(directory.rglob("*.py"))
        if GENERATED_DIRECTORIES.isdisjoint(path.relative_to(directory).parts)
    ]


def nodes(path: Path) -> Iterator[ast.AST]:
    """Yield every node of the syntax tree of a Python file."""
    return ast.walk(ast.parse(path.read_text()))


def line_count(node: Function | ast.ClassDef) -> int:
    """Lines from ``def`` or ``class`` to the end."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def instance_attributes(node: ast.ClassDef) -> set[str]:
    """Names that methods of a class assign as ``self.name``."""
    return {
        target.attr
        for target in ast.walk(node)
        if isinstance(target, ast.Attribute)
        and isinstance(target.ctx, ast.Store)
        and isinstance(target.value, ast.Name)
        and target.value.id == "self"
    }
