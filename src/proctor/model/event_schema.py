# SPDX-License-Identifier: Apache-2.0
"""The types of all fields of all events, as structs declare them: for the compiled check and for Python's."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from proctor.core.text import is_printable, is_uuid
from proctor.model.event import Event
from proctor.model.events import EVENTS

MAX_IDENTIFIER = 255
"""Characters of a field that identifies something."""

CONTEXT = ("login", "namespace", "server_hostname", "server_id", "user")
"""Identifiers that name who and where; their text may be of any language."""

_ASCII = ("cluster_name", "code", "event", "method", "namespace", "proto", "protocol", "time")
_UUIDS = ("sid", "uid")
_MANDATORY = ("cluster_name", "code", "ei", "event", "time", "uid")
_QUOTES, _UTF8 = 2, 4
_SCALARS: dict[Any, str] = {str: "s", int: "i", bool: "b", Any: "a", bytes: "s"}
_TRUNCATED = "truncated"
_LARGEST = 1 << 64


class Field(NamedTuple):
    """Name in JSON; type as in ``native/jsonlines/schema.h``; bytes of the longest; must it be there?"""

    name: bytes
    type: bytes
    longest: int
    required: int


class EventSchema(NamedTuple):
    """An event's name, its codes, and its fields in the order of their names."""

    name: bytes
    codes: tuple[bytes, ...]
    fields: tuple[Field, ...]


def schemas() -> tuple[EventSchema, ...]:
    """Every event that the log may hold, in the order of their names."""
    return tuple(_schema(name) for name in sorted(EVENTS) if EVENTS[name].CODES)


@cache
def _schema(name: str) -> EventSchema:
    kind = EVENTS[name]
    required = required_fields(name)
    types: dict[str, Any] = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    types |= {"event": str, _TRUNCATED: list[str]}
    fields = tuple(
        Field(key.encode(), *_type(key, type_), int(key in required)) for key, type_ in sorted(types.items())
    )
    return EventSchema(name.encode(), tuple(map(str.encode, EVENTS[name].CODES)), fields)


def _type(key: str, type_: Any) -> tuple[bytes, int]:
    if key in _UUIDS:
        return b"u", 0
    if key in CONTEXT:
        return b"t", _UTF8 * MAX_IDENTIFIER + _QUOTES
    if key in _ASCII:
        return b"p", MAX_IDENTIFIER + _QUOTES
    return spelled(type_).encode(), 0


def spelled(type_: Any) -> str:
    """A type as the compiled check reads it; ``x`` for one that is left to Python."""
    if type_ in _SCALARS:
        return _SCALARS[type_]
    origin, arguments = get_origin(type_), get_args(type_)
    if origin is list:
        return "l" + spelled(arguments[0])
    if origin is dict:
        return "m" + spelled(arguments[1])
    if origin in {Literal, Union, UnionType}:
        return "x"
    raise TypeError(f"no field of an event has the type {type_}")


@cache
def required_fields(name: str) -> frozenset[str]:
    """Return the mandatory fields of an event: those of all events, and those of its struct."""
    kind = EVENTS[name]
    names = {field.name: field.encode_name for field in msgspec.structs.fields(kind)}
    return frozenset([*_MANDATORY, *(names[attribute] for attribute in kind.ALWAYS)])


def complaint(fields: Mapping[str, Any]) -> str:
    """Return the first contradiction to the schema; empty when there is none."""
    name = fields.get("event")
    if not isinstance(name, str) or name not in EVENTS or not EVENTS[name].CODES:
        return f"is of an unknown kind: {str(name)[:64]!r}"
    if fields.get("code") not in EVENTS[name].CODES:
        return f"is a {name} with the code {str(fields.get('code'))[:64]!r}"
    if missing := sorted(required_fields(name) - fields.keys()):
        return f"is a {name} without {missing[0]}"
    return _wrong_type(EVENTS[name], fields) or _wrong_identifier(fields)


def _wrong_type(kind: type[Event], fields: Mapping[str, Any]) -> str:
    known = {field.encode_name for field in msgspec.structs.fields(kind)} | {"event", _TRUNCATED}
    if unknown := sorted(fields.keys() - known):
        return f"is a {kind.EVENT} with the unknown field {unknown[0][:64]!r}"
    truncated = fields.get(_TRUNCATED, [])
    if not isinstance(truncated, list) or not all(isinstance(entry, str) for entry in truncated):
        return f"is a {kind.EVENT} whose {_TRUNCATED} is not a list of texts"
    try:
        msgspec.convert({key: value for key, value in fields.items() if key != "event"}, kind)
    except msgspec.ValidationError as error:
        return f"is a {kind.EVENT} with a field of a wrong type: {error}"
    if any(type(value) is int and abs(value) >= _LARGEST for value in fields.values()):
        return f"is a {kind.EVENT} with a number beyond 64 bits"
    return ""


def _wrong_identifier(fields: Mapping[str, Any]) -> str:
    for key in _UUIDS:
        if (value := fields.get(key)) and not is_uuid(value):
            return f"has a {key} that is not a UUID: {value[:64]!r}"
    for key in {*CONTEXT, *_ASCII} & fields.keys():
        value = fields[key]
        if len(value) > MAX_IDENTIFIER or not is_printable(value):
            return f"has a {key} that is too long or not printable: {value[:64]!r}"
    return ""
