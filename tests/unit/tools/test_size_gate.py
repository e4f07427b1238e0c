# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from tools import size_gate


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(size_gate, "ROOT", tmp_path)
    package = tmp_path / "src/proctor/package"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "small.py").write_text("def one():\n    return 1\n\n\ndef two():\n    return 2\n")
    return tmp_path


def test_small_code_passes(checkout: Path) -> None:
    assert list(size_gate.complaints({})) == []


def test_long_file(checkout: Path) -> None:
    (checkout / "src/proctor/package/long.py").write_text("x = 1\n" * 501)

    assert list(size_gate.complaints({})) == ["src/proctor/package/long.py: 501 lines, limit 500"]


def test_long_function_is_named_with_its_class(checkout: Path) -> None:
    body = "class A:\n    def f(self):\n" + "        x = 1\n" * 50
    (checkout / "src/proctor/package/long.py").write_text(body)

    assert "src/proctor/package/long.py:A.f: 51 lines, limit 50" in list(size_gate.complaints({}))


def test_many_positional_parameters(checkout: Path) -> None:
    (checkout / "src/proctor/package/wide.py").write_text("def f(a, b, c, d, e, f, g): ...\n")

    assert list(size_gate.complaints({})) == [
        "src/proctor/package/wide.py:f(): 7 positional parameters, limit 6"
    ]


def test_keyword_parameters_are_not_limited(checkout: Path) -> None:
    (checkout / "src/proctor/package/wide.py").write_text("def f(a, *, b, c, d, e, f, g): ...\n")

    assert list(size_gate.complaints({})) == []


def test_long_class(checkout: Path) -> None:
    text = "class A:\n" + "    x = 1\n" * 200
    (checkout / "src/proctor/package/long.py").write_text(text)

    assert list(size_gate.complaints({})) == ["src/proctor/package/long.py:A: 201 lines, limit 200"]


def test_many_attributes(checkout: Path) -> None:
    names = ", ".join(f"self.a{number}" for number in range(13))
    text = f"class A:\n    def f(self):\n        {names} = range(13)\n        self.a0 += self.read_only\n"
    (checkout / "src/proctor/package/wide.py").write_text(text)

    assert list(size_gate.complaints({})) == ["src/proctor/package/wide.py:A.self: 13 attributes, limit 12"]


def test_large_package(checkout: Path) -> None:
    for number in range(13):
        (checkout / f"src/proctor/package/m{number}.py").touch()

    assert list(size_gate.complaints({})) == ["src/proctor/package/: 14 modules, limit 12"]


@pytest.mark.parametrize(
    ("exempted", "expected"),
    [
        (501, []),
        (500, ["src/proctor/package/long.py: 501 lines, exempted with 500"]),
        (600, ["src/proctor/package/long.py: has shrunk to 501; lower its number in size_exempt.toml"]),
    ],
)
def test_exemptions_only_shrink(checkout: Path, exempted: int, expected: list[str]) -> None:
    (checkout / "src/proctor/package/long.py").write_text("x = 1\n" * 501)

    assert list(size_gate.complaints({"src/proctor/package/long.py": exempted})) == expected


def test_exemption_without_need(checkout: Path) -> None:
    exempt = {"src/proctor/package/small.py": 510, "gone.py": 600}

    assert list(size_gate.complaints(exempt)) == [
        "src/proctor/package/small.py: is within the limit now; remove it from size_exempt.toml",
        "gone.py: does not exist; remove it from size_exempt.toml",
    ]
