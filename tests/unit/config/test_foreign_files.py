# SPDX-License-Identifier: Apache-2.0
"""Files that Teleport and its generators write: what loads, what is warned of, what is refused by name."""

from __future__ import annotations

import pytest

from proctor.config.load import LoadedConfig, parse
from proctor.config.schema import Config, KeyPair
from proctor.config.source import MAX_SIZE
from proctor.core.errors import ConfigError
from proctor.core.net import Address

GENERATED = """\
version: v3
teleport:
  nodename: gate
  data_dir: /var/lib/teleport
  log: {output: stderr, severity: INFO, format: {output: text}}
  ca_pin: ""
  diag_addr: ""
auth_service: {enabled: "yes", listen_addr: 0.0.0.0:3025, proxy_listener_mode: multiplex}
ssh_service: {enabled: "yes"}
proxy_service: {enabled: "yes", https_keypairs: [], https_keypairs_reload_interval: 0s, acme: {}}
"""


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, "f")
    return caught.value.message


def load(text: str) -> LoadedConfig:
    return parse(text, "f")


def test_what_a_generator_writes_for_nothing_chosen() -> None:
    config = load(GENERATED).config
    assert config.teleport.ca_pin == []
    assert config.teleport.diag_addr is None


@pytest.mark.parametrize("empty", ["", "''", '""', "~", "null", "# nothing"])
def test_an_empty_value_is_as_if_not_given(empty: str) -> None:
    text = "".join(
        f"{section}:\n"
        + "".join(f"  {key}: {empty}\n" for key in type(getattr(Config(), section)).__struct_fields__)
        for section in ("teleport", "auth_service", "proxy_service", "ssh_service")
    )
    assert load(text).config == Config()
    assert load(text).warnings == []


def test_empty_elements_of_lists_are_left_out() -> None:
    assert load("teleport: {ca_pin: ['']}\nauth_service: {tokens: [~, '']}").config == Config()


@pytest.mark.parametrize("version", ["version: v1\n", "version: v2\n", ""])
def test_auth_servers_of_old_files(version: str) -> None:
    config = load(version + "teleport: {auth_servers: ['a.example:3025', 'https://b.example:443', c]}").config
    assert config.teleport.auth_servers == [
        Address("a.example", 3025),
        Address("b.example", 443),
        Address("c", 3025),
    ]


def test_auth_servers_are_gone_in_v3() -> None:
    assert refusal("version: v3\nteleport:\n  auth_servers: [a]").startswith(
        "f:3:3: teleport.auth_servers: version v3 has auth_server or proxy_server instead"
    )


SERVICES = [
    name
    for name in Config.__struct_fields__
    if name.endswith("_service") and name not in {"auth_service", "proxy_service", "ssh_service"}
]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("off", ["no", "'no'", "false", "off", "'off'", "'0'", ""])
def test_other_services_that_are_off(service: str, off: str) -> None:
    assert load(f"{service}: {{enabled: {off}, anything: [{{else: 1}}]}}").warnings == []


@pytest.mark.parametrize("service", SERVICES)
def test_other_services_that_are_on(service: str) -> None:
    (warning,) = load(f"teleport: {{}}\n{service}:\n  enabled: yes\n  x: {{y: 1}}").warnings
    assert warning.startswith(f"f:2:1: {service}: not offered here, the section is ignored (")


def test_a_service_that_does_not_exist_is_not_taken_for_another() -> None:
    assert refusal("map_service: {enabled: yes}") == "f:1:1: map_service: unknown key"
    assert refusal("shh_service: {}") == "f:1:1: shh_service: unknown key; did you mean ssh_service?"
    assert refusal("proxy_service: {redis_listen_addr: a}").endswith("redis_listen_addr: unknown key")


def test_listeners_of_other_protocols() -> None:
    protocols = ["kube", "mysql", "postgres", "mongo"]
    keys = [f"{name}_{kind}_addr" for name in protocols for kind in ("listen", "public")]
    loaded = load("proxy_service:\n" + "".join(f"  {key}: 0.0.0.0:1\n" for key in keys))
    assert loaded.config.proxy_service.web_listen_addr == Address("0.0.0.0", 3080)
    assert [warning.split(": ")[1] for warning in loaded.warnings] == [f"proxy_service.{key}" for key in keys]


