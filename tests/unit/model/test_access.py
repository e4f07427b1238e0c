# SPDX-License-Identifier: Apache-2.0
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.model import serde
from proctor.model.access import (
    OWN_SESSION,
    check_login,
    check_node,
    check_resource,
    logins_of,
    match_labels,
    session_options,
)
from proctor.model.identity import UserIdentity
from proctor.model.resources import Role


def role(name: str = "dev", **spec: Any) -> Role:
    return serde.convert({"metadata": {"name": name}, "spec": spec}, Role)


def allow(logins: list[str], labels: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"logins": logins, "node_labels": {"*": "*"} if labels is None else labels}


ALICE = UserIdentity(username="alice", roles=("dev",), logins=("root",), traits={"logins": ("ubuntu",)})


@pytest.mark.parametrize(
    ("roles", "login", "allowed", "says"),
    [
        ([], "root", False, "no role of user alice allows access to this node"),
        ([role(allow=allow(["root"]))], "root", True, "allowed by role dev"),
        ([role(allow=allow(["root"]))], "bob", False, "allows login bob"),
        ([role(allow=allow(["root"], {}))], "root", False, "allows access to this node"),
        ([role(allow=allow(["root"], {"env": "dev"}))], "root", False, "allows access to this node"),
        ([role(allow=allow(["root"], {"env": ["dev", "pr*"]}))], "root", True, "role dev"),
        ([role(allow=allow(["root"], {"env": "^(prod|test)$"}))], "root", True, "role dev"),
        ([role(allow=allow(["{{internal.logins}}"]))], "ubuntu", True, "role dev"),
        (
            [role(allow=allow(["root"])), role("no", deny={"logins": ["root"]})],
            "root",
            False,
            "role no denies login",
        ),
        (
            [role(allow=allow(["root"])), role("no", deny={"node_labels": {"env": "prod"}})],
            "root",
            False,
            "role no denies access",
        ),
        (
            [role(allow=allow(["root"], {"env": "dev"})), role("x", allow=allow(["bob"]))],
            "root",
            False,
            "allows login root",
        ),
    ],
)
def test_login_decision_and_its_reason(roles: list[Role], login: str, allowed: bool, says: str) -> None:
    decision = check_login(ALICE, roles, {"env": "prod"}, login)
    assert bool(decision) is allowed
    assert says in decision.reason


def test_a_regular_expression_must_match_the_whole_value() -> None:
    assert not match_labels({"env": "^prod$"}, {"env": "production"})
    assert not match_labels({"env": "prod"}, {"env": "PROD"})


label_maps = st.dictionaries(st.text(min_size=1, max_size=3), st.text(max_size=3), max_size=3)


@given(label_maps)
def test_an_empty_pattern_matches_nothing_and_the_star_everything(labels: dict[str, str]) -> None:
    assert not match_labels({}, labels)
    assert match_labels({"*": "*"}, labels)


def test_a_node_is_seen_when_some_login_works() -> None:
    roles = [role(allow=allow(["root"], {"env": "prod"}))]
    assert check_node(ALICE, roles, {"env": "prod"})
    assert not check_node(ALICE, roles, {"env": "test"})


def test_logins_are_expanded_and_denials_taken_away() -> None:
    roles = [role(allow=allow(["root", "{{ internal.logins }}"]), deny={"logins": ["root"]})]
    assert logins_of(roles, {"logins": ["ubuntu"]}) == ("ubuntu",)


@pytest.mark.parametrize(
    ("rules", "resource", "verb", "participants", "allowed"),
    [
        ([{"resources": ["event"], "verbs": ["list"]}], "event", "list", [], True),
        ([{"resources": ["event"], "verbs": ["list"]}], "event", "read", [], False),
        ([{"resources": ["*"], "verbs": ["*"]}], "role", "delete", [], True),
        (
            [{"resources": ["session"], "verbs": ["read"], "where": OWN_SESSION}],
            "session",
            "read",
            ["alice"],
            True,
        ),
        (
            [{"resources": ["session"], "verbs": ["read"], "where": OWN_SESSION}],
            "session",
            "read",
            ["bob"],
            False,
        ),
        (
            [{"resources": ["session"], "verbs": ["read"], "where": "system.catype() == `user`"}],
            "session",
            "read",
            ["alice"],
            False,
        ),
    ],
)
def test_resource_rules(
    rules: list[dict[str, Any]], resource: str, verb: str, participants: list[str], allowed: bool
) -> None:
    roles = [role(allow={"rules": rules})]
    assert bool(check_resource(ALICE, roles, resource, verb, participants=participants)) is allowed


def test_a_denied_rule_beats_every_allowed_one() -> None:
    wide = {"rules": [{"resources": ["*"], "verbs": ["*"]}]}
    roles = [role(allow=wide), role("no", deny={"rules": [{"resources": ["event"], "verbs": ["read"]}]})]
    decision = check_resource(ALICE, roles, "event", "read")
    assert not decision
    assert "role no denies" in decision.reason


