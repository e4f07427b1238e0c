# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ast

import pytest

from tools.mutation import __main__ as mutation
from tools.mutation.operators import mutants
from tools.runner.paths import ROOT


def changed(source: str) -> list[str]:
    return [ast.unparse(ast.parse(mutant.source)) for mutant in mutants(source)]


@pytest.mark.parametrize(
    ("source", "mutant"),
    [
        ("x = a < b", "x = a <= b"),
        ("x = a in b", "x = a not in b"),
        ("x = a and b", "x = a or b"),
        ("x = not a", "x = a"),
        ("x = True", "x = False"),
        ("x = 4", "x = 5"),
        ("x = 'a'", "x = 'XXa'"),
        ("if a:\n    b()", "if not a:\n    b()"),
        ("if a:\n    b()", "if a:\n    pass"),
        ("def f():\n    return a", "def f():\n    return"),
        ("def f():\n    raise E", "def f():\n    pass"),
    ],
)
def test_each_operator(source: str, mutant: str) -> None:
    assert mutant in changed(source)


def test_one_change_at_a_time() -> None:
    assert changed("x = a < b < c") == ["x = a <= b < c", "x = a < b <= c"]


def test_text_and_types_are_left_alone() -> None:
    assert changed('"""A module."""\nx: Literal["a"]\n\ndef f(a: "b") -> "c": ...') == []
    assert changed("raise_(f'no {a}', 'a message')") == ["pass"]
    assert changed("class A(B, frozen=True): ...\nC = Literal['a']") == []


def test_returned_none_is_no_mutant_of_false() -> None:
    assert changed("def f():\n    return False") == ["def f():\n    return True"]


def test_mutant_names_its_line() -> None:
    (mutant,) = mutants("x = a\ny = a == b\n")
    assert (mutant.line, mutant.change) == (2, "Eq became NotEq")


def test_every_target_is_a_module_with_tests() -> None:
    for target in mutation.targets(None):
        assert (ROOT / "src" / target.path).is_file()
        assert all((ROOT / test).exists() for test in target.tests)


def test_unknown_module_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"proctor\.x is not one of the modules: proctor\.model\.access"):
        mutation.targets("proctor.x")
