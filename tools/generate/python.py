# SPDX-License-Identifier: Apache-2.0
"""Structs, types and texts of events in Python."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from proctor.model.sentences import Case, Catalogue, Phrases, Texts
from tools.generate.native import slots
from tools.generate.schema import BASE, Block, Event, Field, Schema
from tools.runner.paths import BIN, ROOT

_HEAD = '''# SPDX-License-Identifier: Apache-2.0
"""{doc}

Written by ``./run generate`` from ``schema/events.toml``; do not edit.
"""

from __future__ import annotations

'''


def _docstring(text: str) -> str:
    return text.replace("`", "``")


def _formatted(code: str) -> str:
    """As ``ruff format`` has it."""
    argv = [str(BIN / "ruff"), "format", "--stdin-filename", "generated.py", "-"]
    done = subprocess.run(argv, input=code, text=True, check=True, stdout=subprocess.PIPE, cwd=ROOT)
    return str(done.stdout)


# Structs.


def structs(schema: Schema) -> str:
    """``model/events.py``: a class for each block and each event."""
    parts = [_HEAD.format(doc="Audit events: one struct for each, with the fields that its block shares.")]
    parts.append("from typing import Any, ClassVar, Literal\n\nfrom proctor.model.event import Event\n\n\n")
    parts += [_block(block) for block in schema.blocks.values() if block.name != BASE]
    parts += [_event(event) for event in schema.events.values()]
    names = "\n".join(f'    "{event.name}": {event.struct},' for event in schema.events.values())
    parts.append(f"EVENTS: dict[str, type[Event]] = {{\n{names}\n}}\n")
    parts.append('"""Event name to struct."""\n\n')
    for event in schema.events.values():
        parts += [f"{name} = {_literal(value)}\n" for name, value in event.constants.items()]
    for name, enum in schema.enums.items():
        if all(isinstance(value["value"], int) for value in enum.values):
            names = ", ".join(repr(value["name"]) for value in enum.values)
            parts.append(f"{name.upper()}S = ({names})\n")
            first = enum.values[0]["value"]
            parts.append(f'"""Names of the values from {first} on."""\n\n')
    parts.append(f"SLOT_KEYS = {tuple(slots(schema))!r}\n")
    parts.append('"""The first key of each slot in lines of capture, in order."""\n')
    return _formatted("".join(parts))


def _literal(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "(" + ", ".join(map(_literal, value)) + ")"
    return repr(value)


def _block(block: Block) -> str:
    parent = "Event" if block.parent == BASE else f"{block.parent.capitalize()}Part"
    return (
        f'class {block.struct}({parent}):\n    """{_docstring(block.doc)}"""\n\n{_members(block.fields)}\n\n'
    )


def _event(event: Event) -> str:
    constants = {"EVENT": event.name, "CODE": event.code, "FAILURE_CODE": event.failure}
    lines = [f"    {name}: ClassVar[str] = {value!r}" for name, value in constants.items() if value]
    lines.append(f"    CODES: ClassVar[tuple[str, ...]] = {event.codes!r}")
    if event.always:
        always = tuple(event.fields[name].attribute for name in event.always)
        lines.append(f"    ALWAYS: ClassVar[tuple[str, ...]] = {always!r}")
    lines.append(f"    EMITTERS: ClassVar[frozenset[str]] = frozenset({event.by!r})")
    if event.source:
        lines.append(f"    SOURCE: ClassVar[str] = {event.source!r}")
    body = "\n".join(lines) + "\n\n" + _members(event.own_fields)
    return (
        f'class {event.struct}({event.blocks[-1].struct}):\n    """{_docstring(event.doc)}"""\n\n{body}\n\n'
    )


def _members(fields: tuple[Field, ...]) -> str:
    return "".join(f"    {field.attribute}: {field.type} = {field.empty!r}\n" for field in fields)


# Types of decoded events.


def types(schema: Schema) -> str:
    """``model/event_types.py``: a TypedDict for each event, and one for any."""
    doc = "Types of decoded audit events, as JSON has them."
    parts = [_HEAD.format(doc=doc), "from typing import Any, Literal, NotRequired, TypedDict\n\n"]
    parts += [_typed_dict(event) for event in schema.events.values()]
    parts.append(_any_event(schema))
    union = " | ".join(f"{event.struct}Fields" for event in schema.events.values())
    parts.append(f'KnownEvent = {union}\n"""An event whose name is known: test ``event["event"]``."""\n')
    return _formatted("".join(parts))


def _typed_dict(event: Event) -> str:
    types = {}
    for name, field in sorted(event.fields.items()):
        type_ = f'Literal["{event.name}"]' if name == "event" else field.type
        types[name] = type_ if name in event.required else f"NotRequired[{type_}]"
    return _dictionary(f"{event.struct}Fields", event.doc, types)


def _dictionary(name: str, doc: str, types: Mapping[str, str]) -> str:
    """A class, or a call where keys are no identifiers."""
    if all(key.isidentifier() for key in types):
        rows = "".join(f"    {key}: {type_}\n" for key, type_ in types.items())
        return f'class {name}(TypedDict):\n    """{_docstring(doc)}"""\n\n{rows}\n\n'
    rows = "".join(f'    "{key}": {type_},\n' for key, type_ in types.items())
    return f'{name} = TypedDict("{name}", {{\n{rows}}})\n"""{_docstring(doc)}"""\n\n'


def _any_event(schema: Schema) -> str:
    found: dict[str, list[str]] = {}
    for event in schema.events.values():
        for field in event.fields.values():
            kinds = found.setdefault(field.name, [])
            type_ = "str" if field.type.startswith("Literal") else field.type
            if type_ not in kinds:
                kinds.append(type_)
    base = frozenset.intersection(*(event.required for event in schema.events.values()))
    types = {name: " | ".join(kinds) for name, kinds in sorted(found.items())}
    types |= {name: f"NotRequired[{type_}]" for name, type_ in types.items() if name not in base}
    return _dictionary("EventFields", "Any event: fields of all kinds.", types)


# Texts.


def catalogue(schema: Schema) -> Catalogue:
    """All texts."""
    enums = {
        enum.name: Phrases({str(value["value"]): _phrases(value) for value in enum.values}, dict(enum.other))
        for enum in schema.enums.values()
    }
    return Catalogue({event.name: _texts(event) for event in schema.events.values()}, enums, schema.errno)


def _phrases(value: Mapping[str, Any]) -> dict[str, str]:
    return {name: text for name, text in value.items() if name != "value"}


def _texts(event: Event) -> Texts:
    enums = {field.name: field.enum for field in event.fields.values() if field.enum}
    cases = tuple(Case(case.when, dict(case.texts), case.severity) for case in event.cases)
    return Texts(dict(event.texts), enums, cases)


def texts(schema: Schema) -> str:
    """``model/event_texts.py``: the catalogue as a literal."""
    head = _HEAD.format(doc="Sentences, severities and phrases of audit events; see ``model.sentences``.")
    names = "from proctor.model.sentences import Case, Catalogue, Phrases, Texts\n\n"
    return _formatted(f"{head}{names}CATALOGUE = {catalogue(schema)!r}\n")


def files() -> Iterator[tuple[str, Callable[[Schema], str]]]:
    """What this module writes."""
    yield "src/proctor/model/events.py", structs
    yield "src/proctor/model/event_types.py", types
    yield "src/proctor/model/event_texts.py", texts
