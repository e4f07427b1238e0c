"""Resources as YAML: read with the line of every mistake, written as ``tctl get`` shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from proctor.core.errors import BadRequest
from proctor.model.resources import KINDS, Resource
from proctor.model.serde import convert

_TAG = "tag:yaml.org,2002:"
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"unknown field `([^`]+)`")


def kind_of(text: str) -> str:
    """``role`` for ``role``, ``roles``, ``Role``. Raises BadRequest."""
    kind = text.lower().removesuffix("s")
    if kind not in KINDS:
        raise BadRequest(f"{text!r} is not a kind of resource; expected {', '.join(KINDS)}")
    return kind


def parse(text: str, name: str) -> list[Resource]:
    """All documents in ``text``. Raises BadRequest: ``name:line:column: what is wrong``."""
    try:
        nodes = [node for node in YAML(typ="safe", pure=True).compose_all(text) if not _is_empty(node)]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise BadRequest(f"{name}:{place}: not valid YAML: {error.problem}") from None
    except YAMLError as error:
        raise BadRequest(f"{name}:1:1: not valid YAML: {error}") from None
    if not nodes:
        raise BadRequest(f"{name}: holds no document")
    return [_resource(node, name) for node in nodes]


def _is_empty(node: Node | None) -> bool:
    return node is None or (isinstance(node, ScalarNode) and not node.value)


def _resource(node: Node, name: str) -> Resource:
    value = _value(node)
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind not in KINDS:
        expected = ", ".join(KINDS)
        raise BadRequest(f"{_place(node, name)}: kind: {kind!r} is none of {expected}")
    try:
        return convert(value, KINDS[kind])
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        where = _find(node, path.rstrip("`"), message)
        raise BadRequest(f"{_place(where, name)}: {message}{_key(path)}") from None


def _key(path: str) -> str:
    return f" (at {path.rstrip('`').removeprefix('$.')})" if path else ""


def _value(node: Node) -> Any:
    """Plain values; what looks like a time stays text."""
    if isinstance(node, MappingNode):
        return {_value(key): _value(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [_value(item) for item in node.value]
    text, kind = str(node.value), (node.tag or "").removeprefix(_TAG)
    if kind == "bool":
        return text.lower() == "true"
    if kind == "null":
        return None
    return int(text) if kind == "int" and text.lstrip("+-").isdecimal() else text


def _find(node: Node, path: str, message: str) -> Node:
    """The node at ``path`` (``$.spec.allow[0]``), or its key when that is what is wrong."""
    for name, index in _STEP.findall(path):
        child = _child(node, name, index)
        if child is None:
            return node
        node = child
    unknown = _UNKNOWN.search(message)
    if unknown and isinstance(node, MappingNode):
        return next((key for key, _ in node.value if key.value == unknown[1]), node)
    return node


def _child(node: Node, name: str, index: str) -> Node | None:
    if isinstance(node, MappingNode):
        return next(
            (value for key, value in node.value if isinstance(key, ScalarNode) and key.value == name), None
        )
    if isinstance(node, SequenceNode) and index.isdecimal():
        return node.value[int(index)] if int(index) < len(node.value) else None
    return None


def _place(node: Node, name: str) -> str:
    return f"{name}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def references(texts: list[str]) -> Iterator[tuple[str, str]]:
    """Kind and name (empty for all) of ``kind``, ``kind/name`` or ``kind name``. Raises BadRequest."""
    for text in ["/".join(texts)] if len(texts) == 2 and "/" not in "".join(texts) else texts:
        kind, _, name = text.partition("/")
        yield kind_of(kind), name