def test_a_key_in_the_wrong_section_is_sent_to_the_right_one() -> None:
    assert refusal("teleport: {cluster_name: a}").endswith("unknown key; it belongs below auth_service")
    assert refusal("teleport: {ssh_service: {}}").endswith("unknown key; it belongs at the top level")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1h30m", 5400), ("24h0m0s", 86400), ("1.5h", 5400), ("500ms", 1), ("1ns", 1), ("0s", 0), ("never", 0)],
)
def test_durations_of_go(text: str, seconds: int) -> None:
    assert (
        load(f"auth_service: {{client_idle_timeout: {text}}}").config.auth_service.client_idle_timeout
        == seconds
    )


@pytest.mark.parametrize(
    ("text", "number"), [("0x10", 16), ("0o17", 15), ("017", 15), ("1_000", 1000), ("'9'", 9)]
)
def test_numbers_of_go(text: str, number: int) -> None:
    config = load(f"teleport: {{connection_limits: {{max_connections: {text}}}}}").config
    assert config.teleport.connection_limits.max_connections == number


@pytest.mark.parametrize(
    ("text", "value"), [("on", True), ("'Yes'", True), ("1", True), ("off", False), ("N", False)]
)
def test_booleans_of_yaml_1_1(text: str, value: bool) -> None:
    assert load(f"ssh_service: {{enabled: {text}}}").config.ssh_service.enabled is value


def test_merge_keys_and_aliases() -> None:
    text = "ssh_service:\n  labels: &a {env: prod, team: core}\n"
    text += (
        "  commands: [{<<: {name: b, period: 1m}, command: [c], period: 5m}]\nproxy_service: {enabled: no}\n"
    )
    config = load(text).config
    assert config.ssh_service.commands[0].name == "b"
    assert config.ssh_service.commands[0].period == 300
    assert load("ssh_service: {labels: {<<: &x {a: b}, c: d}}").config.ssh_service.labels == {
        "a": "b",
        "c": "d",
    }


def test_key_files_of_old_files() -> None:
    proxy = load("proxy_service: {https_key_file: /k, https_cert_file: /c}").config.proxy_service
    assert proxy.https_keypairs == [KeyPair(key_file="/k", cert_file="/c")]
    assert "go together" in refusal("proxy_service: {https_key_file: /k}")


