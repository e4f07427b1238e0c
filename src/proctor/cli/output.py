"""What commands print: tables for people, JSON and YAML for programs."""

from __future__ import annotations

import enum
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any


class Format(enum.StrEnum):
    """Formats of ``--format``."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, a line of dashes under the headings."""
    widths = [max(len(cell) for cell in column) for column in zip(headings, *rows, strict=True)]
    lines = [headings, ["-" * width for width in widths], *rows]
    return "\n".join(
        " ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def fields(pairs: Sequence[tuple[str, str]]) -> str:
    """One line for each pair, the values under each other."""
    width = max(len(name) for name, _ in pairs)
    return "\n".join(f"{name.ljust(width)}  {value}".rstrip() for name, value in pairs)


def emit(format_: Format, value: Any, text: str) -> None:
    """Print ``value`` as JSON or YAML, or else ``text``."""
    if format_ is Format.TEXT:
        print(text)
    elif format_ is Format.JSON:
        print(json.dumps(value, indent=4, ensure_ascii=False))
    else:
        print(yaml([value]), end="")


def yaml(documents: Sequence[Any]) -> str:
    """The documents, separated by ``---``."""
    import io

    from ruamel.yaml import YAML

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # documented switch
    buffer = io.StringIO()
    if len(documents) == 1:
        writer.dump(documents[0], buffer)
    else:
        writer.dump_all(documents, buffer)
    return buffer.getvalue()


def short_time(moment: datetime) -> str:
    """``25 Sep 18 00:21 UTC``."""
    return moment.astimezone(UTC).strftime("%d %b %y %H:%M UTC")


def labels_text(labels: dict[str, str]) -> str:
    """``env=prod,team=core``, sorted."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def printable(text: str) -> str:
    """``text`` of somebody else without the characters that drive a terminal."""
    return "".join(
        char if char.isprintable() or char == " " else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def printable_lines(text: str) -> str:
    """The same for a text of several lines."""
    return "\n".join(map(printable, text.strip().splitlines()))


def note(text: str) -> None:
    """Something for the person, not for the pipe behind stdout."""
    print(text, file=sys.stderr)
