# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core.text import (
    all_visible,
    counted,
    escaped,
    escaped_lines,
    is_printable,
    is_uuid,
    json_escaped,
    shortened,
)

HIDDEN = [
    "\x00", "\x07", "\x1b", "\t", "\n", "\r", "\x7f", "\x85", "\x9b", "\u00a0", "\u00ad", "\u034f", "\u061c",
    "\u115f", "\u200b", "\u200d", "\u200f", "\u2028", "\u2029", "\u202e", "\u2066", "\u3000", "\u3164",
    "\ufe0f", "\ufeff", "\ufff9", "\U000e0041", "\ud800", "\ue000",
]  # fmt: skip


@pytest.mark.parametrize("char", HIDDEN)
def test_what_does_not_show_itself_is_escaped(char: str) -> None:
    text = f"web{char}1"
    assert not is_printable(text)
    assert not all_visible({"labels": [text.replace("\n", "\r")]})
    assert escaped(text).isascii()
    assert char not in escaped(text)
    assert json_escaped(json.dumps(char, ensure_ascii=False)).isprintable()


@pytest.mark.parametrize("text", ["", "web-1", "größe", "日本", "שלום", "ελ", "🦊", "C:\\x1b", "e\u0301"])
def test_what_shows_itself_stays(text: str) -> None:
    assert is_printable(text)
    assert escaped(text) == text


def test_lines_stay_lines() -> None:
    assert escaped_lines("a\nb\x1b[2J\r") == "a\nb\\x1b[2J\\r"
    assert escaped("a\nb") == "a\\nb"


@given(st.text())
def test_escaped_once_or_twice_is_the_same(text: str) -> None:
    assert escaped(escaped(text)) == escaped(text)
    assert not any(unicodedata.category(char) in {"Cc", "Cf"} for char in escaped(text))


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_escaped_json_means_the_same(value: object) -> None:
    document = json_escaped(json.dumps(value, indent=1, ensure_ascii=False))
    assert json.loads(document) == value
    assert all_visible(document)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (1.0, "1 second"),
        (2.5, "2.5 seconds"),
        (10_000_000, "10000000 seconds"),
    ],
)
def test_numbers_agree_with_their_noun(number: float, expected: str) -> None:
    assert counted(number, "second") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0f0e0d0c-0b0a-4988-8776-655443322110", True),
        ("0F0E0D0C-0B0A-4988-8776-655443322110", False),
        ("0f0e0d0c0b0a49888776655443322110", False),
        ("{0f0e0d0c-0b0a-4988-8776-655443322110}", False),
        ("0f0e0d0c-0b0a-4988-8776-655443322110\n", False),
        ("", False),
    ],
)
def test_only_the_usual_form_is_a_uuid(text: str, expected: bool) -> None:
    assert is_uuid(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("a sentence " * 100, "a sentence " * 100),
        ("x" * 255, "x" * 255),
        ("x" * 256, "x" * 40 + "…" + "x" * 40),
        (f"node {'ab' * 5000} not found", f"node {'ab' * 20}…{'ab' * 20} not found"),
        (f"{'a' * 300}\n{'b' * 300}", f"{'a' * 40}…{'a' * 40}\n{'b' * 40}…{'b' * 40}"),
    ],
)
def test_long_words_lose_their_middle(text: str, expected: str) -> None:
    assert shortened(text) == expected
