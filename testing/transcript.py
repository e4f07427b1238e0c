# SPDX-License-Identifier: Apache-2.0
"""Transcripts of state machines without I/O: ``>> input`` lines, each followed by its ``<< command`` lines.

::

    >> exited 0
    << flush client
    >> flushed
    << report exit 0

A test writes the whole transcript; ``play`` feeds the inputs and compares the commands. Inputs are
parsed by the test's own vocabulary; commands are described by their class and fields.
"""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

I = TypeVar("I")  # noqa: E741 - an input
Parse = Callable[[str], I]


def play(
    receive: Callable[[I], Iterable[object]],
    parse: Parse[I],
    script: str,
    spelling: Spelling,
) -> None:
    """Feed the inputs of ``script`` to ``receive``, and require its commands."""
    wanted = [line.strip() for line in script.strip().splitlines() if line.strip()]
    happened: list[str] = []
    for line in wanted:
        if line.startswith(">> "):
            happened.append(line)
            commands = receive(parse(line.removeprefix(">> ")))
            happened += [f"<< {spelling.describe(command)}" for command in commands]
    assert happened == wanted, "\n".join(["it went like this:", *happened])


@dataclasses.dataclass(frozen=True)
class Spelling:
    """How commands are described. ``names``: by their words; ``values``: functions for fields, by type."""

    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    values: Mapping[type, Callable[[Any], str]] = dataclasses.field(default_factory=dict)

    def describe(self, command: object) -> str:
        """``Send(b"hi", OutputStream.STDERR)`` as ``send 'hi' stderr``."""
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(command).__name__).lower()
        values = [getattr(command, field.name) for field in _fields(command)]
        return " ".join([self.names.get(words, words), *filter(None, map(self._value, values))])

    def _value(self, value: object) -> str:
        if spell := self.values.get(type(value)):
            return spell(value)
        if isinstance(value, bytes):
            return repr(value.decode())
        return str(value.value if isinstance(value, enum.Enum) else value)


def _fields(command: object) -> tuple[dataclasses.Field[object], ...]:
    return dataclasses.fields(command) if dataclasses.is_dataclass(command) else ()


def vocabulary(phrases: Mapping[str, Callable[..., I]]) -> Parse[I]:
    """A parser of inputs: regular expressions, and what to call with their groups."""

    def parse(text: str) -> I:
        for phrase, make in phrases.items():
            if found := re.fullmatch(phrase, text):
                return make(*found.groups())
        raise AssertionError(f"no such input: {text}")

    return parse
