# SPDX-License-Identifier: Apache-2.0
"""``teleport configure --test`` and ``teleport start`` refuse the same, all of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from proctor.core.errors import ConfigError
from proctor.runtime.plan import Flags, draft, make
from proctor.runtime.preflight import of_this_host, problems

CONTROL = "ssh_service: {enabled: no}\n"
PROXY = CONTROL + "auth_service: {enabled: no}\n"
JOINING = "teleport: {data_dir: /none/proctor, auth_token: abcdefgh, auth_server: a}\n"


def found(tmp_path: Path, text: str, roles: str = "") -> list[str]:
    path = tmp_path / "teleport.yaml"
    path.write_text(text)
    path.chmod(0o600)
    plan = draft(Flags(config=str(path), roles=roles))
    messages = [problem.message for problem in problems(plan)]
    if messages:
        with pytest.raises(ConfigError) as caught:
            make(Flags(config=str(path), roles=roles))
        assert caught.value.message.splitlines() == messages, "start says the same"
    return messages


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CONTROL + "auth_service: {enabled: no}\nproxy_service: {enabled: no}", "no service is enabled"),
        (PROXY, "neither auth_server nor proxy_server is set"),
        (
            PROXY + "teleport: {data_dir: /none/proctor, auth_server: a}",
            "proxy service has not joined",
        ),
        (
            PROXY + "teleport: {auth_server: a, auth_token: /none/token}",
            "auth_token: cannot read /none/token",
        ),
        (
            PROXY + "teleport: {auth_server: a, auth_token: abcdefgh, ca_pin: /none/pin}",
            "ca_pin: cannot read /none/pin",
        ),
        (
            CONTROL + "auth_service: {tokens: ['node:/none/token']}",
            "tokens: cannot read /none/token",
        ),
        (
            CONTROL + "proxy_service: {https_keypairs: [{key_file: /none/k, cert_file: /none/c}]}",
            "proxy_service.https_keypairs: /none/c with /none/k: No such file",
        ),
        (
            CONTROL + "proxy_service: {listen_addr: 127.0.0.1:3025}",
            "proxy_service.listen_addr: 127.0.0.1:3025 is the address of auth_service.listen_addr as well",
        ),
        (
            CONTROL + "teleport: {diag_addr: '127.0.0.1:3080'}",
            "teleport.diag_addr: 127.0.0.1:3080 is the address of proxy_service.web_listen_addr as well",
        ),
        (
            CONTROL + "teleport: {pid_file: /none/pid}",
            "teleport.pid_file: /none/pid: the directory",
        ),
        (
            CONTROL + "teleport: {log: {output: /none/log}}",
            "teleport.log.output: /none/log: the directory",
        ),
    ],
)
def test_what_is_found(tmp_path: Path, text: str, message: str) -> None:
    assert [each for each in found(tmp_path, text) if each.startswith(message) or message in each]


def test_all_at_once(tmp_path: Path) -> None:
    text = "teleport: {pid_file: /none/pid, diag_addr: '127.0.0.1:3080'}\n" + CONTROL
    text += "auth_service: {tokens: ['node:/none/token']}\n"
    assert len(found(tmp_path, text)) == 3


def test_nothing_is_found_in_what_can_be_started(tmp_path: Path) -> None:
    assert found(tmp_path, CONTROL) == []
    assert found(tmp_path, PROXY + JOINING) == []


def test_services_that_flags_switch_on_are_checked_too(tmp_path: Path) -> None:
    text = PROXY.replace("auth_service: {enabled: no}", "auth_service: {enabled: no, session_recording: off}")
    assert found(tmp_path, text + JOINING) == []
    (message,) = found(tmp_path, text + JOINING, roles="auth")
    assert message == "auth_service.session_recording: sessions are always recorded; expected node"


@pytest.mark.parametrize("key", ["auth_server", "proxy_server", "auth_servers"])
def test_a_port_that_nothing_can_connect_to(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError, match=f"teleport.{key}.*: 0 is not a port to connect to"):
        found(tmp_path, f"teleport: {{{key}: 'a:0'}}")


def test_the_first_of_several_auth_servers_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "teleport.yaml"
    path.write_text("teleport: {auth_servers: [a, 'b:1']}\nauth_service: {enabled: no}\n")
    path.chmod(0o600)
    assert draft(Flags(config=str(path))).auth_candidates == ["a:3025", "b:1"]
    assert draft(Flags(config=str(path), auth_server="c")).auth_candidates == ["c:3025"]


@pytest.mark.parametrize(
    ("text", "flag", "warned"),
    [
        ("", False, True),
        ("ssh_service: {enhanced_recording: {enabled: yes}}", False, False),
        ("", True, False),
        (CONTROL, False, False),
    ],
)
def test_a_node_that_does_not_record_says_so(tmp_path: Path, text: str, flag: bool, warned: bool) -> None:
    path = tmp_path / "teleport.yaml"
    path.write_text(text)
    path.chmod(0o600)
    plan = draft(Flags(config=str(path), enhanced_recording=flag))
    assert sum("enhanced_recording.enabled: yes" in line for line in plan.warnings) == warned
    assert ("capture" in plan.services) == ("ssh_service: {enabled: no}" not in text and not warned)


def test_a_listener_on_a_name_that_means_nothing_here(tmp_path: Path) -> None:
    path = tmp_path / "teleport.yaml"
    path.write_text("teleport: {diag_addr: 'no_such_name.invalid:3000'}\nssh_service: {enabled: no}\n")
    plan = draft(Flags(config=str(path)))
    (problem,) = of_this_host(plan)
    assert problem.message.startswith("teleport.diag_addr: no_such_name.invalid: ")
