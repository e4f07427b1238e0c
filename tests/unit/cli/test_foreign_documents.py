# SPDX-License-Identifier: Apache-2.0
"""Roles, users and tokens as Teleport exports them: what loads, what is warned of, what is refused."""

from __future__ import annotations

import pytest

from proctor.cli.tctl.documents import Parsed, parse
from proctor.core.errors import BadRequest
from proctor.model.resources import (
    ForeignConditions,
    ForeignJoining,
    ForeignOptions,
    Role,
    RoleSpec,
    Token,
    User,
)

EXPORTED = """\
kind: role
metadata: {description: x, id: 16, name: ops, revision: 0c4bd1d6, labels: {teleport.internal/x: system}}
spec:
  allow:
    app_labels: {'*': '*'}
    db_labels: {'*': '*'}
    db_names: ['{{internal.db_names}}']
    impersonate: {roles: [bot], users: [bot]}
    kubernetes_groups: ['{{internal.kubernetes_groups}}']
    kubernetes_resources: [{kind: '*', name: '*', namespace: '*', verbs: ['*']}]
    logins: ['{{internal.logins}}', -teleport-nologin-9f3c]
    node_labels: {'*': '*'}
    request: {roles: [admin], thresholds: [{approve: 1, deny: 1}]}
    review_requests: {roles: [dev]}
    rules:
    - {resources: [session, ssh_session], verbs: [list, read]}
    - {resources: [user], verbs: [readnosecrets], where: 'contains(user.spec.roles, "ops")'}
    spiffe: [{path: /a, dns_sans: [b]}]
  deny:
    db_labels: {env: prod}
    logins: null
  options:
    cert_format: standard
    create_db_user: false
    create_host_user_mode: keep
    desktop_clipboard: true
    device_trust_mode: ''
    enhanced_recording: [command, network]
    forward_agent: false
    idp: {saml: {enabled: true}}
    lock: best_effort
    max_session_ttl: 30h0m0s
    pin_source_ip: false
    port_forwarding: true
    record_session: {default: best_effort, desktop: true}
    request_access: optional
    require_session_mfa: false
    ssh_file_copy: true
    ssh_port_forwarding: {local: {enabled: true}, remote: {enabled: false}}
version: v7
"""


def role(spec: str, version: str = "v7") -> str:
    return f"kind: role\nversion: {version}\nmetadata: {{name: a}}\nspec:\n  {spec}\n"


def load(text: str) -> Parsed:
    return parse(text, "f")


def refusal(text: str) -> list[str]:
    with pytest.raises(BadRequest) as caught:
        parse(text, "f")
    return caught.value.message.splitlines()


def test_an_exported_role_loads_and_says_what_has_no_effect() -> None:
    parsed = load(EXPORTED)
    (exported,) = parsed.resources
    assert isinstance(exported, Role)
    assert exported.spec.allow.app_labels == {"*": "*"}
    assert exported.spec.deny.db_labels == {"env": "prod"}
    assert [warning.split(": ")[1] for warning in parsed.warnings] == [
        "spec.allow.app_labels",
        "spec.allow.rules[0].resources",
        "spec.options.create_host_user_mode",
    ]
    assert "db_labels, db_names, impersonate, kubernetes_groups" in parsed.warnings[0]


@pytest.mark.parametrize("version", ["v3", "v4", "v5", "v6", "v7", "v8"])
def test_all_versions_of_roles(version: str) -> None:
    assert load(role("allow: {logins: [a], node_labels: {b: c}}", version)).warnings == []


def test_nulls_and_empty_values_are_as_if_not_given() -> None:
    for empty in ("", "null", "~"):
        text = role(f"allow: {{logins: [deploy], node_labels: {empty}}}\n  deny: {empty}\n  options: {empty}")
        (loaded,) = load(text).resources
        assert isinstance(loaded, Role)
        assert loaded.spec.deny == RoleSpec().deny
        assert loaded.spec.options == RoleSpec().options
        assert loaded.spec.allow.node_labels == {}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("{env: prod}", {"env": "prod"}),
        ("{env: [prod, 'test-*']}", {"env": ["prod", "test-*"]}),
        ("{env: yes, number: 007, float: 1.10}", {"env": "yes", "number": "007", "float": "1.10"}),
        ("{'*': '*'}", {"*": "*"}),
        ("{'*': ['*']}", {"*": ["*"]}),
    ],
)
def test_labels(labels: str, expected: dict[str, object]) -> None:
    (loaded,) = load(role(f"allow: {{node_labels: {labels}}}")).resources
    assert isinstance(loaded, Role)
    assert loaded.spec.allow.node_labels == expected


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("forward_agent: true", "forward_agent"),
        ("permit_x11_forwarding: true", "permit_x11_forwarding"),
        ("cert_format: oldssh", "cert_format"),
        *((f"{name}: x", name) for name in ForeignOptions.__struct_fields__),
    ],
)
def test_options_without_effect_are_named(option: str, named: str) -> None:
    (warning,) = load(role(f"options: {{{option}}}")).warnings
    assert warning.startswith(f"f:5:13: spec.options.{named}: ")


@pytest.mark.parametrize("name", ForeignConditions.__struct_fields__)
def test_conditions_of_other_protocols_are_named(name: str) -> None:
    (warning,) = load(role(f"allow: {{{name}: [{{a: b}}]}}")).warnings
    assert f"spec.allow.{name}: kept, but not offered here" in warning
    assert load(role(f"deny: {{{name}: [x]}}")).warnings == [], "what is not granted need not be denied"


