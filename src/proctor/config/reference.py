"""``docs/config.md`` from the schema: ``python -m proctor.config.reference > docs/config.md``."""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterator
from typing import Any

import msgspec

from proctor.config.reader import Field, expected, field_of
from proctor.config.schema import Config
from proctor.config.values import DURATION, UNITS

_HEAD = """# Configuration

`teleport start` reads `/etc/teleport.yaml` (another file with `-c`). Flags win over the file. Unknown keys
and wrong values are refused as `file:line:column: key: what is wrong`, all at once; `teleport configure
--test FILE` only checks.

Addresses are `host:port`, `host` (the port named in the table is used) or `[IPv6]:port`. Durations are
written `30s`, `5m`, `12h`, `365d`; `never` is no limit. A list with one element may be written as that
element. Tokens and pins may be given as the absolute path of a file. Ring buffers count 4 KiB pages; `auto`
chooses sizes that hold bursts, the defaults are small. Keys marked † are known, so that files for Teleport
load, but have no effect; setting them gives a warning.

| key | value | default | |
|---|---|---|---|
"""


def render() -> str:
    """The whole page."""
    return _HEAD + "".join(_rows(Config, ""))


def _rows(section: type[msgspec.Struct], prefix: str) -> Iterator[str]:
    for info in msgspec.structs.fields(section):
        field = field_of(info.type)
        key = prefix + info.name
        element = field_of(typing.get_args(field.type)[0]) if typing.get_origin(field.type) is list else field
        mark = " †" if field.no_effect else ""
        if _is_section(element.type) and element.kind is None:
            repeated = "[]" if element is not field else ""
            yield from _rows(element.type, f"{key}{repeated}.")
        else:
            default = _default(info.default, field)
            yield f"| `{key}`{mark} | {_value(field)} | {default} | {field.description} |\n"


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _value(field: Field) -> str:
    origin = typing.get_origin(field.type)
    if origin is list:
        return "list of " + expected(field_of(typing.get_args(field.type)[0]))
    return "mapping of text to text" if origin is dict else expected(field)


def _default(value: Any, field: Field) -> str:
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
