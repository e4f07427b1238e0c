"""YAML nodes to the structs of the schema, with the place of every mistake."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from proctor.config.schema import NO_EFFECT, SECRET, Config
from proctor.config.values import Kind, read_flag

S = TypeVar("S", bound=msgspec.Struct)
KeyPath = tuple[str, ...]


class Place(NamedTuple):
    """Line and column in a file, from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


class Field(NamedTuple):
    """One annotation taken apart."""

    type: Any
    kind: Kind | None
    secret: bool
    no_effect: bool
    description: str


def field_of(annotation: Any) -> Field:
    """``annotation`` without ``Annotated`` and ``| None``, and what these said."""
    marks: list[Any] = []
    while True:
        if typing.get_origin(annotation) is typing.Annotated:
            marks += annotation.__metadata__
            annotation = annotation.__origin__
        elif typing.get_origin(annotation) in {types.UnionType, typing.Union}:
            annotation = next(part for part in typing.get_args(annotation) if part is not types.NoneType)
        else:
            break
    return Field(
        type=annotation,
        kind=next((mark for mark in marks if isinstance(mark, Kind)), None),
        secret=SECRET in marks,
        no_effect=NO_EFFECT in marks,
        description=next((mark for mark in marks if isinstance(mark, str)), ""),
    )


class _Invalid(Exception):
    """The value was reported and has no meaning."""


class Reader:
    """Converts one document; collects every problem instead of stopping at the first."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._places: dict[KeyPath, Place] = {(): Place(1, 1)}
        self._ignored: list[KeyPath] = []
        self.problems: list[tuple[Place, str]] = []

    def read(self, node: Node, kind: type[S]) -> S | None:
        """The document as ``kind``; None when ``problems`` says why not."""
        try:
            return self._struct(node, kind, ())
        except _Invalid:
            return None

    def report(self, path: KeyPath, message: str) -> None:
        """Note a problem at the key ``path``, or at its nearest ancestor in the file."""
        known = path
        while known not in self._places:
            known = known[:-1]
        self._note(self._places[known], path, message)

    def lines(self) -> list[str]:
        """``file:line:col: key: message`` of every problem, in the order of the file."""
        return [f"{self._name}:{place}: {message}" for place, message in sorted(self.problems)]

    def ignored(self, config: Config) -> Iterator[str]:
        """A warning for each key that is set but has no effect."""
        for path in self._ignored:
            parent = config
            for part in path[:-1]:
                parent = getattr(parent, part)
            defaults = {field.name: field.default for field in msgspec.structs.fields(parent)}
            if getattr(parent, path[-1]) != defaults[path[-1]]:
                place = self._places[path]
                yield f"{self._name}:{place}: {'.'.join(path)}: known, but it has no effect here"

    def _note(self, place: Place, path: KeyPath, message: str) -> None:
        self.problems.append((place, f"{'.'.join(path)}: {message}" if path else message))

    def _fail(self, node: Node, path: KeyPath, message: str) -> _Invalid:
        self._note(_place(node), path, message)
        return _Invalid()

    def _struct(self, node: Node, kind: type[S], path: KeyPath) -> S:
        fields = {field.name: field for field in msgspec.structs.fields(kind)}
        values: dict[str, Any] = {}
        valid = True
        for name, value_node in self._entries(node, path, list(fields)):
            field = field_of(fields[name].type)
            if field.no_effect:
                self._ignored.append((*path, name))
            if _is_null(value_node):
                continue
            try:
                values[name] = self._value(value_node, field, (*path, name))
            except _Invalid:
                valid = False
        for name, info in fields.items():
            if info.required and name not in values and valid:
                raise self._fail(node, (*path, name), "is missing")
        if not valid:
            raise _Invalid
        return kind(**values)

    def _entries(self, node: Node, path: KeyPath, known: Sequence[str] | None) -> Iterator[tuple[str, Node]]:
        if not isinstance(node, MappingNode):
            raise self._fail(node, path, f"expected a mapping of keys, found {_shape(node)}")
        seen: dict[str, Place] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._note(_place(key_node), path, "a key must be text")
                continue
            key, place = key_node.value, _place(key_node)
            if key in seen:
                self._note(place, (*path, key), f"the key is given twice, first in line {seen[key].line}")
            elif known is not None and key not in known:
                self._note(place, (*path, key), f"unknown key{_suggest(key, known)}")
            else:
                seen[key] = place
                self._places[*path, key] = place
                yield key, value_node

    def _value(self, node: Node, field: Field, path: KeyPath) -> Any:
        origin = typing.get_origin(field.type)
        if origin is list:
            return self._list(node, field, path)
        if origin is dict:
            return {key: self._text(value, path) for key, value in self._entries(node, path, None)}
        if field.kind is None and isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            return self._struct(node, field.type, path)
        return self._scalar(node, field, path)

    def _list(self, node: Node, field: Field, path: KeyPath) -> list[Any]:
        element = field_of(typing.get_args(field.type)[0])._replace(secret=field.secret)
        if isinstance(node, ScalarNode):
            return [self._value(node, element, path)]
        if not isinstance(node, SequenceNode):
            raise self._fail(node, path, f"expected a list, found {_shape(node)}")
        return [self._value(item, element, path) for item in node.value]

    def _scalar(self, node: Node, field: Field, path: KeyPath) -> Any:
        text = self._text(node, path)
        try:
            return _convert(text, field)
        except ValueError as error:
            detail = "not valid" if field.secret else str(error)
            raise self._fail(node, path, f"{detail}; expected {expected(field)}") from None

    def _text(self, node: Node, path: KeyPath) -> str:
        if not isinstance(node, ScalarNode):
            raise self._fail(node, path, f"expected a single value, found {_shape(node)}")
        return str(node.value)


def _convert(text: str, field: Field) -> Any:
    if field.kind is not None:
        return field.kind.read(text)
    if field.type is bool:
        return read_flag(text)
    if field.type is int:
        if not text.isdecimal():
            raise ValueError(f"{text!r} is not a number")
        return int(text)
    if typing.get_origin(field.type) is Literal:
        choices = typing.get_args(field.type)
        if text not in choices:
            raise ValueError(f"{text!r} is not one of the choices{_suggest(text, choices)}")
    return text


def expected(field: Field) -> str:
    """What a scalar field takes, for people."""
    if field.kind is not None:
        return field.kind.expected
    if typing.get_origin(field.type) is Literal:
        return ", ".join(choice for choice in typing.get_args(field.type) if choice)
    return {bool: "yes or no", int: "a number", str: "text"}[field.type]


def _suggest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _place(node: Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _shape(node: Node) -> str:
    if isinstance(node, MappingNode):
        return "a mapping"
    return "a list" if isinstance(node, SequenceNode) else "a single value"
