# SPDX-License-Identifier: Apache-2.0
"""YAML nodes to structs (the configuration, resources), with the place of every mistake."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from proctor.config import source
from proctor.config.fields import NO_EFFECT, NOT_OFFERED, FieldAnnotation, IntegerOrText, field_of, parents_of
from proctor.config.source import SourcePosition, is_empty, is_null, place_of, shape
from proctor.config.suggest import hint
from proctor.config.values import read_flag

S = TypeVar("S", bound=msgspec.Struct)
KeyPath = tuple[str, ...]
Remark = tuple[KeyPath, str]
_OFF = frozenset({"", "no", "off", "false", "none", "n", "0", "0s", "never"})


class _Invalid(Exception):
    """The value was reported and has no meaning."""


class _Marked(NamedTuple):
    """A key in the file that is not used, and what it is set to."""

    path: KeyPath
    field: FieldAnnotation
    value: Any
    default: Any


class ConfigReader:
    """Converts one document; collects every problem instead of stopping at the first."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._root: type[msgspec.Struct] = msgspec.Struct
        self._places: dict[KeyPath, SourcePosition] = {(): SourcePosition(1, 1)}
        self._marked: list[_Marked] = []
        self.problems: list[tuple[SourcePosition, str]] = []

    def read(self, node: Node, kind: type[S]) -> S | None:
        """Return the valid part of the document as ``kind``; None when it is not enough. See ``problems``."""
        self._root = kind
        self._places[()] = place_of(node)
        try:
            return self._struct(node, kind, ())
        except _Invalid:
            return None

    def report(self, path: KeyPath, message: str) -> None:
        """Note a problem at the key ``path``, or at its nearest ancestor in the file."""
        self._note(self._nearest(path), path, message)

    def lines(self) -> list[str]:
        """``file:line:col: key: message`` of every problem, in the order of the file."""
        return [f"{self._name}:{place}: {message}" for place, message in sorted(self.problems)]

    def located(self, remarks: Iterable[Remark]) -> list[str]:
        """``file:line:col: key: message`` of each remark, in the order of the file."""
        found = sorted((self._nearest(path), dotted(path), message) for path, message in remarks)
        return [f"{self._name}:{place}: {key}: {message}" for place, key, message in found]

    def ignored(self) -> Iterator[Remark]:
        """A remark on each key that is set but has no effect."""
        for path, field, value, default in self._marked:
            if NOT_OFFERED in field.marks:
                if value:
                    what = field.description.rstrip(".")
                    yield path, f"not offered here, the section is ignored ({what})"
            elif value != default:
                yield path, "known, but it has no effect here"

    def _nearest(self, path: KeyPath) -> SourcePosition:
        while path not in self._places:
            path = path[:-1]
        return self._places[path]

    def _note(self, place: SourcePosition, path: KeyPath, message: str) -> None:
        self.problems.append((place, f"{dotted(path)}: {message}" if path else message))

    def _fail(self, node: Node, path: KeyPath, message: str) -> _Invalid:
        self._note(place_of(node), path, message)
        return _Invalid()

    def _struct(self, node: Node, kind: type[S], path: KeyPath) -> S:
        """A struct of what is valid, so that the rest can be checked as well."""
        fields = {field.name: field for field in msgspec.structs.fields(kind)}
        values: dict[str, Any] = {}
        invalid: set[str] = set()
        for name, value_node in self._entries(node, path, kind):
            field = field_of(fields[name].type)
            try:
                if not is_empty(value_node):
                    values[name] = self._value(value_node, field, (*path, name))
            except _Invalid:
                invalid.add(name)
            if {NO_EFFECT, NOT_OFFERED} & set(field.marks) and name in values:
                self._marked.append(_Marked((*path, name), field, values[name], fields[name].default))
        missing = [name for name, info in fields.items() if info.required and name not in values]
        for name in missing:
            if name not in invalid:
                self._note(place_of(node), (*path, name), "is missing")
        if missing:
            raise _Invalid
        try:
            return kind(**values)
        except ValueError as error:
            raise self._fail(node, path, str(error)) from None

    def _entries(
        self, node: Node, path: KeyPath, kind: type[msgspec.Struct] | None
    ) -> Iterator[tuple[str, Node]]:
        if not isinstance(node, MappingNode):
            raise self._fail(node, path, f"expected a mapping of keys, found {shape(node)}")
        foreign = kind is not None and getattr(kind, "foreign", lambda _: False)(_scalars(node))
        for key, place, value_node in self._keys(node, path):
            if kind is not None and key not in kind.__struct_fields__:
                if not foreign:
                    self._note(place, (*path, key), f"unknown key{self._meant(key, kind)}")
                continue
            self._places[*path, key] = place
            yield key, value_node

    def _keys(self, node: MappingNode, path: KeyPath) -> Iterator[tuple[str, SourcePosition, Node]]:
        seen: dict[str, SourcePosition] = {}
        for key_node, value_node in source.entries(node):
            if not isinstance(key_node, ScalarNode):
                self._note(place_of(key_node), path, "a key must be text")
                continue
            key, place = str(key_node.value), place_of(key_node)
            if key in seen:
                self._note(place, (*path, key), f"the key is given twice, first in line {seen[key].line}")
                continue
            seen[key] = place
            yield key, place, value_node

    def _meant(self, key: str, kind: type[msgspec.Struct]) -> str:
        elsewhere = parents_of(self._root).get(key, ())
        if len(elsewhere) == 1:
            return f"; it belongs {f'below {dotted(elsewhere[0])}' if elsewhere[0] else 'at the top level'}"
        infos = msgspec.structs.fields(kind)
        return hint(key, [info.name for info in infos if NOT_OFFERED not in field_of(info.type).marks])

    def _value(self, node: Node, field: FieldAnnotation, path: KeyPath) -> Any:
        origin = typing.get_origin(field.type)
        if field.unused:
            return _is_set(self._plain(node, path), wanted=NOT_OFFERED in field.marks)
        if field.type is Any:
            return self._plain(node, path)
        if origin is list:
            return self._list(node, field, path)
        if origin is dict:
            return self._mapping(node, field, path)
        if field.kind is None and isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            return self._struct(node, field.type, path)
        return self._scalar(node, field, path)

    def _plain(self, node: Node, path: KeyPath) -> Any:
        try:
            return source.plain(node)
        except ValueError as error:
            raise self._fail(node, path, str(error)) from None

    def _mapping(self, node: Node, field: FieldAnnotation, path: KeyPath) -> dict[str, Any]:
        element = field_of(typing.get_args(field.type)[1])
        values = {}
        for key, value in self._entries(node, path, None):
            empty_list = is_null(value) and typing.get_origin(element.type) is list
            with suppress(_Invalid):
                values[key] = [] if empty_list else self._value(value, element, (*path, key))
        return values

    def _list(self, node: Node, field: FieldAnnotation, path: KeyPath) -> Any:
        element = field_of(typing.get_args(field.type)[0])
        element = element._replace(marks=element.marks + field.marks)
        if isinstance(node, ScalarNode):
            value = self._value(node, element, path)
            return value if field.single else [value]
        if not isinstance(node, SequenceNode):
            raise self._fail(node, path, f"expected a list, found {shape(node)}")
        values = []
        for index, item in enumerate(node.value):
            at = (*path, f"[{index}]")
            self._places[at] = place_of(item)
            with suppress(_Invalid):
                if not is_empty(item):
                    values.append(self._value(item, element, at))
        return values

    def _scalar(self, node: Node, field: FieldAnnotation, path: KeyPath) -> Any:
        text = self._text(node, path)
        try:
            return _convert(text, field)
        except ValueError as error:
            detail = "not valid" if field.secret else str(error)
            raise self._fail(node, path, f"{detail}; expected {expected(field)}") from None

    def _text(self, node: Node, path: KeyPath) -> str:
        if not isinstance(node, ScalarNode):
            raise self._fail(node, path, f"expected a single value, found {shape(node)}")
        try:
            return source.scalar_text(node)
        except ValueError as error:
            raise self._fail(node, path, str(error)) from None


