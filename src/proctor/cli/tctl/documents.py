# SPDX-License-Identifier: Apache-2.0
"""Resources as YAML: read with the place of every mistake, written as ``tctl get`` shows them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from proctor.config.reader import ConfigReader, Remark
from proctor.config.source import MAX_SIZE, SourceError, compose, place_of, text_of
from proctor.config.suggest import hint, lost_indentation
from proctor.core.errors import BadRequest, ProctorError
from proctor.model.rbac.checks import (
    lock_problems,
    role_problems,
    role_warnings,
    token_problems,
    token_warnings,
)
from proctor.model.resources import KINDS, Lock, Resource, Role, Token


class Parsed(NamedTuple):
    """The documents of a file, and sentences about what in them has no effect."""

    resources: list[Resource]
    warnings: list[str]


def kind_of(text: str) -> str:
    """``role`` for ``role``, ``roles``, ``Role``. Raises BadRequest."""
    kind = text.lower().removesuffix("s")
    if kind not in KINDS:
        raise BadRequest(f"{text!r} is not a kind of resource; expected {', '.join(KINDS)}")
    return kind


def read(file: str) -> Parsed:
    """All documents in ``file``, or in standard input when it is empty. Raises BadRequest, ProctorError."""
    name = file or "stdin"
    try:
        with Path(file).open("rb") if file else sys.stdin.buffer as source:
            return parse(text_of(source.read(MAX_SIZE + 1), name), name)
    except OSError as error:
        raise ProctorError(f"{name}: {error.strerror}") from None
    except SourceError as error:
        raise BadRequest(str(error)) from None


def parse(text: str, name: str) -> Parsed:
    """All documents in ``text``. Raises BadRequest: ``name:line:column: key: what is wrong``, all at once."""
    try:
        nodes = compose(text, name)
    except SourceError as error:
        raise BadRequest(str(error)) from None
    if not nodes:
        raise BadRequest(f"{name}: holds no document")
    resources, problems, warnings = [], [], []
    for node in nodes:
        reader = ConfigReader(name)
        resource = _resource(reader, node)
        problems += reader.lines()
        if resource is not None and not reader.problems:
            resources.append(resource)
            warnings += reader.located(_warnings(resource))
    if problems:
        raise BadRequest("\n".join(problems))
    return Parsed(resources, warnings)


def _resource(reader: ConfigReader, node: Node) -> Resource | None:
    kind = _kind(node)
    if kind not in KINDS:
        expected = ", ".join(KINDS)
        found = f"{kind!r} is not a kind of resource{hint(kind, list(KINDS))}" if kind else "is missing"
        reader.problems.append((place_of(node), f"kind: {found}; expected {expected}"))
        return None
    if lost := lost_indentation(node, KINDS[kind]):
        reader.problems.append(lost)
        return None
    resource = reader.read(node, KINDS[kind])
    if resource is not None:
        for path, message in _problems(resource):
            reader.report(path, message)
    return resource


def _kind(node: Node) -> str:
    entries = node.value if isinstance(node, MappingNode) else ()
    kinds = [value.value for key, value in entries if key.value == "kind" and isinstance(value, ScalarNode)]
    return str(kinds[0]) if kinds else ""


def _problems(resource: Resource) -> Iterator[Remark]:
    if isinstance(resource, Role):
        yield from role_problems(resource)
    elif isinstance(resource, Token):
        yield from token_problems(resource)
    elif isinstance(resource, Lock):
        yield from lock_problems(resource)


def _warnings(resource: Resource) -> Iterator[Remark]:
    if isinstance(resource, Role):
        yield from role_warnings(resource)
    elif isinstance(resource, Token):
        yield from token_warnings(resource)


def references(texts: list[str]) -> Iterator[tuple[str, str]]:
    """Kind and name (empty for all) of ``kind``, ``kind/name`` or ``kind name``. Raises BadRequest."""
    for text in ["/".join(texts)] if len(texts) == 2 and "/" not in "".join(texts) else texts:
        kind, _, name = text.partition("/")
        yield kind_of(kind), name
