# SPDX-License-Identifier: Apache-2.0
"""Reads and checks ``schema/events.toml``, whose head says what its entries mean."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from proctor.model.sentences import ERRNO, FILTERS, PSEUDO_FIELDS, placeholders
from tools.runner.paths import ROOT

SOURCE = ROOT / "schema/events.toml"
BASE = "event"
SEVERITIES = ("information", "warning", "error")
EMITTERS = ("auth", "proxy", "node")
TEXTS = ("sentence", "brief", "remark")
_RECORDED = frozenset({"event", "ei", "time"})
_LETTERS = {"W": "warning", "E": "error"}
_CONDITION = re.compile(r"([\w.]+)(?: (=|!=|<|>) (\S+))?")
_EMPTY = {"str": "", "int": 0, "bool": False, "Any": None, "list": [], "dict": {}}


class SchemaError(Exception):
    """The source is not valid; the text says where and why."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of an event, by its name in JSON."""

    name: str
    type: str
    doc: str
    by: str = ""
    own: bool = False
    enum: str = ""
    default: Any = None
    sample: Any = None

    @property
    def attribute(self) -> str:
        """Its name in Python."""
        return self.name.replace(".", "_")

    @property
    def empty(self) -> Any:
        """Its default in the struct."""
        return self.default if self.default is not None else _EMPTY[self.type.partition("[")[0]]


@dataclass(frozen=True, kw_only=True)
class Block:
    """Fields that events share, those of the parents not included."""

    name: str
    doc: str
    parent: str = ""
    always: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()

    @property
    def struct(self) -> str:
        """The name of its class."""
        return f"{self.name.capitalize()}Part" if self.name != BASE else "Event"


@dataclass(frozen=True, kw_only=True)
class Enum:
    """Values that discriminate what an event says, with phrases for each; ``other``: for unknown ones."""

    name: str
    values: tuple[Mapping[str, Any], ...]
    other: Mapping[str, str]
    prefix: str = ""

    @property
    def phrases(self) -> frozenset[str]:
        """What every value has, ``name`` included if there is one."""
        return frozenset(set.intersection(*(set(value) for value in self.values)) - {"value", "severity"})


@dataclass(frozen=True, kw_only=True)
class Case:
    """Texts for events of which all conditions hold: field, operator (empty: it is not empty), value."""

    when: tuple[tuple[str, str, str], ...]
    texts: Mapping[str, str]
    severity: str = ""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One kind of event; ``blocks``: its block and the block's parents, the base first."""

    name: str
    doc: str
    struct: str
    codes: tuple[str, ...]
    failure: str
    blocks: tuple[Block, ...]
    own_fields: tuple[Field, ...]
    always: tuple[str, ...]
    by: tuple[str, ...]
    group: str
    since: str
    texts: Mapping[str, str]
    cases: tuple[Case, ...]
    constants: Mapping[str, Any]
    source: str = ""
    own: bool = False
    recording_only: bool = False
    shown_codes: tuple[str, ...] = field(default=())

    @property
    def code(self) -> str:
        """The code of success."""
        return self.codes[0] if self.codes else ""

    @property
    def severity(self) -> str:
        """By the last letter of the code."""
        return severity_of(self.code)

    @cached_property
    def fields(self) -> dict[str, Field]:
        """All fields, by name."""
        own = {field.name: field for field in self.own_fields}
        return {field.name: field for block in self.blocks for field in block.fields} | own

    @property
    def required(self) -> frozenset[str]:
        """What every such event has; those in recordings only are not completed by a spool."""
        if self.recording_only:
            return _RECORDED | set(self.always)
        return frozenset(self.always) | {name for block in self.blocks for name in block.always}


def severity_of(code: str) -> str:
    """``information``, ``warning`` or ``error``, from the last letter of a code."""
    return _LETTERS.get(code[-1:], "information")


@dataclass(frozen=True)
class Schema:
    """All of the source."""

    blocks: dict[str, Block]
    enums: dict[str, Enum]
    events: dict[str, Event]
    errno: dict[int, str]

    @property
    def kernel(self) -> list[Event]:
        """Events that the formatter of capture writes."""
        return [event for event in self.events.values() if event.source == "kernel"]

    @property
    def groups(self) -> dict[str, list[str]]:
        """Names of the events of the log by the group under which a filter lists them."""
        found: dict[str, list[str]] = {}
        for event in self.events.values():
            if not event.recording_only:
                found.setdefault(event.group, []).append(event.name)
        return {group: sorted(names) for group, names in sorted(found.items())}


def read(path: Path = SOURCE) -> Schema:
    """The schema in the file at ``path``. Raises SchemaError."""
    try:
        raw = tomllib.loads(path.read_text())
        schema = _schema(raw)
    except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise SchemaError(f"{path}: {error}") from error
    if found := list(complaints(schema)):
        raise SchemaError("\n".join(found))
    return schema