@pytest.mark.parametrize(
    ("spec", "key"),
    [
        ("options: {require_session_mfa: true}", "options.require_session_mfa"),
        ("options: {require_session_mfa: hardware_key_touch}", "options.require_session_mfa"),
        ("options: {pin_source_ip: yes}", "options.pin_source_ip"),
        ("options: {device_trust_mode: required}", "options.device_trust_mode"),
        ("options: {lock: strictly}", "options.lock"),
        ("options: {request_access: reason}", "options.request_access"),
        ("allow: {require_session_join: [{name: a, kinds: [ssh]}]}", "allow.require_session_join[0]"),
        ("allow: {require_session_join: [{name: a}]}", "allow.require_session_join[0]"),
        ("allow: {namespaces: [other]}", "allow.namespaces"),
        ("deny: {rules: [{resources: [sesion], verbs: ['*']}]}", "deny.rules[0].resources"),
        ("deny: {rules: [{resources: [session], verbs: [raed]}]}", "deny.rules[0].verbs"),
        ("deny: {logins: ['{{internal.logins']}", "deny.logins[0]"),
        ("deny: {node_labels: {env: '^[$'}}", "deny.node_labels.env"),
        ('deny: {node_labels_expression: \'label["a"] == "b"\'}', "deny.node_labels_expression"),
        ("deny: {rules: [{resources: [user], verbs: [read], where: 'f()'}]}", "deny.rules[0].where"),
        ("deny: {loginz: [root]}", "deny.loginz"),
    ],
)
def test_what_restricts_and_is_not_enforced_is_refused_by_name(spec: str, key: str) -> None:
    (line,) = refusal(role(spec))
    assert f"spec.{key}: " in line


def test_sessions_of_other_protocols_need_not_be_joined() -> None:
    (warning,) = load(role("allow: {require_session_join: [{name: a, kinds: [k8s]}]}")).warnings
    assert "require_session_join" in warning


def test_all_problems_of_all_documents_at_once_in_order() -> None:
    text = (
        role("alow: {}\n  options: {max_session_ttl: now}") + "---\n" + role("allow: {logins: ['*', 'a b']}")
    )
    assert [line.split(": ")[:2] for line in refusal(text)] == [
        ["f:5:3", "spec.alow"],
        ["f:6:13", "spec.options.max_session_ttl"],
        ["f:12:20", "spec.allow.logins[0]"],
        ["f:12:25", "spec.allow.logins[1]"],
    ]


def test_suggestions_are_those_of_the_configuration() -> None:
    assert refusal(role("allow: {login: [a]}")) == [
        "f:5:11: spec.allow.login: unknown key; did you mean logins?"
    ]
    assert refusal(role("allow: {max_session_ttl: 1h}"))[0].endswith("it belongs below spec.options")
    assert refusal(role("options: {}", "v99"))[0].startswith(
        "f:2:10: version: 'v99' is not one of the choices"
    )


def test_a_document_that_lost_its_indentation_is_recognised() -> None:
    text = "\n".join(
        line.lstrip() for line in "kind: role\nmetadata:\n  name: a\nspec:\n  allow:\n  deny:".splitlines()
    )
    (line,) = refusal(text)
    assert line.startswith("f:3:1: the lines have lost their indentation: name belongs below metadata")


def test_exported_users() -> None:
    text = "kind: user\nversion: v2\nmetadata: {name: a}\nspec:\n  roles: [access]\n"
    text += "  expires: 0001-01-01T00:00:00Z\n  github_identities: [{username: a}]\n"
    text += "  traits: {logins: [root], kubernetes_groups: null, one: text}\n"
    (user,) = load(text).resources
    assert isinstance(user, User)
    assert user.spec.traits == {"logins": ["root"], "kubernetes_groups": [], "one": ["text"]}


def token(spec: str, name: str = "abcdefgh") -> str:
    return f"kind: token\nversion: v2\nmetadata: {{name: {name}}}\nspec:\n  {spec}\n"


SETTINGS = {"allow", "aws_iid_ttl", "bot_name", "suggested_agent_matcher_labels", "suggested_labels"}
METHODS = [name for name in ForeignJoining.__struct_fields__ if name not in SETTINGS]


@pytest.mark.parametrize("method", ["ec2", "iam", *METHODS])
def test_tokens_of_other_join_methods_load_and_say_that_nothing_joins(method: str) -> None:
    keys = f"{method}: {{allow: [{{a: b}}]}}" if method in METHODS else "allow: [{aws_account: '1'}]"
    parsed = load(token(f"roles: [Node, Kube]\n  join_method: {method}\n  bot_name: b\n  {keys}"))
    assert isinstance(parsed.resources[0], Token)
    (warning,) = parsed.warnings
    assert warning.startswith(f"f:6:3: spec.join_method: the join method {method} is not offered")


def test_a_token_with_conditions_and_no_method_is_not_one_whose_name_is_the_secret() -> None:
    parsed = load(token("roles: [Node]\n  allow: [{aws_account: '1'}]"))
    assert "the join method ec2 is not offered" in parsed.warnings[0]
    (line,) = refusal(token("roles: [Node]\n  join_method: token\n  allow: [{aws_account: '1'}]"))
    assert "spec.allow: conditions do not go with the join method token" in line


def test_roles_of_tokens() -> None:
    assert load(token("roles: [Node, Proxy]")).warnings == []
    assert "nothing can join as Bot, App here" in load(token("roles: [Bot, App, Node]")).warnings[0]
    assert "Nod: not known" in refusal(token("roles: [Nod]"))[0]


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10))


@pytest.mark.parametrize(
    "text", [BOMB, "kind: role\nspec: " + "[" * 9000, "kind: role\nspec: &a {b: *a}", "\x00", "? {a: b}\n: c"]
)
@pytest.mark.timeout(60)
def test_hostile_documents_are_refused_in_bounded_time(text: str) -> None:
    assert refusal(text)
