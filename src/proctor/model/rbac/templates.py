# SPDX-License-Identifier: Apache-2.0
"""``{{internal.logins}}`` and the like in logins and labels: filled in from the traits of a person."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from proctor.model.rbac import predicate
from proctor.model.rbac.predicate import PredicateError

Traits = Mapping[str, Sequence[str]]
_ROOTS = frozenset({"internal", "external"})
_FUNCTIONS = frozenset({"email.local", "regexp.replace", "strings.upper", "strings.lower"})


class Template(NamedTuple):
    """Text before, an expression whose values are filled in, text after."""

    before: str
    expression: predicate.Node
    after: str


@functools.lru_cache(maxsize=4096)
def parse(text: str) -> Template | None:
    """The template in ``text``, or None for plain text. Raises ValueError for one that is malformed."""
    if "{{" not in text and "}}" not in text:
        return None
    match = re.fullmatch(r"([^{}]*)\{\{(.*)\}\}([^{}]*)", text, re.DOTALL)
    if match is None:
        raise PredicateError(f"{text!r} is not a template; expected one {{{{expression}}}}")
    before, expression, after = match.groups()
    node = predicate.parse(expression)
    predicate.check(node, _is_trait)
    if isinstance(node, predicate.Constant) or (
        isinstance(node, predicate.Call) and node.function not in _FUNCTIONS
    ):
        raise PredicateError(f"{text!r} does not name a trait, as {{{{internal.logins}}}} does")
    return Template(before, node, after)


def _is_trait(path: predicate.Path) -> bool:
    return len(path) == 2 and path[0] in _ROOTS


def expand(text: str, traits: Traits) -> tuple[str, ...]:
    """The texts that ``text`` stands for: itself, or one for each value of the trait that it names."""
    template = parse(text)
    if template is None:
        return (text,)
    values = predicate.texts(
        predicate.evaluate(template.expression, lambda path: tuple(traits.get(path[1], ())))
    )
    return tuple(f"{template.before}{value}{template.after}" for value in values if value)