def test_options_merge_as_documented() -> None:
    first = role(
        options={
            "max_session_ttl": "8h",
            "enhanced_recording": ["disk"],
            "ssh_file_copy": False,
            "max_sessions": 5,
        }
    )
    second = role(
        options={
            "max_session_ttl": "30m",
            "forward_agent": True,
            "client_idle_timeout": "5m",
            "record_session": {"ssh": "strict"},
            "port_forwarding": False,
            "max_sessions": 3,
        }
    )
    merged = session_options([first, second])
    assert merged.enhanced_recording == ("command", "disk", "network")
    assert (merged.max_session_ttl, merged.client_idle_timeout, merged.max_sessions) == (1800, 300, 3)
    assert merged.strict_recording
    assert merged.forward_agent
    assert merged.port_forwarding
    assert not merged.ssh_file_copy


def test_disk_events_are_opt_in() -> None:
    assert session_options([role()]).enhanced_recording == ("command", "network")
    assert session_options([role(options={"enhanced_recording": []})]).enhanced_recording == ()


@pytest.mark.parametrize(
    ("expression", "labels", "allowed"),
    [
        ('labels["env"] == "dev"', {"env": "dev"}, True),
        ('labels["env"] != "prod"', {}, True),
        ('contains(user.spec.traits["logins"], labels["owner"])', {"owner": "ubuntu"}, True),
        ('user.metadata.name == "bob" || contains(user.spec.roles, "ops")', {}, False),
        ('contains(labels_matching("e*"), "dev")', {"env": "dev"}, False),
        ("not an expression", {}, False),
    ],
)
def test_label_expressions_that_allow(expression: str, labels: dict[str, str], allowed: bool) -> None:
    roles = [role(allow={"logins": ["root"], "node_labels_expression": expression})]
    assert bool(check_login(ALICE, roles, labels, "root")) is allowed


def test_labels_and_expression_that_allow_must_both_match() -> None:
    both = {"logins": ["root"], "node_labels": {"a": "b"}, "node_labels_expression": 'labels["c"] == "d"'}
    for labels, allowed in (({"a": "b"}, False), ({"c": "d"}, False), ({"a": "b", "c": "d"}, True)):
        assert bool(check_login(ALICE, [role(allow=both)], labels, "root")) is allowed


@pytest.mark.parametrize(
    ("expression", "denied"),
    [
        ('labels["env"] == "prod"', True),
        ('labels["env"] == "dev"', False),
        ('contains(labels_matching("e*"), "dev")', True),
        ("not an expression", True),
    ],
)
def test_label_expressions_deny_unless_they_are_surely_false(expression: str, denied: bool) -> None:
    roles = [role(allow=allow(["root"])), role("no", deny={"node_labels_expression": expression})]
    assert bool(check_login(ALICE, roles, {"env": "prod"}, "root")) is not denied


@pytest.mark.parametrize(
    ("where", "allowed", "denied"),
    [
        (OWN_SESSION, True, True),
        ("!contains(session.participants, user.metadata.name)", False, False),
        ('session.proto == "ssh" && equals(user.metadata.name, "alice")', True, True),
        ('contains_any(session.user_traits["team"], user.spec.traits["team"])', False, True),
        ('contains(user.spec.roles, "ops")', False, False),
        ("no expression", False, True),
    ],
)
def test_conditions_count_as_no_where_they_allow_and_yes_where_they_deny(
    where: str, allowed: bool, denied: bool
) -> None:
    rules = {"rules": [{"resources": ["session"], "verbs": ["read"], "where": where}]}
    everything = role(allow={"rules": [{"resources": ["*"], "verbs": ["*"]}]})

    def decide(*roles: Role) -> bool:
        return bool(check_resource(ALICE, roles, "session", "read", participants=["alice"]))

    assert decide(role(allow=rules)) is allowed
    assert decide(everything, role("no", deny=rules)) is not denied


def test_reading_without_secrets_reads_all_but_tokens() -> None:
    roles = [role(allow={"rules": [{"resources": ["*"], "verbs": ["readnosecrets"]}]})]
    for kind, allowed in (("user", True), ("role", True), ("token", False)):
        assert bool(check_resource(ALICE, roles, kind, "read")) is allowed
        assert not check_resource(ALICE, roles, kind, "update")


def test_label_values_may_be_templates() -> None:
    roles = [role(allow=allow(["root"], {"owner": "{{external.logins}}"}))]
    assert check_login(ALICE, roles, {"owner": "ubuntu"}, "root")
    assert not check_login(ALICE, roles, {"owner": "root"}, "root")


def test_logins_that_are_no_accounts_never_get_into_a_certificate() -> None:
    wanted = ["-teleport-nologin-1f", "-teleport-internal-join", "{{external.evil}}", "root"]
    assert logins_of([role(allow=allow(wanted))], {"evil": ["-teleport-internal-join"]}) == ("root",)


def test_port_forwarding_by_direction() -> None:
    closed = role(options={"ssh_port_forwarding": {"local": {"enabled": False}}})
    opened = role(options={"ssh_port_forwarding": {"local": {"enabled": True}}, "port_forwarding": True})
    assert not session_options([closed, opened]).port_forwarding
    assert session_options([opened]).port_forwarding
