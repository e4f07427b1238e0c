# SPDX-License-Identifier: Apache-2.0
"""Text of others: which may be an identifier, and how the rest is shown without driving a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that are not shown as they are: control, format (bidirectional overrides, zero-width
characters), surrogates, private use, unassigned, line and paragraph separators."""

_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2800\u3164\uffa0") | frozenset(
    map(chr, range(0xFE00, 0xFE10))
)
"""Letters and marks without a glyph: Hangul fillers, variation selectors, the empty Braille pattern."""

_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHOWN = 40
_LONG_WORD = re.compile(r"\S{256,}")
_PLAIN = re.compile(r"[ -~]*")


def counted(number: float, noun: str) -> str:
    """``number`` and ``noun`` in agreement: 1 session, 2 sessions."""
    return f"{number:.12g} {noun}" if number == 1 else f"{number:.12g} {noun}s"


def is_visible(char: str) -> bool:
    """Does ``char`` show itself, and nothing else? Of spaces, the ordinary one only."""
    if " " <= char <= "~":
        return True
    category = unicodedata.category(char)
    return category not in _HIDDEN and category != "Zs" and char not in _FILLERS


def is_printable(text: str) -> bool:
    """Has ``text`` visible characters only?"""
    return _PLAIN.fullmatch(text) is not None or all(map(is_visible, text))


def all_visible(value: Any) -> bool:
    """Is there nothing but visible characters and newlines in all texts of ``value``, nested ones too?"""
    if isinstance(value, Mapping):
        return all(all_visible(key) and all_visible(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(all_visible, value))
    return not isinstance(value, str) or all(map(is_printable, value.split("\n")))


def escaped(text: str, *, keep: str = "") -> str:
    r"""``text`` with what is not visible as ``\xNN``, ``\uNNNN`` or ``\UNNNNNNNN``, but for ``keep``.

    A backslash stays one: the result is for people, not for a parser.
    """
    if _PLAIN.fullmatch(text):
        return text
    return "".join(char if char in keep or is_visible(char) else _escape(char) for char in text)


def escaped_lines(text: str) -> str:
    """The same for a text of several lines, whose newlines stay."""
    return escaped(text, keep="\n")


def shortened(text: str) -> str:
    """``text`` with the middle left out of each word that is too long to be read."""
    return _LONG_WORD.sub(lambda found: f"{found[0][:_SHOWN]}…{found[0][-_SHOWN:]}", text)


def json_escaped(document: str) -> str:
    r"""JSON text in which what is not visible is written as ``\uNNNN``; its meaning is the same.

    For documents without white space but spaces and newlines between tokens.
    """
    if document.isascii() and "\x7f" not in document:
        return document
    return "".join(char if char == "\n" or is_visible(char) else _json_escape(char) for char in document)


def _escape(char: str) -> str:
    code = ord(char)
    if char in _NAMED:
        return _NAMED[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def is_uuid(text: str) -> bool:
    """Is ``text`` a UUID in the form that ``uuid.UUID`` writes: lower case, with hyphens?"""
    return _UUID.fullmatch(text) is not None
