# SPDX-License-Identifier: Apache-2.0
"""Suggestions for unknown keys and words."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import msgspec
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from proctor.config.fields import parents_of
from proctor.config.source import SourcePosition, is_null, place_of

_ENDINGS = ("_service", "_listen_addr", "_public_addr", "_labels", "_labels_expression")
_CLOSE = 0.65
_STRAYS = 2
"""Keys at the wrong level that make a file one without indentation."""


def closest(word: str, known: Sequence[str]) -> str:
    """The one of ``known`` that ``word`` resembles, or an empty text.

    Words with a common ending (``app_service``, ``auth_service``) must resemble each other before it.
    """
    ending = next((ending for ending in _ENDINGS if word.endswith(ending)), "")
    stem = word.removesuffix(ending)
    stems = {each.removesuffix(ending): each for each in known if each.endswith(ending)}
    found = difflib.get_close_matches(stem, list(stems), n=1, cutoff=_CLOSE)
    if not found and ending:
        return ""
    return stems[found[0]] if found else ""


def hint(word: str, known: Sequence[str]) -> str:
    """``; did you mean X?``, or an empty text."""
    found = closest(word, known)
    return f"; did you mean {found}?" if found else ""


def lost_indentation(node: Node, kind: type[msgspec.Struct]) -> tuple[SourcePosition, str] | None:
    """Place and sentence when keys that belong into empty sections of ``kind`` are at the top level.

    Text copied from a web page often has lost the leading spaces of its lines.
    """
    if not isinstance(node, MappingNode):
        return None
    top = kind.__struct_fields__
    parents = parents_of(kind)
    strays: list[tuple[ScalarNode, str]] = []
    empty: list[str] = []
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            continue
        name = str(key.value)
        if name in top and is_null(value):
            empty.append(name)
        elif name not in top and (
            below := [path for path in parents.get(name, ()) if path[:1] == (*empty,)[-1:]]
        ):
            strays.append((key, below[0][0]))
    if len(strays) < _STRAYS:
        return None
    key, section = strays[0]
    return place_of(key), (
        f"the lines have lost their indentation: {key.value} belongs below {section}; "
        "indent the keys of each section with two spaces"
    )
