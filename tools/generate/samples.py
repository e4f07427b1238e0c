# SPDX-License-Identifier: Apache-2.0
"""A valid sample of each event and of each of its cases and values, with what is to be said of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from proctor.model.sentences import Narrator
from tools.generate.python import catalogue
from tools.generate.schema import TEXTS, Event, Field, Schema

_OTHER = {"str": "x", "int": 2, "bool": True, "Any": "x", "list": [], "dict": {}}


def samples(schema: Schema) -> str:
    """``tests/golden/events.json``: events by the reason for which each is there, and the texts."""
    narrator = Narrator(catalogue(schema))
    found = {
        title: {
            "event": fields,
            "severity": narrator.severity(fields),
            **{text: narrator.text(fields, text) for text in TEXTS},
        }
        for event in schema.events.values()
        for title, fields in _of_event(event, schema).items()
    }
    return json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _of_event(event: Event, schema: Schema) -> dict[str, dict[str, Any]]:
    plain = _plain(event)
    found = {event.name: plain}
    for number, case in enumerate(event.cases, 1):
        fields = dict(plain)
        for name, operator, value in case.when:
            fields[name] = _satisfying(event.fields[name], operator, value, fields)
        if event.failure and (fields.get("success") is False or fields.get("exitError")):
            fields["code"] = event.failure
        found[f"{event.name} case {number}"] = fields
    for field in event.fields.values():
        for entry in schema.enums[field.enum].values if field.enum else ():
            found[f"{event.name} {field.name} {entry['value']}"] = {**plain, field.name: entry["value"]}
    return found


def _plain(event: Event) -> dict[str, Any]:
    fields = {
        name: field.sample if field.sample is not None else field.empty
        for name, field in event.fields.items()
        if name in event.required or field.sample is not None
    }
    return {**fields, "event": event.name, "code": event.code}


def _satisfying(field: Field, operator: str, value: str, fields: dict[str, Any]) -> Any:
    kind = field.type.partition("[")[0]
    if not operator:
        return fields.get(field.name) or _filled(field)
    if operator == "=":
        return _typed(kind, value)
    if operator == "!=":
        return _OTHER[kind]
    return int(value) + (1 if operator == ">" else -1)


def _filled(field: Field) -> Any:
    if field.type == "dict[str, dict[str, int]]":
        return {"ring": {"command": 1, "disk": 7}}
    return _OTHER[field.type.partition("[")[0]]


def _typed(kind: str, value: str) -> Any:
    if kind == "bool":
        return value == "true"
    return int(value) if kind == "int" else value


def files() -> Iterator[tuple[str, Callable[[Schema], str]]]:
    """What this module writes."""
    yield "tests/golden/events.json", samples
