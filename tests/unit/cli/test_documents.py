# SPDX-License-Identifier: Apache-2.0
import pytest

from proctor.cli.tctl.documents import kind_of, parse, references
from proctor.core.errors import BadRequest
from proctor.model.resources import Role, Token

ROLE = """\
kind: role
metadata: {name: dba}
spec:
  allow: {logins: [root], node_labels: {env: [dev, 'test-*'], on: 'true'}}
  options: {max_sessions: 3, forward_agent: true, port_forwarding: null}
"""
TOKEN = """\
kind: token
metadata: {name: abcdefgh, expires: 2030-01-01T00:00:00Z}
spec: {roles: [node]}
"""


def test_several_documents() -> None:
    role, token = parse(f"{ROLE}---\n{TOKEN}---\n", "f").resources
    assert isinstance(role, Role)
    assert role.spec.allow.node_labels == {"env": ["dev", "test-*"], "on": "true"}
    assert role.spec.options.max_sessions == 3
    assert role.spec.options.forward_agent is True
    assert isinstance(token, Token)
    assert token.metadata.expires == "2030-01-01T00:00:00Z", "times stay text"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f: holds no document"),
        ("- a", "f:1:1: kind: is missing; expected role"),
        ("kind: lamp", "f:1:1: kind: 'lamp' is not a kind of resource"),
        (
            "kind: role\nmetadata: {nam: a}",
            "f:2:11: metadata.name: is missing\nf:2:12: metadata.nam: unknown key; did you mean name?",
        ),
        ("kind: role\nmetadata:\n  name: [7]", "f:3:9: metadata.name: expected a single value"),
        (
            ROLE.replace("[root]", "[root, {a: b}]"),
            "f:4:26: spec.allow.logins[1]: expected a single value, found a mapping",
        ),
        ("kind: role\n\tmetadata:", "f:2:1: not valid YAML"),
    ],
)
def test_mistakes_have_a_place(text: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse(text, "f")
    assert caught.value.message.startswith(message)


def test_kinds_in_both_numbers() -> None:
    assert [kind_of(text) for text in ("role", "roles", "Users", "node")] == ["role", "role", "user", "node"]
    with pytest.raises(BadRequest):
        kind_of("lamp")


def test_references() -> None:
    assert list(references(["roles", "user/a", "token/x/y"])) == [
        ("role", ""),
        ("user", "a"),
        ("token", "x/y"),
    ]
    assert list(references(["role", "dba"])) == [("role", "dba")]
