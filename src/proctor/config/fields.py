# SPDX-License-Identifier: Apache-2.0
"""Annotations of struct fields, for the reader of the configuration and for its documentation."""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple

import msgspec

from proctor.config.values import ScalarType

SECRET = object()
"""Mark of a field whose value is never shown."""
NO_EFFECT = object()
"""Mark of a field that is recognised so that files for Teleport load, and warned of when it is set."""
NOT_OFFERED = object()
"""Mark of a service or feature that does not exist here; warned of when it is switched on."""
UNUSED = object()
"""Mark of a field of any shape, of which only is kept whether it is set."""
Unused = Annotated[bool, UNUSED]
_MARKS = (SECRET, NO_EFFECT, NOT_OFFERED, UNUSED)


class IntegerOrText:
    """Stands for ``int | str`` in a Field."""


class FieldAnnotation(NamedTuple):
    """One annotation taken apart. ``single``: one element may stand for a list, and stays one."""

    type: Any
    kind: ScalarType | None
    marks: tuple[object, ...]
    description: str
    single: bool = False

    @property
    def secret(self) -> bool:
        """Must the value not be shown?"""
        return SECRET in self.marks

    @property
    def unused(self) -> bool:
        """Is only kept whether the value is set?"""
        return UNUSED in self.marks


def field_of(annotation: Any) -> FieldAnnotation:
    """``annotation`` without ``Annotated`` and ``| None``, and what these said."""
    marks: list[Any] = []
    single = False
    while True:
        if typing.get_origin(annotation) is typing.Annotated:
            marks += annotation.__metadata__
            annotation = annotation.__origin__
        elif typing.get_origin(annotation) in {types.UnionType, typing.Union}:
            parts = [part for part in typing.get_args(annotation) if part is not types.NoneType]
            lists = [part for part in parts if typing.get_origin(part) is list]
            single = bool(lists) and len(parts) > 1
            annotation = lists[0] if lists else IntegerOrText if int in parts and str in parts else parts[0]
        else:
            break
    return FieldAnnotation(
        type=annotation,
        kind=next((mark for mark in marks if isinstance(mark, ScalarType)), None),
        marks=tuple(mark for mark in _MARKS if mark in marks),
        description=next((mark for mark in marks if isinstance(mark, str)), ""),
        single=single,
    )


def element_of(field: FieldAnnotation) -> FieldAnnotation:
    """The field of one element of a list, or ``field`` itself."""
    return field_of(typing.get_args(field.type)[0]) if typing.get_origin(field.type) is list else field


def is_section(field: FieldAnnotation) -> bool:
    """Is the value a mapping with keys of its own?"""
    is_struct = isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)
    return is_struct and field.kind is None


@functools.cache
def parents_of(root: type[msgspec.Struct]) -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """The sections of ``root``, as paths, in which each name is a key."""
    found: dict[str, tuple[tuple[str, ...], ...]] = {}
    for path, name in _walk(root, ()):
        found[name] = (*found.get(name, ()), path)
    return found


def _walk(kind: type[msgspec.Struct], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for info in msgspec.structs.fields(kind):
        yield path, info.name
        element = element_of(field_of(info.type))
        if is_section(element):
            yield from _walk(element.type, (*path, info.name))