def dotted(path: KeyPath) -> str:
    """``spec.allow.logins[1]``."""
    return ".".join(path).replace(".[", "[")


def _scalars(node: MappingNode) -> dict[str, str]:
    return {str(key.value): str(value.value) for key, value in node.value if isinstance(value, ScalarNode)}


def _is_set(value: Any, *, wanted: bool) -> bool:
    """Is a setting that is not used set to anything but "off"? ``wanted``: only ``enabled`` counts."""
    if isinstance(value, dict):
        if "enabled" in value or wanted:
            return _is_set(value.get("enabled"), wanted=False)
        return any(_is_set(each, wanted=False) for each in value.values())
    if isinstance(value, list):
        return bool(value)
    return value is not None and str(value).lower() not in _OFF


def _convert(text: str, field: FieldAnnotation) -> Any:
    if field.kind is not None:
        return field.kind.read(text)
    if field.type is bool:
        return read_flag(text)
    if field.type is int:
        return source.integer(text)
    if field.type is IntegerOrText:
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else text
    if typing.get_origin(field.type) is Literal:
        choices = typing.get_args(field.type)
        if text not in choices:
            raise ValueError(f"{text!r} is not one of the choices{hint(text, choices)}")
    return text


def expected(field: FieldAnnotation) -> str:
    """Describe the values of a scalar field, for people."""
    if field.kind is not None:
        return field.kind.expected
    if typing.get_origin(field.type) is Literal:
        return ", ".join(choice for choice in typing.get_args(field.type) if choice)
    names = {bool: "yes or no", int: "a whole number", str: "text", IntegerOrText: "a number or text"}
    return names[field.type]
