# SPDX-License-Identifier: Apache-2.0
"""How options of several roles merge, value by value (the table in SessionOptions)."""

from __future__ import annotations

from typing import Any

import pytest

from proctor.model import serde
from proctor.model.access import (
    DEFAULT_MAX_SESSION_TTL,
    at_least,
    check_node,
    check_resource,
    session_options,
)
from proctor.model.identity import UserIdentity
from proctor.model.resources import Role

ALICE = UserIdentity(username="alice", roles=("dev",), logins=("root",), traits={"team": ("core",)})


def role(**spec: Any) -> Role:
    return serde.convert({"metadata": {"name": "dev"}, "spec": spec}, Role)


def merged(*options: dict[str, Any]) -> Any:
    return session_options([role(options=each) for each in options])


@pytest.mark.parametrize(
    ("option", "first", "second", "expected"),
    [
        ("max_sessions", 5, 3, 3),
        ("max_sessions", 0, 3, 3),
        ("max_sessions", 0, 0, 0),
        ("max_connections", 2, 7, 2),
        ("max_connections", 0, 0, 0),
        ("client_idle_timeout", "10m", "5m", 300),
        ("client_idle_timeout", "", "", 0),
        ("max_session_ttl", "8h", "1h", 3600),
        ("max_session_ttl", "", "", DEFAULT_MAX_SESSION_TTL),
        ("ssh_file_copy", True, False, False),
        ("ssh_file_copy", True, True, True),
        ("ssh_file_copy", None, True, True),
        ("port_forwarding", False, True, True),
        ("port_forwarding", False, False, False),
        ("port_forwarding", None, False, True),
        ("forward_agent", False, True, True),
        ("forward_agent", False, None, False),
        ("disconnect_expired_cert", False, True, True),
        ("disconnect_expired_cert", False, None, False),
    ],
)
def test_merge(option: str, first: object, second: object, expected: object) -> None:
    assert getattr(merged({option: first}, {option: second}), option) == expected
    assert getattr(merged({option: second}, {option: first}), option) == expected


def test_options_of_no_role() -> None:
    options = session_options([])
    assert options.enhanced_recording == ()
    assert not options.strict_recording
    assert not options.port_forwarding
    assert options.max_session_ttl == 30 * 3600


@pytest.mark.parametrize(
    ("recordings", "strict"),
    [
        ([], False),
        ([{"default": "best_effort"}], False),
        ([{"default": "strict"}], True),
        ([{"default": "strict", "ssh": "best_effort"}], False),
        ([{"ssh": "best_effort"}, {"ssh": "strict"}], True),
    ],
)
def test_strictest_recording_wins(recordings: list[dict[str, str]], strict: bool) -> None:
    assert merged(*({"record_session": each} for each in recordings)).strict_recording is strict


@pytest.mark.parametrize(
    ("role_strict", "floor_strict", "expected"),
    [(False, False, False), (True, False, True), (False, True, True)],
)
def test_floor_of_the_host(role_strict: bool, floor_strict: bool, expected: bool) -> None:
    mode = "strict" if role_strict else "best_effort"
    options = merged({"enhanced_recording": ["network"], "record_session": {"ssh": mode}})

    found = at_least(options, ["command"], strict=floor_strict)

    assert found.enhanced_recording == ("command", "network")
    assert found.strict_recording is expected
    assert at_least(options, [], strict=False) == options


@pytest.mark.parametrize("path", ["user.spec.name", "labels", "labels.a.b", "node.name"])
def test_label_expression_about_unknown_values_allows_nothing(path: str) -> None:
    allow = {"logins": ["root"], "node_labels_expression": f'{path} == "core"'}
    assert not check_node(ALICE, [role(allow=allow)], {"a": "core", "metadata": "core"})


def test_session_rules_know_the_protocol() -> None:
    rule = {"resources": ["session"], "verbs": ["list"], "where": 'equals(session.proto, "ssh")'}
    assert check_resource(ALICE, [role(allow={"rules": [rule]})], "session", "list")
    rule = {**rule, "where": 'equals(session.proto, "desktop")'}
    assert not check_resource(ALICE, [role(allow={"rules": [rule]})], "session", "list")


def test_decision_cannot_be_changed() -> None:
    decision = check_node(ALICE, [], {})
    with pytest.raises(AttributeError):
        decision.allowed = True  # type: ignore[misc]


def test_login_template_of_internal_logins() -> None:
    allow = {"logins": ["{{internal.logins}}"], "node_labels": {"*": "*"}}
    bob = UserIdentity(username="bob", roles=("dev",), logins=(), traits={"logins": ("bob",)})
    assert check_node(bob, [role(allow=allow)], {})
