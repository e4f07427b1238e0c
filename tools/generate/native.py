# SPDX-License-Identifier: Apache-2.0
"""Keys, codes and slot positions of the kernel's events for ``native/eventfmt``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from tools.generate.schema import Event, Schema

_HEAD = """/* SPDX-License-Identifier: Apache-2.0 */
/* Written by `./run generate` from schema/events.toml; do not edit. */
#pragma once

/*
 * Each event has its fields in the order of their keys. COMMON: a field of every event of capture, OWN: one
 * of this event, TEXT: a constant field, SLOT: where the node puts what it knows. The formatter defines what
 * these do, so that a field without code that writes it does not compile.
 */

"""
OUT_OF_ORDER = ("mount_id",)
"""Keys that divide no slot.

The number of slots is part of the protocol between capture and node; ``mount_id``, which only detached files
have, came later, and would part ``login`` from ``namespace``.
"""


def slots(schema: Schema) -> list[str]:
    """The first key of each slot: keys of the node between which no line has one of capture."""
    found: list[str] = []
    inside = False
    for name in sorted({name for event in schema.kernel for name in event.fields}):
        by = {event.fields[name].by for event in schema.kernel if name in event.fields}
        if "node" in by:
            if not inside:
                found.append(name)
            inside = True
        elif "kernel" in by and name not in OUT_OF_ORDER:
            inside = False
    return found


def header(schema: Schema) -> str:
    """``native/eventfmt/event_fields.h``."""
    first = slots(schema)
    names = ", ".join(f"SLOT_{_constant(name)}" for name in first)
    parts = [_HEAD, "/* What the node knows, by the first key of each slot. */\n"]
    parts.append(f"enum {{ {names}, SLOTS }};\n\n")
    fields = [field for event in schema.kernel for field in event.fields.values()]
    keys = sorted({field.name for field in fields if field.by == "kernel"} - {"code", "event"})
    parts += [f"#define KEY_{_constant(name)} {_key(name)}\n" for name in keys]
    parts += [_fields(event, first) for event in schema.kernel]
    parts += ["\n/* Names of techniques. */\n", _names(schema)]
    return "".join(parts)


def _constant(name: str) -> str:
    return re.sub(r"\W", "_", name).upper()


def _key(name: str, value: str = "") -> str:
    """The C string of a key with the comma before it, and of a constant value."""
    return json.dumps(f',"{name}":' + (f'"{value}"' if value else ""))


def _fields(event: Event, first: list[str]) -> str:
    common = {name for block in event.blocks for name in (field.name for field in block.fields)}
    constants = {"code": event.code, "event": event.name}
    rows = []
    for name, field in sorted(event.fields.items()):
        if field.by == "node":
            if name in first:
                rows.append("SLOT")
        elif name in constants:
            rows.append(f"TEXT({_key(name, constants[name])})")
        elif field.by == "kernel":
            rows.append(f"{'COMMON' if name in common else 'OWN'}({name})")
    text = " \\\n\t".join(rows)
    return f"\n#define {_constant(event.name)}_FIELDS(COMMON, OWN, TEXT, SLOT) \\\n\t{text}\n"


def _names(schema: Schema) -> str:
    enum = schema.enums["technique"]
    rows = [
        f"[{enum.prefix}{value['value'].upper()}] = {json.dumps(value['value'])}" for value in enum.values
    ]
    return "#define TECHNIQUE_NAMES \\\n\t" + ", \\\n\t".join(rows) + "\n"


def files() -> Iterator[tuple[str, Callable[[Schema], str]]]:
    """What this module writes."""
    yield "native/eventfmt/event_fields.h", header
