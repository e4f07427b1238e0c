# SPDX-License-Identifier: Apache-2.0
"""Teleport's predicate language: ``where`` of rules, ``node_labels_expression``, functions in templates.

Values are texts, lists of texts and booleans; names are looked up by the caller. What cannot be known is
Unknown, and stays so through functions (Kleene's three-valued logic): a rule that allows counts Unknown as
no, one that denies as yes. Grammar: Teleport's "Predicate language" reference.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from proctor.model.rbac import patterns

Value = str | bool | tuple[str, ...] | None
"""None is Unknown."""
Path = tuple[str, ...]
Lookup = Callable[[Path], Value]
MAX_LENGTH = 4096
MAX_DEPTH = 40
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)|(?P<name>[A-Za-z_][\w-]*)"""
    r"""|(?P<sign>&&|\|\||==|!=|[!().,\[\]]))"""
)


class PredicateError(ValueError):
    """The text is not an expression; the message says why."""


class Constant(NamedTuple):
    """A text or boolean."""

    value: str | bool


class Name(NamedTuple):
    """``user.spec.traits["team"]``, as its parts."""

    path: Path


class Call(NamedTuple):
    """A function and its arguments; operators are functions named by their sign."""

    function: str
    arguments: tuple[Constant | Name | Call, ...]


Node = Constant | Name | Call


@functools.lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """The expression in ``text``. Raises PredicateError."""
    if len(text) > MAX_LENGTH:
        raise PredicateError(f"an expression has at most {MAX_LENGTH} characters")
    parser = _Parser(list(_tokens(text)))
    node = parser.either(0)
    if parser.next is not None:
        raise PredicateError(f"unexpected {parser.next!r}")
    return node


def _tokens(text: str) -> Iterator[str]:
    position, text = 0, text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise PredicateError(f"cannot read {text[position : position + 20]!r}")
        yield match[0].strip()
        position = match.end()


