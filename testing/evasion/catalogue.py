# SPDX-License-Identifier: Apache-2.0
"""The techniques: each is a program whose first comment says what it hides and what must be seen of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

TECHNIQUES = Path(__file__).parent / "techniques"
WORD = "open-sesame"
SUFFIXES = frozenset({".sh", ".py", ".c", ".S"})

Seen = Literal["command", "open", "connection", "tamper", "escape", "accept", "listen", "socket", "loader"]
Expectation = Literal["seen", "not yet", "never"]

_FIELD = re.compile(r"(?:#|//|/\*) (?P<name>[A-Z][a-z]+): (?P<value>.*)")
_NAMES = frozenset({"Technique", "Hides", "Seen", "Trace", "Call", "Expect", "Why", "Needs", "Flags"})


class CatalogueError(Exception):
    """The head of a technique's program is not as it should be."""


@dataclass(frozen=True)
class Technique:
    """One way to hide.

    ``seen`` is the kind of event that must be there, ``trace`` what must be in it beyond what the kind
    asks (``verdict``), ``call`` the system call by which other tools would notice it. ``expect`` is
    ``not yet`` for what is to be seen one day, and ``never`` for what cannot be by design; ``why`` says so.
    """

    path: Path
    title: str
    hides: str
    seen: Seen
    trace: str = ""
    call: str = ""
    expect: Expectation = "seen"
    why: str = ""
    needs: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of its file, without the suffix."""
        return self.path.stem

    @property
    def category(self) -> str:
        """The directory that it is in."""
        return self.path.parent.name


def techniques() -> list[Technique]:
    """All of them, by category and name."""
    return [parse(path) for path in sorted(TECHNIQUES.glob("*/*.*")) if path.suffix in SUFFIXES]


def parse(path: Path) -> Technique:
    """The technique in the program at ``path``; raises CatalogueError."""
    fields = _head(path.read_text())
    if unknown := fields.keys() - _NAMES:
        raise CatalogueError(f"{path}: what is {', '.join(sorted(unknown))}?")
    seen, expect = fields.get("Seen"), fields.get("Expect", "seen")
    if seen not in get_args(Seen) or expect not in get_args(Expectation):
        raise CatalogueError(f"{path}: Seen is {seen!r}, Expect is {expect!r}")
    if not fields.get("Technique") or not fields.get("Hides") or (expect != "seen") != ("Why" in fields):
        raise CatalogueError(f"{path}: needs Technique and Hides, and Why when it is not expected to be seen")
    return Technique(
        path=path,
        title=fields["Technique"],
        hides=fields["Hides"],
        seen=seen,  # type: ignore[arg-type]  # narrowed by get_args above
        trace=fields.get("Trace", ""),
        call=fields.get("Call", ""),
        expect=expect,  # type: ignore[arg-type]  # narrowed by get_args above
        why=fields.get("Why", ""),
        needs=tuple(fields.get("Needs", "").split()),
        flags=tuple(fields.get("Flags", "").split()),
    )


def _head(text: str) -> dict[str, str]:
    """The fields of the first comment; ``#!`` lines and licences are skipped."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("#!") or "SPDX-License-Identifier" in line:
            continue
        field = _FIELD.fullmatch(line)
        if field is None:
            break
        fields[field["name"]] = field["value"]
    return fields
