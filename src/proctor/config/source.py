# SPDX-License-Identifier: Apache-2.0
"""YAML text to nodes, in bounded time and memory, or one sentence that says what is wrong and where.

Input comes from files that other programs wrote, so size, depth and the expansion of aliases are limited.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

MAX_SIZE = 256 << 10
"""Bytes of one file; reading them takes about two seconds."""
MAX_DEPTH = 64
MAX_NODES = 50_000
"""Nodes of one document, with every alias counted as what it stands for."""
_TAG = "tag:yaml.org,2002:"
_MERGE = "<<"
_TRUE = frozenset({"y", "yes", "true", "on"})
_FALSE = frozenset({"n", "no", "false", "off"})
_INTEGER = re.compile(r"[+-]?(0x[0-9a-fA-F_]+|0o?[0-7_]+|0b[01_]+|[0-9][0-9_]*)")


class SourcePosition(NamedTuple):
    """Line and column in a file, from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


class SourceError(Exception):
    """The text cannot be read as YAML; the message begins with ``file:line:column:``."""


def text_of(data: bytes, name: str) -> str:
    """The text of a file's content. Raises SourceError."""
    if len(data) > MAX_SIZE:
        raise SourceError(f"{name}: is larger than {MAX_SIZE >> 10} KiB")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError(f"{name}:{line}:1: the text is not UTF-8") from None


def compose(text: str, name: str) -> list[Node]:
    """The documents of ``text`` that are not empty. Raises SourceError."""
    if len(text) > MAX_SIZE:
        raise SourceError(f"{name}: is larger than {MAX_SIZE >> 10} KiB")
    try:
        nodes = [node for node in YAML(typ="safe", pure=True).compose_all(text) if not is_null(node)]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = SourcePosition(mark.line + 1, mark.column + 1) if mark else SourcePosition(1, 1)
        raise SourceError(f"{name}:{place}: not valid YAML: {_syntax(error, text, place)}") from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SourceError(f"{name}:{line}:1: not valid YAML: {_CHARACTER}") from None
    except (YAMLError, ValueError):
        raise SourceError(f"{name}:1:1: not valid YAML") from None
    except RecursionError:
        raise SourceError(f"{name}:1:1: is nested more than {MAX_DEPTH} levels deep") from None
    for node in nodes:
        _check_extent(node, name)
    return nodes


_CHARACTER = "a character that YAML does not allow"


def _syntax(error: MarkedYAMLError, text: str, place: SourcePosition) -> str:
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    if "\t" in line[: place.column]:
        return "a tab; indent with spaces"
    begun = error.context_mark.line + 1 if error.context_mark else place.line
    context = f"{error.context} that began in line {begun}" if error.context else ""
    return ", ".join(filter(None, [context, error.problem]))


class _Extent(NamedTuple):
    nodes: int
    depth: int


def _check_extent(root: Node, name: str) -> None:
    """Refuse a document that aliases make large, deep or endless; looks at each node once."""
    known: dict[int, _Extent | None] = {}

    def measure(node: Node) -> _Extent:
        if id(node) in known:
            extent = known[id(node)]
            if extent is None:
                raise SourceError(f"{name}:{place_of(node)}: an alias that contains itself")
            return extent
        known[id(node)] = None
        children = [measure(child) for child in _children(node)]
        depth = 1 + max((child.depth for child in children), default=0)
        extent = _Extent(1 + sum(child.nodes for child in children), depth)
        if extent.nodes > MAX_NODES:
            raise SourceError(f"{name}:{place_of(node)}: has more than {MAX_NODES} values, aliases expanded")
        if depth > MAX_DEPTH:
            raise SourceError(f"{name}:{place_of(node)}: is nested more than {MAX_DEPTH} levels deep")
        known[id(node)] = extent
        return extent

    try:
        measure(root)
    except RecursionError:
        raise SourceError(f"{name}:1:1: is nested more than {MAX_DEPTH} levels deep") from None


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, SequenceNode):
        yield from node.value


def place_of(node: Node) -> SourcePosition:
    """Return the position of ``node``."""
    return SourcePosition(node.start_mark.line + 1, node.start_mark.column + 1)


def is_null(node: Node | None) -> bool:
    """No value, or one that YAML calls null."""
    return node is None or (isinstance(node, ScalarNode) and node.tag == f"{_TAG}null")


def is_empty(node: Node) -> bool:
    """Null or an empty text: what generators write for "nothing chosen"."""
    return is_null(node) or (isinstance(node, ScalarNode) and not node.value)


def entries(node: MappingNode) -> list[tuple[Node, Node]]:
    """Keys and values, with merge keys (``<<``) replaced by what they merge, own keys first."""
    own = [(key, value) for key, value in node.value if not _is_merge(key)]
    names = {key.value for key, _ in own if isinstance(key, ScalarNode)}
    for key, value in node.value:
        if not _is_merge(key):
            continue
        for source in value.value if isinstance(value, SequenceNode) else [value]:
            for entry in entries(source) if isinstance(source, MappingNode) else [(key, source)]:
                if entry[0].value not in names:
                    names.add(entry[0].value)
                    own.append(entry)
    return own


def _is_merge(key: Node) -> bool:
    return isinstance(key, ScalarNode) and key.value == _MERGE and key.style is None


def scalar_text(node: ScalarNode) -> str:
    """The text as written; empty for null. Raises ValueError for text that is not Unicode."""
    text = "" if is_null(node) else str(node.value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(_CHARACTER) from None
    return text


def plain(node: Node) -> Any:
    """The value as dicts, lists, text, whole numbers, booleans (those of YAML 1.1) and None."""
    if isinstance(node, MappingNode):
        return {str(key.value): plain(value) for key, value in entries(node) if isinstance(key, ScalarNode)}
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.value]
    if is_null(node) or not isinstance(node, ScalarNode):
        return None
    text = scalar_text(node)
    if node.style is not None:
        return text
    if text.lower() in _TRUE | _FALSE and len(text) > 1:
        return text.lower() in _TRUE
    return integer(text) if _INTEGER.fullmatch(text) and text.strip("+-0123456789") == "" else text


def integer(text: str) -> int:
    """A number as Go's YAML reads it: ``10``, ``1_000``, ``0x1f``, ``0o17``, ``017``. Raises ValueError."""
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"{text!r} is not a whole number")
    digits = text.lstrip("+-")
    octal = re.fullmatch(r"0[0-7_]+", digits)
    try:
        value = int(digits, 8) if octal else int(digits, 0)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number") from None
    return -value if text.startswith("-") else value


def shape(node: Node) -> str:
    """Name the kind of value of ``node``, for messages."""
    if isinstance(node, MappingNode):
        return "a mapping"
    return "a list" if isinstance(node, SequenceNode) else "a single value"
