# SPDX-License-Identifier: Apache-2.0
"""Configurations, roles and tokens in the forms that Teleport documents, from ``tests/golden/foreign``.

Each document has a title, and for each thing that must be refused by name a line ``# refused: KEY``. All
others load.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from proctor.cli.tctl import documents
from proctor.config import load
from proctor.core.errors import BadRequest, ConfigError

CORPUS = Path(__file__).parents[2] / "golden/foreign"
PARSERS: dict[str, Callable[[str, str], object]] = {
    "configurations": load.parse,
    "roles": documents.parse,
    "tokens": documents.parse,
}
ACCEPTED = {"configurations": (23, 30), "roles": (128, 136), "tokens": (19, 20)}
"""How many documents load, and how many there are."""


class Sample(NamedTuple):
    """A document of the corpus."""

    kind: str
    title: str
    refused: list[str]
    text: str


def samples(kind: str) -> Iterator[Sample]:
    """The documents of a file of the corpus."""
    for text in (CORPUS / f"{kind}.yaml").read_text().split("\n---\n"):
        title = re.search(r"^# title: (.*)", text, re.MULTILINE)
        assert title is not None
        yield Sample(kind, title[1], re.findall(r"^# refused: (.*)", text, re.MULTILINE), text)


def problems(sample: Sample) -> list[str]:
    """The lines of the refusal; none when the document loads."""
    try:
        PARSERS[sample.kind](sample.text, "f")
    except (BadRequest, ConfigError) as error:
        return error.message.splitlines()
    return []


@pytest.mark.parametrize(
    "sample",
    [sample for kind in PARSERS for sample in samples(kind)],
    ids=lambda sample: f"{sample.kind}: {sample.title}",
)
def test_each_document_loads_or_is_refused_by_name(sample: Sample) -> None:
    found = problems(sample)
    assert len(found) == len(sample.refused), found
    for line, key in zip(found, sorted(sample.refused, key=lambda key: _place(found, key)), strict=True):
        assert key in line


def _place(lines: list[str], key: str) -> int:
    return next((number for number, line in enumerate(lines) if key in line), len(lines))


@pytest.mark.parametrize("kind", PARSERS)
def test_acceptance(kind: str) -> None:
    found = [problems(sample) for sample in samples(kind)]
    assert (sum(not each for each in found), len(found)) == ACCEPTED[kind]
