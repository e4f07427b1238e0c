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
            [{"resources": ["session"], "verbs": ["read"], "where": "true"}],
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