def _schema(raw: Mapping[str, Any]) -> Schema:
    blocks = {name: _block(name, entry) for name, entry in raw["block"].items()}
    enums = {name: _enum(name, entry) for name, entry in raw["enum"].items()}
    events = {name: _event(name, entry, blocks) for name, entry in raw["event"].items()}
    return Schema(blocks, enums, events, {int(number): text for number, text in raw["errno"].items()})


def _fields(raw: Mapping[str, Any]) -> tuple[Field, ...]:
    return tuple(Field(name=name, **entry) for name, entry in raw.items())


def _block(name: str, raw: Mapping[str, Any]) -> Block:
    rest = {key: value for key, value in raw.items() if key not in ("fields", "always")}
    return Block(name=name, fields=_fields(raw["fields"]), always=tuple(raw.get("always", ())), **rest)


def _enum(name: str, raw: Mapping[str, Any]) -> Enum:
    return Enum(name=name, values=tuple(raw["values"]), other=raw["other"], prefix=raw.get("prefix", ""))


def _event(name: str, raw: Mapping[str, Any], blocks: Mapping[str, Block]) -> Event:
    taken = {"fields", "constants", "case", "codes", "always", "by", "block", "struct", "failure", *TEXTS}
    return Event(
        name=name,
        struct=raw.get("struct") or "".join(part.capitalize() for part in re.split(r"[._]", name)),
        codes=tuple(itertools.chain.from_iterable(map(expanded, raw["codes"]))),
        shown_codes=tuple(raw["codes"]),
        failure=raw.get("failure", ""),
        blocks=tuple(_ancestry(raw.get("block", BASE), blocks)),
        own_fields=_fields(raw.get("fields", {})),
        always=tuple(raw.get("always", ())),
        by=tuple(raw["by"]),
        texts={text: raw[text] for text in TEXTS if text in raw},
        cases=tuple(map(_case, raw.get("case", ()))),
        constants=raw.get("constants", {}),
        **{key: value for key, value in raw.items() if key not in taken},
    )


def _ancestry(name: str, blocks: Mapping[str, Block]) -> Iterator[Block]:
    block = blocks[name]
    if block.parent:
        yield from _ancestry(block.parent, blocks)
    yield block


def _case(raw: Mapping[str, Any]) -> Case:
    texts = {text: raw[text] for text in TEXTS if text in raw}
    return Case(when=tuple(map(_condition, raw["when"])), texts=texts, severity=raw.get("severity", ""))


def _condition(text: str) -> tuple[str, str, str]:
    if not (match := _CONDITION.fullmatch(text)):
        raise SchemaError(f"not a condition: {text!r}")
    name, operator, value = match.groups("")
    return name, operator, value


def expanded(code: str) -> Iterator[str]:
    """Each code of a pattern: ``TS{001..002}{I,E}`` is TS001I, TS001E, TS002I and TS002E."""
    parts = [_alternatives(part) for part in re.split(r"[{}]", code)]
    return map("".join, itertools.product(*parts))


def _alternatives(part: str) -> list[str]:
    first, dots, last = part.partition("..")
    if dots:
        return [f"{number:0{len(first)}}" for number in range(int(first), int(last) + 1)]
    return part.split(",")


def complaints(schema: Schema) -> Iterator[str]:
    """What contradicts itself."""
    codes = [code for event in schema.events.values() for code in event.codes]
    yield from (
        f"code {code} belongs to several events" for code in sorted(set(codes)) if codes.count(code) > 1
    )
    for event in schema.events.values():
        for complaint in _event_complaints(event, schema):
            yield f"{event.name}: {complaint}"
    for enum in schema.enums.values():
        for value in enum.values:
            if value.get("severity") not in SEVERITIES:
                yield f"{enum.name}: {value['value']} has no severity"


def _event_complaints(event: Event, schema: Schema) -> Iterator[str]:
    if not event.codes and not event.recording_only:
        yield "has no code"
    if not event.by or set(event.by) - set(EMITTERS):
        yield f"by must name some of {', '.join(EMITTERS)}"
    for text in ("sentence", "brief"):
        if not event.texts.get(text):
            yield f"has no {text}"
    for name in event.always:
        if name not in event.fields:
            yield f"always names the unknown field {name}"
    for texts in (event.texts, *(case.texts for case in event.cases)):
        for template in texts.values():
            yield from _template_complaints(template, event, schema)
    for case in event.cases:
        yield from (
            f"unknown field {name} in a condition" for name, _, _ in case.when if name not in event.fields
        )
        if case.severity not in ("", *SEVERITIES):
            yield f"unknown severity {case.severity}"


def _template_complaints(template: str, event: Event, schema: Schema) -> Iterator[str]:
    for name, filters in placeholders(template):
        known = event.fields.get(name) or event.fields.get(name.partition(".")[0])
        if known is None and name not in PSEUDO_FIELDS:
            yield f"unknown field {name} in {template!r}"
            continue
        enum = schema.enums.get(known.enum) if known is not None else None
        phrases = enum.phrases if enum else frozenset()
        for filter_ in filters:
            if filter_.partition(":")[0] not in {*FILTERS, ERRNO, *phrases}:
                yield f"unknown filter {filter_} in {template!r}"
