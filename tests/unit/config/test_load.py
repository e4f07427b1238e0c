# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from proctor.config.load import parse, read
from proctor.config.schema import EnhancedRecording
from proctor.core.errors import ConfigError
from proctor.core.net import Address
from testing.cluster import GUIDE_CONFIG


def test_the_guides_file_loads_verbatim() -> None:
    loaded = read(GUIDE_CONFIG)
    teleport = loaded.config.teleport
    assert teleport.nodename == "graviton-node"
    assert teleport.auth_server == Address("127.0.0.1", 3025)
    assert teleport.proxy_server == Address("127.0.0.1", 3080)
    assert not loaded.config.auth_service.enabled
    assert not loaded.config.proxy_service.enabled
    assert loaded.config.ssh_service.enhanced_recording == EnhancedRecording(enabled=True)
    assert sum("both auth_server and proxy_server" in warning for warning in loaded.warnings) == 1


def test_an_empty_file_is_all_defaults() -> None:
    config = parse("", "f").config
    assert config.auth_service.enabled
    assert config.proxy_service.enabled
    assert config.ssh_service.enabled
    assert config.proxy_service.web_listen_addr == Address("0.0.0.0", 3080)


def test_null_is_the_default() -> None:
    assert parse("teleport:\nauth_service: ~\n", "f").config == parse("", "f").config


def test_text_stays_as_written() -> None:
    text = "teleport: {nodename: 007, auth_token: 0123e5}\nssh_service: {labels: {version: 1.10, on: yes}}"
    config = parse(text, "f").config
    assert config.teleport.nodename == "007"
    assert config.teleport.auth_token == "0123e5"
    assert config.ssh_service.labels == {"version": "1.10", "on": "yes"}


def test_one_element_stands_for_a_list() -> None:
    config = parse("proxy_service: {public_addr: example.com}\nteleport: {ca_pin: /etc/pin}", "f").config
    assert config.proxy_service.public_addr == [Address("example.com", 3080)]
    assert config.teleport.ca_pin == ["/etc/pin"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("teleport:\n  data_dirr: /x", "f:2:3: teleport.data_dirr: unknown key; did you mean data_dir?"),
        ("a: 1\nb: 2", "f:1:1: a: unknown key"),
        ("teleport:\n  nodename: a\n  nodename: b", "f:3:3: teleport.nodename: the key is given twice"),
        ("teleport:\n\tnodename: a", "f:2:1: not valid YAML: a tab; indent with spaces"),
        ("teleport: [", "f:1:12: not valid YAML"),
        ("teleport: text", "f:1:11: teleport: expected a mapping of keys"),
        ("- teleport", "f:1:1: expected a mapping of keys, found a list"),
        ("a: 1\n---\nb: 1", "f:3:1: a second document; expected one in a file"),
        ("a: \x01", "f:1:1: not valid YAML: a character that YAML does not allow"),
        ("ssh_service: {enabled: maybe}", "'maybe' is neither yes nor no; expected yes or no"),
        ("teleport: {auth_server: [a]}", "teleport.auth_server: expected a single value, found a list"),
        ("teleport: {log: {format: {output: jso}}}", "did you mean json?; expected text, json"),
        (
            "ssh_service: {enhanced_recording: {disk_buffer_size: 100}}",
            "100 is not a power of two; the nearest are 64 and 128; expected a power of two of 4 KiB pages",
        ),
        ("proxy_service: {https_keypairs: [{key_file: a}]}", "https_keypairs[0].cert_file: is missing"),
        ("teleport: {data_dir: a/../b}", "f:1:22: teleport.data_dir: 'a/../b' leads through a parent"),
        ("teleport: {storage: {path: var}}", "f:1:22: teleport.storage.path: 'var' is not an absolute path"),
        (
            "teleport: {storage: {type: dynamodb}}",
            "storage in dynamodb is not supported; expected sqlite",
        ),
        ("teleport: {nodename: 'a b'}", "'a b' is not a name"),
        ("auth_service: {authentication: {second_factor: webauthn}}", "webauthn alone is not supported"),
        ("teleport: {auth_token: a, join_params: {token_name: b}}", "auth_token is set as well"),
        ("teleport: {join_params: {method: ec2}}\nauth_service: {enabled: no}", "ec2 is not supported"),
        ("auth_service: {tokens: ['admin:x']}", "roles of a static token must be among node, proxy"),
    ],
)
def test_refusals_name_place_and_remedy(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "f")
    assert message in caught.value.message


def test_all_problems_at_once_in_order() -> None:
    text = "teleport:\n  x: 1\n  diag_addr: host:port\nssh_service:\n  enabled: 7\n"
    with pytest.raises(ConfigError) as caught:
        parse(text, "f")
    assert [line.split(" ")[0] for line in caught.value.message.splitlines()] == [
        "f:2:3:",
        "f:3:14:",
        "f:5:12:",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "teleport: {auth_token: [hunter2, {a: b}]}",
        "teleport:\n  auth_token:hunter2\n  nodename: x",
        "auth_service: {tokens: ['hunter2']}",
        "auth_service: {tokens: [{node: hunter2}]}",
        "teleport: {auth_token: 'hunter2",
        "teleport: {join_params: {token_name: hunter2, method: x}}",
    ],
)
def test_secrets_never_show(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "f")
    assert "hunter2" not in caught.value.diagnostics()


def test_keys_without_effect_are_mentioned_only_when_they_differ() -> None:
    assert parse("teleport: {cache: {enabled: yes}}", "f").warnings == []
    (warning,) = parse("teleport:\n  cache: {enabled: no}", "f").warnings
    assert warning == "f:2:11: teleport.cache.enabled: known, but it has no effect here"


@pytest.mark.parametrize(("mode", "warned"), [(0o644, True), (0o640, True), (0o600, False)])
def test_a_readable_token_is_warned_of(tmp_path: Path, mode: int, warned: bool) -> None:
    path = tmp_path / "teleport.yaml"
    path.write_text("teleport: {auth_token: secret}")
    path.chmod(mode)
    assert any("can be read by others" in text for text in read(path).warnings) == warned


def test_a_token_in_a_file_of_its_own_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "teleport.yaml"
    path.write_text("teleport: {auth_token: /etc/token}")
    path.chmod(0o644)
    assert read(path).warnings == []


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read(tmp_path / "absent.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"a: b\n\xff\xfe")
    with pytest.raises(ConfigError, match=r"binary.yaml:2:1: the text is not UTF-8"):
        read(tmp_path / "binary.yaml")
    (tmp_path / "large.yaml").write_bytes(b"#" * (1 << 21))
    with pytest.raises(ConfigError, match="is larger than"):
        read(tmp_path / "large.yaml")
