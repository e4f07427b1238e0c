# SPDX-License-Identifier: Apache-2.0
"""Types, filters and texts of events for the web page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from tools.generate.schema import Case, Event, Schema

_HEAD = """// SPDX-License-Identifier: Apache-2.0
// Written by `./run generate` from schema/events.toml; do not edit.
import type { Phrases, Texts } from "./sentences";

"""
_TYPES = {"str": "string", "int": "number", "bool": "boolean", "Any": "unknown"}


def typescript(schema: Schema) -> str:
    """``audit/events.gen.ts``."""
    shown = schema.events.values()
    parts = [_HEAD, *(_interface(event) for event in shown)]
    parts.append("/** An event whose name is known. */\nexport type KnownEvent =\n")
    parts.append("\n".join(f"  | {event.struct}" for event in shown) + ";\n\n")
    parts.append('export type EventName = KnownEvent["event"];\n\n')
    parts.append("/** Names of events by the group under which the filter lists them. */\n")
    groups = [{"group": group, "items": names} for group, names in schema.groups.items()]
    parts.append(
        f"export const EVENT_GROUPS: {{ group: string; items: EventName[] }}[] = {_json(groups)};\n\n"
    )
    texts = {event.name: _texts(event) for event in shown}
    parts.append(f"export const TEXTS: Record<EventName, Texts> = {_json(texts)};\n\n")
    parts.append(f"export const ENUMS: Record<string, Phrases> = {_json(_enums(schema))};\n\n")
    parts.append(f"export const ERRORS: Record<number, string> = {_json(schema.errno)};\n")
    return "".join(parts)


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _interface(event: Event) -> str:
    rows = []
    for name, field in sorted(event.fields.items()):
        type_ = json.dumps(event.name) if name == "event" else typescript_type(field.type)
        rows.append(f"  {json.dumps(name)}{'' if name in event.required else '?'}: {type_};")
    doc = f"/** {event.doc} */\n"
    return doc + f"export interface {event.struct} {{\n" + "\n".join(rows) + "\n}\n\n"


def typescript_type(python: str) -> str:
    """``list[str]`` is ``string[]``, and so on."""
    outer, _, rest = python.partition("[")
    inner = rest.removesuffix("]")
    if outer == "list":
        return f"{typescript_type(inner)}[]"
    if outer == "dict":
        return f"Record<string, {typescript_type(inner.partition(', ')[2])}>"
    return inner.replace(",", " |") if outer == "Literal" else _TYPES[python]


def _texts(event: Event) -> dict[str, Any]:
    enums = {field.name: field.enum for field in event.fields.values() if field.enum}
    return {"sentence": event.texts["sentence"], "enums": enums, "cases": list(map(_case, event.cases))}


def _case(case: Case) -> dict[str, Any]:
    return {"when": case.when, "sentence": case.texts.get("sentence", ""), "severity": case.severity}


def _enums(schema: Schema) -> dict[str, Any]:
    return {
        enum.name: {
            "values": {
                str(value["value"]): {name: text for name, text in value.items() if name != "value"}
                for value in enum.values
            },
            "other": enum.other,
        }
        for enum in schema.enums.values()
    }


def files() -> Iterator[tuple[str, Callable[[Schema], str]]]:
    """What this module writes."""
    yield "web/src/audit/events.gen.ts", typescript
