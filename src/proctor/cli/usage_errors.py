# SPDX-License-Identifier: Apache-2.0
"""Sentences for command lines that cannot be read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import typer
from typer.core import TyperOption

_CLOSE = 0.7
_UNLIKE = re.compile(r"No such command '([^']*)'\. Did you mean (.*)\?")
_LIBRARY_WORDS = (
    (re.compile(r"(: )Value error, "), r"\1"),
    (re.compile(r"(: )Input should be "), r"\1must be "),
    (re.compile(r", unable to parse string as an? \w+"), ""),
)


def describe(error: typer.TyperException, arguments: Sequence[str]) -> str:
    """Return one line for each unknown option in ``arguments``, the whole command line."""
    context = getattr(error, "ctx", None)
    if (name := getattr(error, "option_name", "")) and hasattr(error, "possibilities"):
        names = list(_unknown(context, _of_the_verb(context, arguments))) if context else []
        known = _names(context) if context else []
        return "\n".join(_unknown_text(each, known) for each in dict.fromkeys(names or [name]))
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    for pattern, ours in _LIBRARY_WORDS:
        message = pattern.sub(ours, message)
    return _UNLIKE.sub(_without_unlike, message)


def _without_unlike(found: re.Match[str]) -> str:
    """The suggestions of the library that resemble the word: it takes ``login`` for ``join``."""
    close = difflib.get_close_matches(found[1], re.findall(r"'([^']+)'", found[2]), cutoff=_CLOSE)
    names = ", ".join(f"'{name}'" for name in close)
    return f"No such command '{found[1]}'." + (f" Did you mean {names}?" if names else "")


def _unknown_text(name: str, known: Sequence[str]) -> str:
    stems = {option.strip("-"): option for option in known if option.startswith("--")}
    close = difflib.get_close_matches(name.strip("-"), list(stems), n=1, cutoff=_CLOSE)
    return f"No such option: {name}" + (f"; did you mean {stems[close[0]]}?" if close else "")


def _of_the_verb(context: Any, arguments: Sequence[str]) -> list[str]:
    """The arguments behind the words that name the verb."""
    rest = list(arguments)
    for word in context.command_path.split()[1:]:
        if word in rest:
            rest = rest[rest.index(word) + 1 :]
    return rest


def _unknown(context: Any, arguments: Sequence[str]) -> Iterator[str]:
    """Options that the command does not have, in the order in which they stand."""
    if hasattr(context.command, "commands") or not context.allow_interspersed_args:
        return  # what follows belongs to the verb of a group, or to a remote command
    options = _options(context)
    known = set(_names(context))
    with_value = {name for each in options if not each.is_flag for name in each.opts}
    words = iter(arguments)
    for word in words:
        if word == "--":
            return
        name = word.split("=", 1)[0] if word.startswith("--") else word[:2]
        if name == word and word in with_value:
            next(words, None)
        elif name.startswith("-") and name != "-" and name not in known:
            yield name


def _options(context: Any) -> list[TyperOption]:
    return [each for each in context.command.get_params(context) if isinstance(each, TyperOption)]


def _names(context: Any) -> list[str]:
    return [name for each in _options(context) for name in (*each.opts, *each.secondary_opts)]