def test_static_tokens_of_services_that_do_not_exist() -> None:
    (warning,) = load("auth_service: {tokens: ['proxy,node,app,kube:secret-value']}").warnings
    assert warning == "f:1:25: auth_service.tokens[0]: nothing can join as app, kube here"


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("auth_service: {authentication: {type: github}}", "accounts of github are not offered"),
        ("auth_service: {authentication: {second_factor: off}}", "off is not offered; a one-time password"),
        ("auth_service: {authentication: {second_factor: optional}}", "optional is not offered"),
        ("auth_service: {authentication: {second_factors: [otp, webauthn]}}", "webauthn: not offered; otp"),
        ("auth_service: {session_recording: proxy}", "nodes record"),
        ("proxy_service: {acme: {enabled: yes, email: a@b.c}}", "the page's certificate is self-signed"),
        ("ssh_service: {x11: {enabled: yes}}", "X11 is not forwarded"),
        (
            "auth_service: {enabled: no}\nteleport: {storage: {type: etcd, peers: [a]}}",
            "only the auth service",
        ),
        ("auth_service: {authentication: {webauthn: {rp_id: a}}}", "known, but it has no effect here"),
    ],
)
def test_what_only_grants_is_warned_of(text: str, warned: str) -> None:
    (warning,) = load(text).warnings
    assert warned in warning


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("auth_service: {session_recording: off}", "auth_service.session_recording"),
        ("auth_service: {session_recording: node-sync}", "auth_service.session_recording"),
        ("auth_service: {session_recording_config: {mode: proxy-sync}}", "session_recording_config.mode"),
        ("auth_service: {session_recording_config: {encryption: {enabled: yes}}}", "encryption.enabled"),
        ("auth_service: {authentication: {local_auth: no}}", "authentication.local_auth"),
        ("auth_service: {authentication: {second_factor: u2f}}", "authentication.second_factor"),
        ("auth_service: {authentication: {second_factors: [webauthn]}}", "authentication.second_factors"),
        ("auth_service: {authentication: {require_session_mfa: hardware_key_touch}}", "require_session_mfa"),
        ("auth_service: {authentication: {device_trust: {mode: required}}}", "device_trust.mode"),
        (
            "auth_service: {authentication: {webauthn: {attestation_denied_cas: [a]}}}",
            "attestation_denied_cas",
        ),
        ("auth_service: {ca_key_params: {pkcs11: {module_path: /a}}}", "ca_key_params.pkcs11"),
        ("teleport: {storage: {type: postgresql, conn_string: a, new_key: b}}", "storage.type"),
        ("teleport: {storage: {audit_sessions_uri: 's3://b'}}", "storage.audit_sessions_uri"),
        ("ssh_service: {restricted_session: {enabled: yes}}", "restricted_session.enabled"),
        ("ssh_service: {pam: {enabled: yes, use_pam_auth: yes}}", "pam.use_pam_auth"),
    ],
)
def test_what_restricts_is_refused_by_name(text: str, key: str) -> None:
    (line,) = refusal(text).splitlines()
    assert f"{key}: " in line


def test_settings_of_a_service_that_does_not_run_are_not_checked() -> None:
    load("auth_service: {enabled: no, session_recording: off, authentication: {local_auth: no}}")


def without_indentation(text: str) -> str:
    return "\n".join(line.lstrip() for line in text.splitlines())


def test_text_that_lost_its_indentation_is_recognised() -> None:
    text = "teleport:\n  nodename: a\n  data_dir: /d\n  log:\n    output: stderr\n"
    text += "ssh_service:\n  enabled: yes\n  labels:\n    env: prod\nproxy_service:\n  enabled: no\n"
    (line,) = refusal(without_indentation(text)).splitlines()
    assert line.startswith("f:2:1: the lines have lost their indentation: nodename belongs below teleport")


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "aliases expanded"),
        ("a: &a {b: *a}", "an alias that contains itself"),
        ("a: " + "[" * 20000, "nested more than"),
        ("a: " + "{b: " * 100 + "1" + "}" * 100, "nested more than"),
        ("#" * (MAX_SIZE + 1), "is larger than"),
        ('teleport: {nodename: "\\ud800"}', "a character that YAML does not allow"),
        ("teleport: {diag_addr: *x}", "undefined alias"),
    ],
)
@pytest.mark.timeout(60)
def test_hostile_files_are_refused_in_bounded_time(text: str, reason: str) -> None:
    assert reason in refusal(text)


@pytest.mark.parametrize(
    "text", ["\ufeffteleport: {nodename: a}", "---\nteleport:\r\n  nodename: a\r\n...\n---\n"]
)
def test_marks_and_line_ends_of_other_systems(text: str) -> None:
    assert load(text).config.teleport.nodename == "a"


@pytest.mark.parametrize(
    ("text", "level"),
    [("info", "INFO"), ("Error", "ERROR"), ("err", "ERROR"), ("WARNING", "WARN"), ("trace", "DEBUG")],
)
def test_severities_in_any_case(text: str, level: str) -> None:
    assert load(f"teleport: {{log: {{severity: {text}}}}}").config.teleport.log.severity == level


def test_addresses_and_pins_in_the_forms_that_pages_show() -> None:
    config = load(
        f"teleport: {{proxy_server: 'https://a.example:443/', ca_pin: 'SHA256:{'AB' * 32}'}}"
    ).config
    assert config.teleport.proxy_server == Address("a.example", 443)
    assert config.teleport.ca_pin == ["sha256:" + "ab" * 32]
