# SPDX-License-Identifier: Apache-2.0
"""Settings that cannot be run, would protect and cannot be honoured, or grant what is not there."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from proctor.config.offered import refused, warned
from proctor.config.reader import ConfigReader, dotted
from proctor.config.schema import Config
from proctor.config.semantics import MAX_VARIABLES, problems, static_token, warnings
from proctor.config.source import compose
from proctor.core.errors import ConfigError


def config_of(text: str) -> Config:
    """``text`` as it is, before anything is judged."""
    (node,) = compose(text, "f")
    reader = ConfigReader("f")
    config = reader.read(node, Config)
    assert config is not None
    assert not reader.problems
    return config


AUTHENTICATION = "auth_service: {authentication: {%s}}"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("auth_service: {session_recording: 'off'}", "auth_service.session_recording"),
        ("auth_service: {session_recording: node-sync}", "auth_service.session_recording"),
        (AUTHENTICATION % "local_auth: no", "auth_service.authentication.local_auth"),
        (AUTHENTICATION % "second_factor: webauthn", "auth_service.authentication.second_factor"),
        (AUTHENTICATION % "second_factors: [webauthn]", "auth_service.authentication.second_factors"),
        (AUTHENTICATION % "require_session_mfa: yes", "auth_service.authentication.require_session_mfa"),
        (AUTHENTICATION % "device_trust: {mode: required}", "auth_service.authentication.device_trust.mode"),
        ("teleport: {storage: {type: dynamodb}}", "teleport.storage.type"),
        ("teleport: {storage: {audit_events_uri: ['s3://x']}}", "teleport.storage.audit_events_uri"),
        ("ssh_service: {restricted_session: {enabled: yes}}", "ssh_service.restricted_session.enabled"),
        ("ssh_service: {pam: {enabled: yes, use_pam_auth: yes}}", "ssh_service.pam.use_pam_auth"),
    ],
)
def test_what_would_protect_is_refused_and_not_ignored(text: str, key: str) -> None:
    config = config_of(text)
    assert [dotted(path) for path, _ in refused(config)] == [key]
    assert key in [dotted(path) for path, _ in problems(config)]


@pytest.mark.parametrize(
    "text",
    [
        "auth_service: {enabled: no, session_recording: 'off'}",
        "auth_service: {enabled: no, authentication: {local_auth: no, require_session_mfa: yes}}",
        "ssh_service: {enabled: no, restricted_session: {enabled: yes}}",
        "ssh_service: {pam: {enabled: no, use_pam_auth: yes}}",
        "teleport: {storage: {audit_events_uri: ['file:///var/lib/teleport/log/']}}",
        AUTHENTICATION % "second_factors: [webauthn, otp]",
    ],
)
def test_what_does_not_run_here_protects_nothing(text: str) -> None:
    assert list(refused(config_of(text))) == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (AUTHENTICATION % "type: github", "auth_service.authentication.type"),
        (AUTHENTICATION % "second_factor: 'off'", "auth_service.authentication.second_factor"),
        (AUTHENTICATION % "second_factors: [otp, webauthn]", "auth_service.authentication.second_factors"),
        ("auth_service: {session_recording: proxy}", "auth_service.session_recording"),
        ("ssh_service: {x11: {enabled: yes}}", "ssh_service.x11"),
        ("proxy_service: {acme: {enabled: yes}}", "proxy_service.acme"),
    ],
)
def test_what_only_grants_is_accepted_with_a_warning(text: str, key: str) -> None:
    config = config_of(text)
    assert [dotted(path) for path, _ in warned(config)] == [key]
    assert list(problems(config)) == []


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("teleport: {nodename: 'a b'}", ["teleport.nodename"]),
        ("teleport: {nodename: '-a'}", ["teleport.nodename"]),
        ("auth_service: {cluster_name: a/b}", ["auth_service.cluster_name"]),
        ("teleport: {storage: {path: backend}}", ["teleport.storage.path"]),
        ("teleport: {storage: {path: /var/../etc}}", ["teleport.storage.path"]),
        ("teleport: {storage: {path: /var/..lib}}", []),
        ("version: v3\nteleport: {auth_servers: ['a:3025']}", ["teleport.auth_servers"]),
        ("teleport: {auth_server: 'a:0'}", ["teleport.auth_server"]),
        (
            "teleport: {auth_token: a, join_params: {token_name: b, method: token}}",
            ["teleport.join_params"],
        ),
        ("proxy_service: {https_key_file: /k}", ["proxy_service"]),
        (
            "auth_service: {tokens: ['node:a', 'root:b', 'x']}",
            ["auth_service.tokens[1]", "auth_service.tokens[2]"],
        ),
        (
            "teleport: {nodename: ' '}\nauth_service: {cluster_name: /}",
            ["teleport.nodename", "auth_service.cluster_name"],
        ),
    ],
)
def test_all_that_cannot_be_run_is_found_at_once(text: str, keys: list[str]) -> None:
    assert [dotted(path) for path, _ in problems(config_of(text))] == keys


def test_bound_of_recorded_variables() -> None:
    config = config_of("ssh_service: {enhanced_recording: {enabled: yes, environment: [A]}}")
    recording = config.ssh_service.enhanced_recording
    for count, expected in ((MAX_VARIABLES, 0), (MAX_VARIABLES + 1, 1)):
        many = replace(recording, environment=[f"V{number}" for number in range(count)])
        changed = replace(config, ssh_service=replace(config.ssh_service, enhanced_recording=many))
        assert len(list(problems(changed))) == expected


@pytest.mark.parametrize(
    ("text", "roles", "value"),
    [
        ("node:secret", ["node"], "secret"),
        ("Node, proxy:a:b", ["node", "proxy"], "a:b"),
        ("node,kube:/etc/token", ["node"], "/etc/token"),
        ("kube:secret", [], "secret"),
    ],
)
def test_static_token(text: str, roles: list[str], value: str) -> None:
    assert static_token(text) == (roles, value)


@pytest.mark.parametrize("text", ["secret", "node:", "admin:secret", ":secret", "node,:secret"])
def test_refused_token_is_not_shown(text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        static_token(text)
    assert "secret" not in raised.value.diagnostics()


def test_token_for_a_service_that_is_not_there_is_a_warning() -> None:
    config = config_of("auth_service: {tokens: ['node,kube:secret']}")
    assert list(problems(config)) == []
    ((path, message),) = warnings(config)
    assert dotted(path) == "auth_service.tokens[0]"
    assert "kube" in message
    assert "secret" not in message


def test_reader_goes_on_after_a_problem_and_names_the_place_of_each() -> None:
    (node,) = compose("teleport:\n  nodename: [a]\n  data_dir: {}\nssh_service: 7\n", "f")
    reader = ConfigReader("f")
    reader.read(node, Config)
    assert [line.rpartition(": expected")[0] for line in reader.lines()] == [
        "f:2:13: teleport.nodename",
        "f:3:13: teleport.data_dir",
        "f:4:14: ssh_service",
    ]
