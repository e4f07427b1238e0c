# SPDX-License-Identifier: Apache-2.0
"""``docs/config.md`` from the schema: ``python -m proctor.config.reference > docs/config.md``."""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterator
from typing import Any

import msgspec

from proctor.config.fields import NO_EFFECT, NOT_OFFERED, FieldAnnotation, element_of, field_of, is_section
from proctor.config.reader import expected
from proctor.config.schema import Config
from proctor.config.values import DURATION, UNITS

_HEAD = """# Configuration

`teleport start` reads `/etc/teleport.yaml` (another file with `-c`). Flags win over the file.
Unknown keys and wrong values are refused as `file:line:column: key: what is wrong`, all at once;
`teleport configure --test FILE` only checks, and refuses what `teleport start` would refuse.

Files that Teleport wrote load: versions v1 to v3, empty values (as if not given), `yes`, `on`,
`"true"`, `1` for booleans, durations as Go writes them (`1h30m0s`), relative paths, merge keys and
aliases. Keys marked † are known, so that such files load, but have no effect; setting them gives a
warning. Keys marked ‡ belong to services that are not offered: ignored when off, with a warning
when on. What would restrict or protect and is not supported is refused by name.

Addresses are `host:port`, `host` (the port named in the table is used) or `[IPv6]:port`. Durations
are written `30s`, `5m`, `12h`, `365d`; `never` is no limit. A list with one element may be written
as that element. Tokens and pins may be given as the absolute path of a file. Ring buffers count 4
KiB pages; `auto` chooses sizes that hold bursts, the defaults are small. A file has at most 256 KiB
and, with its aliases expanded, 50,000 values.

| key | value | default | |
|---|---|---|---|
"""


def render() -> str:
    """The whole page."""
    return _HEAD + "".join(_rows(Config, ""))


def _rows(section: type[msgspec.Struct], prefix: str) -> Iterator[str]:
    for info in msgspec.structs.fields(section):
        field = field_of(info.type)
        element = element_of(field)
        key = prefix + info.name
        if is_section(element):
            repeated = "[]" if element is not field else ""
            yield from _rows(element.type, f"{key}{repeated}.")
        else:
            default = "" if field.unused else _default(info.default, field)
            yield f"| `{key}`{_mark(field)} | {_value(field)} | {default} | {field.description} |\n"


def _mark(field: FieldAnnotation) -> str:
    return " ‡" if NOT_OFFERED in field.marks else " †" if NO_EFFECT in field.marks else ""


def _value(field: FieldAnnotation) -> str:
    if field.unused:
        return "anything"
    origin = typing.get_origin(field.type)
    if origin is list:
        return "list of " + expected(element_of(field))
    return "mapping of text to text" if origin is dict else expected(field)


def _default(value: Any, field: FieldAnnotation) -> str:
    if value is msgspec.NODEFAULT:
        return ""
    if isinstance(value, bool):
        return "`yes`" if value else "`no`"
    if field.kind is DURATION:
        return f"`{_duration(value)}`"
    return f"`{value}`" if value not in ("", None) else ""


def _duration(seconds: int) -> str:
    for unit, length in UNITS.items():
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return "never"


if __name__ == "__main__":
    sys.stdout.write(render())
