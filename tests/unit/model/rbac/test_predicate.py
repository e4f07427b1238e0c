# SPDX-License-Identifier: Apache-2.0
"""The predicate language: grammar, functions, what cannot be known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.model.rbac.predicate import MAX_LENGTH, Path, PredicateError, Value, check, evaluate, parse

NAMES: dict[Path, Value] = {
    ("user", "metadata", "name"): "alice",
    ("user", "spec", "traits", "team"): ("core", "web"),
    ("labels", "env"): "prod",
    ("labels", "none"): "",
}


def value(text: str) -> Value:
    return evaluate(parse(text), NAMES.get)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('labels["env"] == "prod"', True),
        ("labels['env'] != `prod`", False),
        ('labels["none"] == ""', True),
        ('contains(user.spec.traits["team"], "web")', True),
        ('contains(user.spec.traits.team, "ops") || labels["env"] == "prod"', True),
        ('labels["env"] == "prod" && !(user.metadata.name == "alice")', False),
        ('labels["env"] == "dev" || labels["env"] == "qa" && true', False),
        ('equals(user.metadata.name, "alice")', True),
        ('contains_any(user.spec.traits["team"], set("web", "ops"))', True),
        ('contains_all(user.spec.traits["team"], set("web", "core"))', True),
        ('is_subset(user.spec.traits["team"], "web", "core", "ops")', True),
        ('all_equal(user.spec.traits["team"], "web")', False),
        ('all_end_with(user.spec.traits["team"], "e")', False),
        ('has_prefix(user.metadata.name, "al")', True),
        ('regexp.match(user.spec.traits["team"], "^c.re$")', True),
        ('regexp.match(user.spec.traits["team"], "o*")', False),
        ('strings.upper(user.spec.traits["team"])', ("CORE", "WEB")),
        ('strings.lower("ÄB")', "äb"),
        ('email.local(set("bob@example.com", "nobody"))', ("bob",)),
        ('regexp.replace(user.spec.traits["team"], "^(c)ore$", "x-$1")', ("x-c",)),
        ('regexp.replace(set("a-b"), "(\\\\w)-(\\\\w)", "${2}1")', ("b1",)),
    ],
)
def test_values(text: str, expected: Value) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resource.x", None),
        ('!(resource.x == "a")', None),
        ("contains(resource.x, user.metadata.name)", None),
        ("resource.x && true", None),
        ("resource.x && false", False),
        ("resource.x || true", True),
        ("can_view() || false", None),
        ('user.spec.traits["team"] == "core"', None),
        ('"text" && true', None),
    ],
)
def test_what_cannot_be_known_stays_unknown_unless_it_does_not_matter(text: str, expected: Value) -> None:
    assert value(text) is expected


@pytest.mark.parametrize(
    "text",
    ["", "a ==", "a b", "(a", "a)", "f(a", "f(a b)", 'labels[env] == "a"', '"a', "a = b", "a..b", "&& a", "§",
     "!" * 100, "(" * 100 + "a" + ")" * 100, "a" * (MAX_LENGTH + 1)],
)  # fmt: skip
def test_what_is_not_an_expression(text: str) -> None:
    with pytest.raises(PredicateError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("frobnicate(user.metadata.name)", "the function frobnicate is not known"),
        ("contains(user.metadata.name)", "contains takes 2 arguments"),
        ("usr.name", "usr.name is not known"),
        ('regexp.match(labels["env"], "^(a$")', "not a regular expression"),
        ('regexp.match(labels["env"], labels["env"])', "a pattern written as a text"),
    ],
)
def test_functions_and_names_are_checked(text: str, reason: str) -> None:
    with pytest.raises(PredicateError, match=reason.replace("(", r"\(")):
        check(parse(text), lambda path: path in NAMES)


@given(st.text(alphabet='ab.,()[]"!&|= ', max_size=60))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        node = parse(text)
    except PredicateError:
        return
    evaluate(node, NAMES.get)
