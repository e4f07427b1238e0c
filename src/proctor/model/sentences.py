# SPDX-License-Identifier: Apache-2.0
"""Describe events in words, by the templates of ``schema/events.toml``.

``web/src/audit/sentences.ts`` does the same for the web page; both are tested with the same samples. A
template is text with ``{field|filter|filter:argument}``; a part in ``[brackets]`` is left out when a field in
it is empty. ``PSEUDO_FIELDS`` are made of several fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

Event = Mapping[str, Any]

_HOST = re.compile(r"([0-9a-f]{8})-[0-9a-f-]{27}\.")
"""Hosts act as ``<uuid>.<cluster>``, which is too long for a sentence."""

_PART = re.compile(r"\[([^\]]*)\]|([^\[]+)")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_KIB, _MIB = 1 << 10, 1 << 20


class Case(NamedTuple):
    """Texts for events of which all conditions (field, operator, value) hold; ``severity`` may be empty."""

    when: tuple[tuple[str, str, str], ...]
    texts: Mapping[str, str]
    severity: str


class Texts(NamedTuple):
    """Templates for one kind of event; ``enums``: the table of each field that has one."""

    texts: Mapping[str, str]
    enums: Mapping[str, str]
    cases: tuple[Case, ...]


class Phrases(NamedTuple):
    """Phrases of each value of an enum, ``severity`` included, and those of other values."""

    values: Mapping[str, Mapping[str, str]]
    other: Mapping[str, str]


class Catalogue(NamedTuple):
    """All texts, as generated."""

    events: Mapping[str, Texts]
    enums: Mapping[str, Phrases]
    errno: Mapping[int, str]


def scalar(value: object) -> str:
    """A text, number or truth value as JSON has it, without quotes; empty for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else ""


def _who(event: Event) -> str:
    name = scalar(event.get("user"))
    host = _HOST.match(name)
    return f"Host {host[1]}" if host else name or "Somebody"


def _where(event: Event) -> str:
    host = scalar(event.get("server_hostname")) or scalar(event.get("server_id")) or "a node"
    login = scalar(event.get("login"))
    return f"{login}@{host}" if login else host


def _why(event: Event) -> str:
    return next(filter(None, (scalar(event.get(name)) for name in ("error", "reason", "message"))), "")


def _endpoint(event: Event, end: str) -> str:
    address, port = scalar(event.get(f"{end}_addr")), scalar(event.get(f"{end}_port"))
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


PSEUDO_FIELDS: Mapping[str, Callable[[Event], str]] = {
    "who": _who,
    "where": _where,
    "why": _why,
    "near": lambda event: _endpoint(event, "src"),
    "far": lambda event: _endpoint(event, "dst"),
}


def _or(value: object, argument: str, event: Event) -> str:
    other = scalar(event.get(argument[1:])) if argument.startswith("$") else argument
    return scalar(value) or other


def _list(value: object, separator: str) -> str:
    return separator.join(map(scalar, value)) if isinstance(value, list) else ""


def _bytes(value: object) -> str:
    count = value if isinstance(value, int | float) else 0
    if count < _KIB:
        return f"{scalar(count)} B"
    return f"{count / _KIB:.1f} KiB" if count < _MIB else f"{count / _MIB:.1f} MiB"


def _counts(value: object) -> str:
    if not isinstance(value, dict):
        return ""
    return ", ".join(f"{scalar(count)} {kind}" for kind, count in sorted(value.items()))


def _pairs(value: object) -> str:
    """Name and value of each entry."""
    if not isinstance(value, dict):
        return ""
    return ", ".join(f"{name} {scalar(text)}" for name, text in sorted(value.items()))


def _stages(value: object) -> str:
    if not isinstance(value, dict):
        return ""
    return "; ".join(f"{stage}: {_counts(counts)}" for stage, counts in sorted(value.items()))


FILTERS: Mapping[str, Callable[[object, str, Event], str]] = {
    "or": _or,
    "list": lambda value, _argument, _event: _list(value, ", "),
    "words": lambda value, _argument, _event: _list(value, " "),
    "bytes": lambda value, _argument, _event: _bytes(value),
    "counts": lambda value, _argument, _event: _counts(value),
    "pairs": lambda value, _argument, _event: _pairs(value),
    "stages": lambda value, _argument, _event: _stages(value),
    "times": lambda value, _argument, _event: scalar(value).replace(":", "\N{MULTIPLICATION SIGN}"),
}
"""Each gets the value, its argument and the event."""