class _Parser:
    """Recursive descent over the tokens of one expression; ``depth`` bounds the recursion."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def next(self) -> str | None:
        """The token that comes, or None at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self) -> str:
        token = self.next
        if token is None:
            raise PredicateError("the expression ends too early")
        self._at += 1
        return token

    def _expect(self, sign: str) -> None:
        if (token := self._take()) != sign:
            raise PredicateError(f"expected {sign!r}, found {token!r}")

    def either(self, depth: int) -> Node:
        """``a || b``."""
        node = self._both(depth)
        while self.next == "||":
            self._take()
            node = Call("||", (node, self._both(depth)))
        return node

    def _both(self, depth: int) -> Node:
        node = self._compared(depth)
        while self.next == "&&":
            self._take()
            node = Call("&&", (node, self._compared(depth)))
        return node

    def _compared(self, depth: int) -> Node:
        node = self._operand(depth)
        if self.next in {"==", "!="}:
            sign = self._take()
            node = Call("==", (node, self._operand(depth)))
            node = Call("!", (node,)) if sign == "!=" else node
        return node

    def _operand(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise PredicateError(f"an expression is nested at most {MAX_DEPTH} levels deep")
        token = self._take()
        if token == "!":  # noqa: S105 - a sign, not a secret
            return Call("!", (self._operand(depth + 1),))
        if token == "(":  # noqa: S105
            node = self.either(depth + 1)
            self._expect(")")
            return node
        if token[0] in "\"'`":
            return Constant(_unquoted(token))
        if token in {"true", "false"}:
            return Constant(token == "true")  # noqa: S105
        if not (token[0].isalpha() or token[0] == "_"):
            raise PredicateError(f"unexpected {token!r}")
        return self._name([token], depth)

    def _name(self, parts: list[str], depth: int) -> Node:
        while self.next in {".", "[", "("}:
            sign = self._take()
            if sign == "(":
                return Call(".".join(parts), tuple(self._arguments(depth)))
            token = self._take()
            if sign == "[":
                if token[0] not in "\"'`":
                    raise PredicateError("expected a text between brackets")
                parts.append(_unquoted(token))
                self._expect("]")
            else:
                parts.append(token)
        return Name(tuple(parts))

    def _arguments(self, depth: int) -> Iterator[Node]:
        while self.next != ")":
            yield self.either(depth + 1)
            if self.next != ")":
                self._expect(",")
        self._take()


def _unquoted(token: str) -> str:
    return token[1:-1] if token[0] == "`" else re.sub(r"\\(.)", r"\1", token[1:-1])


def evaluate(node: Node, lookup: Lookup) -> Value:
    """The value of ``node``; None when it depends on something that is not known."""
    match node:
        case Constant():
            return node.value
        case Name():
            return lookup(node.path)
        case Call("&&" | "||"):
            return _logic(node, lookup)
    values = [evaluate(argument, lookup) for argument in node.arguments]
    if any(value is None for value in values):
        return None
    function = FUNCTIONS.get(node.function)
    return function[1](*values) if function else None


def _logic(node: Call, lookup: Lookup) -> bool | None:
    deciding = node.function == "||"
    values = [evaluate(argument, lookup) for argument in node.arguments]
    if deciding in [value for value in values if isinstance(value, bool)]:
        return deciding
    return (not deciding) if all(isinstance(value, bool) for value in values) else None


def check(node: Node, names: Callable[[Path], bool]) -> None:
    """Raises PredicateError for functions, numbers of arguments and names that are not known."""
    if isinstance(node, Name) and not names(node.path):
        raise PredicateError(f"{'.'.join(node.path)} is not known")
    if isinstance(node, Call):
        known = _LOGIC | {name: arity for name, (arity, _) in FUNCTIONS.items()} | _UNKNOWABLE
        arity = known.get(node.function)
        if arity is None:
            raise PredicateError(f"the function {node.function} is not known")
        if len(node.arguments) not in arity:
            raise PredicateError(f"{node.function} takes {arity[0]} arguments")
        if node.function.startswith("regexp."):
            _check_regexp(node)
        for argument in node.arguments:
            check(argument, names)


def _check_regexp(node: Call) -> None:
    pattern = node.arguments[1]
    if not isinstance(pattern, Constant) or not isinstance(pattern.value, str):
        raise PredicateError(f"{node.function} takes a pattern written as a text")
    try:
        patterns.check(pattern.value)
        if node.function == "regexp.replace":
            patterns.regex(pattern.value)
    except (re.error, ValueError) as error:
        raise PredicateError(str(error)) from None


def unknown_parts(node: Node, known: Callable[[Path], bool]) -> Iterator[str]:
    """Names and functions in ``node`` that have no value here, ``known`` telling which names have one."""
    if isinstance(node, Name) and not known(node.path):
        yield ".".join(node.path)
    if isinstance(node, Call):
        if node.function in _UNKNOWABLE:
            yield node.function
        for argument in node.arguments:
            yield from unknown_parts(argument, known)


def texts(value: Value) -> tuple[str, ...]:
    """A text, or a list of texts, as a list."""
    return (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()


def _equal(left: Value, right: Value) -> bool | None:
    return left == right if type(left) is type(right) else None


def _not(value: Value) -> bool | None:
    return not value if isinstance(value, bool) else None


def _replaced(value: Value, pattern: str, replacement: str) -> tuple[str, ...] | None:
    try:
        compiled = patterns.regex(pattern)
        by = re.sub(r"\\", r"\\\\", replacement)
        by = re.sub(r"\$\{(\w+)\}|\$(\w+)", lambda match: rf"\g<{match[1] or match[2]}>", by)
        return tuple(compiled.sub(by, text) for text in texts(value) if compiled.search(text))
    except (re.error, ValueError, IndexError):
        return None


def _all_end_with(values: Value, end: str) -> bool:
    return bool(texts(values)) and all(text.endswith(end) for text in texts(values))


def _each(change: Callable[[str], str]) -> Callable[[Value], Value]:
    return lambda value: change(value) if isinstance(value, str) else tuple(map(change, texts(value)))


def local_part(address: str) -> str:
    """Return the part before the ``@`` of an e-mail address, or nothing."""
    local, at, _ = address.rpartition("@")
    return local.strip("<> ") if at else ""


_LOGIC = {"&&": (2,), "||": (2,)}
_UNKNOWABLE: dict[str, Sequence[int]] = {"system.catype": (0,), "can_view": (0,), "labels_matching": (1,)}
"""Documented functions whose value is Unknown here."""
FUNCTIONS: dict[str, tuple[Sequence[int], Callable[..., Value]]] = {
    "!": ((1,), _not),
    "==": ((2,), _equal),
    "equals": ((2,), _equal),
    "contains": ((2,), lambda values, item: item in texts(values)),
    "contains_any": ((2,), lambda left, right: bool(set(texts(left)) & set(texts(right)))),
    "contains_all": ((2,), lambda left, right: bool(texts(right)) and set(texts(right)) <= set(texts(left))),
    "is_subset": (range(1, 64), lambda left, *rest: set(texts(left)) <= set(rest)),
    "all_equal": ((2,), lambda values, item: bool(texts(values)) and set(texts(values)) == {item}),
    "all_end_with": (
        (2,),
        lambda values, end: bool(texts(values)) and all(t.endswith(end) for t in texts(values)),
    ),
    "has_prefix": ((2,), lambda text, start: any(t.startswith(start) for t in texts(text))),
    "set": (range(64), lambda *items: items),
    "regexp.match": ((2,), lambda values, pattern: any(patterns.matches(pattern, t) for t in texts(values))),
    "regexp.replace": ((3,), _replaced),
    "email.local": ((1,), lambda value: tuple(filter(None, map(local_part, texts(value))))),
    "strings.upper": ((1,), _each(str.upper)),
    "strings.lower": ((1,), _each(str.lower)),
}
"""Numbers of arguments that each function takes, and what it does."""
