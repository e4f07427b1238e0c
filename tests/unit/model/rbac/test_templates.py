# SPDX-License-Identifier: Apache-2.0
"""Templates in logins and labels, patterns of labels."""

from __future__ import annotations

import pytest

from proctor.model.rbac import patterns
from proctor.model.rbac.templates import expand, parse

URL = "http://example.net/claims/account"
TRAITS = {
    "logins": ["root", "ubuntu"],
    "email": ["alice@example.com", "x"],
    URL: ["al"],
    "env": ["dev", "prod"],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("root", ("root",)),
        ("{{internal.logins}}", ("root", "ubuntu")),
        ("{{ external.logins }}", ("root", "ubuntu")),
        ("{{external.nothing}}", ()),
        ("team-{{external.env}}-x", ("team-dev-x", "team-prod-x")),
        (f'{{{{external["{URL}"]}}}}', ("al",)),
        ("{{email.local(external.email)}}", ("alice",)),
        ('{{regexp.replace(external.env, "^(d)ev$", "$1")}}', ("d",)),
        ("{{strings.upper(external.env)}}", ("DEV", "PROD")),
    ],
)
def test_expansion(text: str, expected: tuple[str, ...]) -> None:
    assert expand(text, TRAITS) == expected


@pytest.mark.parametrize(
    "text",
    ["{{", "}}", "{{}}", "{{logins}}", "{{internal}}", "{{internal.a.b}}", "{{'root'}}",
     "{{user.spec.roles}}", "{{contains(internal.logins, 'a')}}", "{{internal.a}}{{internal.b}}",
     "{{internal.a}", "a{{b", "{{shell('id')}}"],
)  # fmt: skip
def test_malformed_templates(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("prod", "prod", True),
        ("prod", "prod-1", False),
        ("prod*", "prod-1", True),
        ("*", "", True),
        ("a*c*e", "abcde", True),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        ("?", "a", False),
        ("^(dev|test)$", "dev", True),
        ("^dev|test$", "latest", True),
        ("^dev$", "dev\n", False),
        (r"^a\$", "a$", True),
        ("^[$", "[", False),
    ],
)
def test_patterns(pattern: str, value: str, expected: bool) -> None:
    assert patterns.matches(pattern, value) is expected


@pytest.mark.parametrize(
    "pattern", ["^[$", "^(?P<a$", "^[[:alpha:]]$", r"^\pL$", r"^\Qa\E$", "^a{99999999999}$"]
)
def test_patterns_that_do_not_work_or_differ_in_go(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        patterns.check(pattern)
