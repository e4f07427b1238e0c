# SPDX-License-Identifier: Apache-2.0
"""The generated catalogue: each event has its texts, and templates name only what there is."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from string import ascii_letters

import pytest

from proctor.model.event_texts import CATALOGUE
from proctor.model.events import EVENTS
from proctor.model.sentences import ERRNO, FILTERS, PSEUDO_FIELDS, Texts, placeholders

KINDS = {"sentence", "brief", "remark"}
SEVERITIES = {"", "information", "warning", "error"}
OPERATORS = {"=", "!=", "<", ">", ""}  # the last: the field is set


def templates(texts: Texts) -> Iterator[str]:
    yield from texts.texts.values()
    for case in texts.cases:
        yield from case.texts.values()


def test_every_event_has_texts_and_no_other() -> None:
    assert set(CATALOGUE.events) == set(EVENTS)


@pytest.mark.parametrize("name", CATALOGUE.events)
def test_templates_name_fields_filters_and_phrases_that_exist(name: str) -> None:
    texts = CATALOGUE.events[name]
    fields = set(EVENTS[name].__struct_encode_fields__)
    assert texts.texts["sentence"]
    assert set(texts.texts) <= KINDS
    for template in templates(texts):
        for field, filters in placeholders(template):
            assert field in PSEUDO_FIELDS or field in fields or field.partition(".")[0] in fields, field
            for part in filters:
                kind = part.partition(":")[0]
                known = kind == ERRNO or kind in FILTERS
                assert (
                    known or kind in CATALOGUE.enums[texts.enums[field]].other or _in_all(texts, field, kind)
                )


def _in_all(texts: Texts, field: str, kind: str) -> bool:
    return all(kind in phrases for phrases in CATALOGUE.enums[texts.enums[field]].values.values())


@pytest.mark.parametrize("name", CATALOGUE.events)
def test_cases_ask_for_fields_of_the_event(name: str) -> None:
    fields = set(EVENTS[name].__struct_encode_fields__)
    for case in CATALOGUE.events[name].cases:
        assert case.when, "a case that always holds hides the text of the event"
        assert case.severity in SEVERITIES
        assert set(case.texts) <= KINDS
        for field, operator, _ in case.when:
            assert field in fields
            assert operator in OPERATORS


def test_enums_are_of_fields_and_their_severities_are_known() -> None:
    for name, texts in CATALOGUE.events.items():
        assert set(texts.enums) <= set(EVENTS[name].__struct_encode_fields__)
        assert set(texts.enums.values()) <= set(CATALOGUE.enums)
    for phrases in CATALOGUE.enums.values():
        for each in (*phrases.values.values(), phrases.other):
            assert each.get("severity", "") in SEVERITIES


def test_errors_are_those_of_linux_each_with_words_of_its_own() -> None:
    assert set(CATALOGUE.errno) <= set(errno.errorcode)
    assert len(set(CATALOGUE.errno.values())) == len(CATALOGUE.errno)
    assert all(text[0] in ascii_letters for text in CATALOGUE.errno.values())