ERRNO = "errno"
"""The filter that names the error in a negative result; it is empty for others."""


def placeholders(template: str) -> Iterator[tuple[str, list[str]]]:
    """Name and filters of each field in a template."""
    for match in _PLACEHOLDER.finditer(template):
        name, *filters = match[1].split("|")
        yield name, filters


def _value(event: Event, name: str) -> object:
    if name in PSEUDO_FIELDS:
        return PSEUDO_FIELDS[name](event)
    if name in event:
        return event[name]
    first, dot, rest = name.partition(".")
    inner = event.get(first)
    return inner.get(rest) if dot and isinstance(inner, Mapping) else None


def _phrase(enum: Phrases, value: object, name: str) -> str:
    text = scalar(value)
    phrases = enum.values.get(text, enum.other)
    return phrases.get(name, text) if text else ""


def _holds(event: Event, condition: tuple[str, str, str]) -> bool:
    name, operator, value = condition
    text = scalar(event.get(name))
    match operator:
        case "=" | "!=":
            other = scalar(event.get(value)) if value in event else value
            return (text == other) == (operator == "=")
        case "<":
            return bool(text) and _number(text) < _number(value)
        case ">":
            return bool(text) and _number(text) > _number(value)
        case _:
            return bool(event.get(name))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _case(event: Event, texts: Texts) -> Case | None:
    found = (case for case in texts.cases if all(_holds(event, condition) for condition in case.when))
    return next(found, None)


class Narrator:
    """Describes events with the texts of a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def text(self, event: Event, kind: str) -> str | None:
        """The text of this kind (``sentence``, ``brief`` or ``remark``); None for an unknown event."""
        texts = self._catalogue.events.get(scalar(event.get("event")))
        if texts is None:
            return None
        case = _case(event, texts)
        template = case.texts.get(kind, "") if case else ""
        return self._rendered(template or texts.texts.get(kind, ""), event, texts)

    def _rendered(self, template: str, event: Event, texts: Texts) -> str:
        pieces = []
        for match in _PART.finditer(template):
            optional = match[1] is not None
            part = match[1] if optional else match[2]
            values = [self._placed(placeholder, event, texts) for placeholder in _PLACEHOLDER.findall(part)]
            if all(values) or not optional:
                rest = iter(values)
                pieces.append(_PLACEHOLDER.sub(lambda _match, rest=rest: next(rest), part))
        return "".join(pieces)

    def _placed(self, placeholder: str, event: Event, texts: Texts) -> str:
        name, *filters = placeholder.split("|")
        value = _value(event, name)
        for filter_ in filters:
            kind, _, argument = filter_.partition(":")
            if kind == ERRNO:
                value = self._error(value)
            elif kind in FILTERS:
                value = FILTERS[kind](value, argument, event)
            else:
                value = _phrase(self._catalogue.enums[texts.enums[name]], value, kind)
        return scalar(value)

    def _error(self, value: object) -> str:
        code = -value if isinstance(value, int) else 0
        return self._catalogue.errno.get(code, f"error {code}") if code > 0 else ""

    def severity(self, event: Event) -> str:
        """``information``, ``warning`` or ``error``: of the case, else the worst of enums and code."""
        letter = {"W": "warning", "E": "error"}.get(scalar(event.get("code"))[-1:], "information")
        texts = self._catalogue.events.get(scalar(event.get("event")))
        if texts is None:
            return letter
        case = _case(event, texts)
        if case and case.severity:
            return case.severity
        tables = ((self._catalogue.enums[enum], event.get(field)) for field, enum in texts.enums.items())
        found = [letter, *(_phrase(table, value, "severity") for table, value in tables)]
        return max(filter(None, found), key=("information", "warning", "error").index)


@cache
def _narrator() -> Narrator:
    from proctor.model.event_texts import CATALOGUE  # noqa: PLC0415 - it imports this module

    return Narrator(CATALOGUE)


def sentence(event: Event) -> str:
    """One sentence that says what happened."""
    found = _narrator().text(event, "sentence")
    return f"{_who(event)}: {scalar(event.get('event')) or 'an unknown event'}" if found is None else found


def brief(event: Event) -> str:
    """Return the text that a list shows beside the event's name."""
    return _narrator().text(event, "brief") or ""


def remark(event: Event) -> str:
    """Return what a viewer must know about the recording itself; empty for other events."""
    return _narrator().text(event, "remark") or ""


def severity(event: Event) -> str:
    """Return the severity for a reader: ``information``, ``warning`` or ``error``."""
    return _narrator().severity(event)
