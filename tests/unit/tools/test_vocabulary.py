# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from tools import vocabulary


@pytest.mark.parametrize(
    "text",
    [
        "Nobody is asked",
        "a stranger's file",
        "def test_what_was_told() -> None:",
        "/* no room */",
        "an event of ours",
        "The Deeds of daemons",
        "what comes next",
    ],
)
def test_banned_words(text: str) -> None:
    assert len(list(vocabulary.banned_words(f"fine\n{text}"))) == 1


@pytest.mark.parametrize("text", ["user 'nobody'", '"nobody"', "a method", "toldest", "headroom", "an hour"])
def test_other_words(text: str) -> None:
    assert list(vocabulary.banned_words(text)) == []


def test_a_line_may_have_a_reason() -> None:
    assert list(vocabulary.banned_words('SEED = "the key of nobody"  # word: part of a wire format')) == []


def test_every_word_has_advice() -> None:
    for word in ("deeds", "Nobody", "nobody's", "told", "rooms", "of ours"):
        assert vocabulary.advice(word)


def write(package: Path, name: str, text: str) -> None:
    (package / name).parent.mkdir(parents=True, exist_ok=True)
    (package / name).write_text(text)


def test_classes_of_the_same_name(tmp_path: Path) -> None:
    write(tmp_path, "core/one.py", "class Entry: ...\nclass _Own: ...\n")
    write(tmp_path, "auth/two.py", "class Entry: ...\nclass _Own: ...\n")

    found = {name: places for name, places in vocabulary.class_names(tmp_path).items() if len(places) > 1}

    assert found == {"Entry": {"core/one.py", "auth/two.py"}}


@pytest.mark.parametrize(
    ("packages", "shared"),
    [
        ({"auth", "node"}, False),
        ({"auth", "core"}, True),
        ({"cli.tsh", "cli.tctl"}, False),
        ({"cli", "cli.tctl"}, True),
        ({"node", "node.record"}, True),
        ({"core"}, False),
    ],
)
def test_modules_of_one_process(packages: set[str], *, shared: bool) -> None:
    assert vocabulary.shared_by_a_process(packages) is shared


def test_exemptions_only_shrink() -> None:
    places = {"Entry": {"a.py", "b.py"}}

    assert list(vocabulary.check_unique("class", places, {})) == ["class Entry in a.py, b.py"]
    assert list(vocabulary.check_unique("class", places, {"Entry": 2})) == []
    assert list(vocabulary.check_unique("class", {}, {"Entry": 2})) != []


def test_long_lines_of_pages() -> None:
    long = "word " * 30
    page = f"{long}\n|{long}|\n```\n{long}\n```\n# {long}\n- {long}\n" + "x" * 120

    assert list(vocabulary.long_lines(page)) == [1, 7]
