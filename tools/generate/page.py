# SPDX-License-Identifier: Apache-2.0
"""The tables of ``docs/audit-events.md``."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator

from tools.generate.schema import BASE, Block, Event, Field, Schema
from tools.runner.paths import ROOT

DOCUMENT = "docs/audit-events.md"
OWN = "## Fields of our own\n"
END = "\n\n<!-- end of the generated table -->\n"
ALL = "## All events\n"


def page(schema: Schema) -> str:
    """The document with its two generated sections brought up to date; what is between them is kept."""
    text = (ROOT / DOCUMENT).read_text()
    before, _, rest = text.partition(OWN)
    between = rest.partition(END)[2].partition(ALL)[0]
    return f"{before}{OWN}\n{_own(schema)}{END}{between}{ALL}\n{_all(schema)}"


def _own(schema: Schema) -> str:
    rows = ["| event | field | |", "|---|---|---|"]
    for block in schema.blocks.values():
        rows += [
            f"| all of block {block.name} | `{field.name}` | {field.doc} |"
            for field in block.fields
            if field.own
        ]
    for event in schema.events.values():
        if not event.own:
            rows += [
                f"| `{event.name}` | `{field.name}` | {field.doc} |"
                for field in event.own_fields
                if field.own
            ]
    names = ", ".join(f"`{event.name}`" for event in schema.events.values() if event.own)
    rows.append(f"| {names} | all | events specific to Proctor, whose codes begin with TP |")
    return "\n".join(rows)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _all(schema: Schema) -> str:
    rows = ["| block | fields |", "|---|---|"]
    inherited: dict[str, list[Field]] = {}
    for block in schema.blocks.values():
        above = inherited.get(block.parent, []) if block.parent != BASE else []
        inherited[block.name] = [*above, *block.fields]
        rows.append(_block_row(block, inherited[block.name]))
    rows += [
        "",
        "| event | codes | meaning | block | emitted by | further fields |",
        "|---|---|---|---|---|---|",
    ]
    shown = [event for event in schema.events.values() if not event.recording_only]
    rows += [_event_row(event) for event in sorted(shown, key=lambda event: event.code)]
    rows += ["", "### Fields", ""]
    for block in schema.blocks.values():
        rows += [
            *textwrap.wrap(f"**block {block.name}**: {block.doc}", 100),
            "",
            *_field_rows(block.fields),
            "",
        ]
    for event in shown:
        if event.own_fields:
            rows += [f"**`{event.name}`**", "", *_field_rows(event.own_fields), ""]
    rows += ["### Values", "", *_enum_rows(schema)]
    return "\n".join(rows) + "\n"


def _block_row(block: Block, fields: Iterable[Field]) -> str:
    title = "every event" if block.name == BASE else block.name
    return f"| {title} | {_quoted(field.name for field in fields)} |"


def _event_row(event: Event) -> str:
    block = event.blocks[-1].name if len(event.blocks) > 1 else ""
    codes = ", ".join(
        code.replace("{001..019}{I,E}", "001 to TS019, each I or E") for code in event.shown_codes
    )
    doc = event.doc + (" Specific to Proctor." if event.own else "")
    by = ", ".join(event.by) + (" (capture)" if event.source == "kernel" else "")
    fields = _quoted(field.name for field in event.own_fields)
    return f"| `{event.name}` | {codes} | {doc} | {block} | {by} | {fields} |"


def _field_rows(fields: Iterable[Field]) -> Iterator[str]:
    yield "| field | type | |"
    yield "|---|---|---|"
    for field in sorted(fields, key=lambda field: field.name):
        type_ = field.type.replace("|", "\\|")
        yield f"| `{field.name}` | `{type_}` | {field.doc} |"


def _enum_rows(schema: Schema) -> Iterator[str]:
    yield "What the value of a field says, and how much attention it deserves:"
    yield ""
    yield "| event and field | value | name | means | severity |"
    yield "|---|---|---|---|---|"
    for event in schema.events.values():
        for field in event.fields.values():
            for value in schema.enums[field.enum].values if field.enum else ():
                name = value.get("name", "")
                phrase = value.get("did") or value.get("note")
                what = f"`{event.name}` `{field.name}` | `{value['value']}`"
                yield f"| {what} | {name} | {phrase} | {value['severity']} |"


def files() -> Iterator[tuple[str, Callable[[Schema], str]]]:
    """What this module writes."""
    yield DOCUMENT, page
