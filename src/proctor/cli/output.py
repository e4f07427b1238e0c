# SPDX-License-Identifier: Apache-2.0
r"""Output of commands: tables for people, JSON and YAML for programs.

Names, labels, versions and messages come from hosts and other people. Each format escapes what would drive a
terminal in one place, here: text and tables as ``\x1b``, JSON as ``\u001b``, YAML in double quotes.
"""

from __future__ import annotations

import enum
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from proctor.core.text import all_visible, escaped, escaped_lines, json_escaped


class Format(enum.StrEnum):
    """Formats of ``--format``."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, a line of dashes under the headings; cells are escaped."""
    rows = [[escaped(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(headings, *rows, strict=True)]
    lines = [headings, ["-" * width for width in widths], *rows]
    return "\n".join(
        " ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def fields(pairs: Sequence[tuple[str, str]]) -> str:
    """One line for each pair, the values under each other; values are escaped."""
    width = max(len(name) for name, _ in pairs)
    return "\n".join(f"{name.ljust(width)}  {escaped(value)}".rstrip() for name, value in pairs)


def emit(format_: Format, value: Any, text: str) -> None:
    """Print ``value`` as JSON or YAML, or else ``text``."""
    if format_ is Format.TEXT:
        say(text)
    elif format_ is Format.JSON:
        print(json_text(value))
    else:
        print(yaml([value]), end="")


def json_text(value: Any, *, indent: int | None = 4) -> str:
    """JSON of ``value``, for people of any language, but without what a terminal does not show."""
    return json_escaped(json.dumps(value, indent=indent, ensure_ascii=False))


def yaml(documents: Sequence[Any]) -> str:
    """The documents, separated by ``---``."""
    import io

    from ruamel.yaml import YAML

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    # The writer escapes control characters by itself, but neither overrides nor what has no width.
    writer.allow_unicode = all_visible(documents)
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # documented switch
    buffer = io.StringIO()
    if len(documents) == 1:
        writer.dump(documents[0], buffer)
    else:
        writer.dump_all(documents, buffer)
    return buffer.getvalue()


def size_text(count: int) -> str:
    """``512 B``, ``1.5 KiB``, ``2.0 GiB``."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def short_time(moment: datetime) -> str:
    """``25 Sep 18 00:21 UTC``."""
    return moment.astimezone(UTC).strftime("%d %b %y %H:%M UTC")


def labels_text(labels: dict[str, str]) -> str:
    """``env=prod,team=core``, sorted."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def say(text: str) -> None:
    """Print a text for people, with all escaped but newlines."""
    print(escaped_lines(text))


def note(text: str) -> None:
    """Something for the person, not for the pipe behind stdout; escaped as ``say`` does."""
    print(escaped_lines(text), file=sys.stderr)
