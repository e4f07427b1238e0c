# SPDX-License-Identifier: Apache-2.0
"""Mutation operators: small changes of Python source that a good test suite notices.

The operators are those of DeMillo, Lipton and Sayward (*Hints on Test Data Selection*, 1978) that make
sense for code that decides: relational and logical operators, negations, constants, returned values and
removed statements.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from typing import NamedTuple

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


class Mutant(NamedTuple):
    """One change: the line (from 1), what was changed, and the source of the whole module with it."""

    line: int
    change: str
    source: str


Change = tuple[str, Callable[[ast.AST], ast.AST]]


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module, in the order of its syntax tree."""
    tree = ast.parse(source)
    skipped = {id(node) for part in _undecided(tree) for node in ast.walk(part)}
    for node in ast.walk(tree):
        if id(node) not in skipped:
            for description, change in _changes(node):
                yield Mutant(getattr(node, "lineno", 0), description, _replaced(tree, node, change))


def _replaced(tree: ast.Module, node: ast.AST, change: Callable[[ast.AST], ast.AST]) -> str:
    """Source of ``tree`` with ``node`` replaced; the tree itself stays as it is."""
    memo: dict[int, object] = {}
    duplicate = copy.deepcopy(tree, memo)
    target = memo[id(node)]

    class Replacer(ast.NodeTransformer):
        def visit(self, visited: ast.AST) -> ast.AST:
            return change(visited) if visited is target else super().visit(visited)

    return ast.unparse(ast.fix_missing_locations(Replacer().visit(duplicate)))


def _changes(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare):
        yield from _comparison_changes(node)
    elif isinstance(node, ast.BoolOp):
        yield _logical_change(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "removed `not`", lambda old: old.operand  # type: ignore[attr-defined]
    elif isinstance(node, ast.Constant):
        yield from _constant_changes(node)
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        yield "negated the condition", _negated
    elif isinstance(node, ast.Raise | ast.Expr | ast.AugAssign):
        yield f"removed `{ast.unparse(node)[:60]}`", lambda _old: ast.Pass()
    elif isinstance(node, ast.Return) and node.value is not None and not _is_falsy(node.value):
        yield f"returned None for `{ast.unparse(node.value)[:60]}`", lambda _old: ast.Return(value=None)


def _comparison_changes(node: ast.Compare) -> Iterator[Change]:
    for index, operator in enumerate(node.ops):
        other = _COMPARISONS[type(operator)]

        def change(old: ast.AST, index: int = index, other: type[ast.cmpop] = other) -> ast.AST:
            assert isinstance(old, ast.Compare)
            old.ops[index] = other()
            return old

        yield f"{type(operator).__name__} became {other.__name__}", change


def _logical_change(node: ast.BoolOp) -> Change:
    other = ast.Or if isinstance(node.op, ast.And) else ast.And

    def change(old: ast.AST) -> ast.AST:
        assert isinstance(old, ast.BoolOp)
        old.op = other()
        return old

    return f"{type(node.op).__name__} became {other.__name__}", change


def _constant_changes(node: ast.Constant) -> Iterator[Change]:
    value = node.value
    if isinstance(value, bool):
        yield f"{value} became {not value}", lambda _old: ast.Constant(not value)
    elif isinstance(value, int):
        yield f"{value} became {value + 1}", lambda _old: ast.Constant(value + 1)
    elif isinstance(value, str) and value:
        yield f"{value[:40]!r} became another text", lambda _old: ast.Constant(f"XX{value}")


def _negated(old: ast.AST) -> ast.AST:
    assert isinstance(old, ast.If | ast.IfExp | ast.While)
    old.test = ast.UnaryOp(ast.Not(), old.test)
    return old


def _undecided(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the parts that decide nothing: docstrings, messages, annotations and options of classes."""
    for node in ast.walk(tree):
        if _is_text(node):
            yield node
        elif isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            yield node.annotation
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            yield node.returns
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
            yield node
        elif isinstance(node, ast.ClassDef):
            yield from node.keywords


def _is_falsy(value: ast.expr) -> bool:
    """Whether a function that returns ``value`` would decide the same with None."""
    return isinstance(value, ast.Constant) and value.value in {None, False}


def _is_text(node: ast.AST) -> bool:
    """Whether ``node`` is a docstring, or words for people."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and " " in node.value
    return isinstance(node, ast.JoinedStr)
