# SPDX-License-Identifier: Apache-2.0
import base64
from pathlib import Path

import pytest

from proctor.config.load import parse
from proctor.config.schema import Config
from proctor.core.errors import ConfigError
from proctor.core.net import Address
from proctor.runtime.plan import Flags, Plan, changed, fixed, make, merge, parse_labels, services_of

CONTROL = "ssh_service: {enabled: no}\n"
NODE = """\
teleport: {auth_token: t, auth_server: auth.example.com, proxy_server: proxy.example.com}
auth_service: {enabled: no}
proxy_service: {enabled: no}
"""


def config(text: str) -> Config:
    return parse(text, "f").config


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "teleport.yaml"


def test_services_in_the_order_of_their_start() -> None:
    assert services_of(config("")) == ("auth", "spawner", "node", "proxy")
    assert services_of(config(CONTROL)) == ("auth", "proxy")
    enhanced = "ssh_service: {enhanced_recording: {enabled: yes}}"
    assert services_of(config(NODE + enhanced)) == ("capture", "spawner", "node")


def test_flags_win_over_the_file() -> None:
    pin = "sha256:" + "0a" * 32
    flags = Flags(
        token="other",
        ca_pin=(pin,),
        auth_server="10.0.0.1:99",
        nodename="web-1",
        labels="env=prod,team=core",
        diag_addr="127.0.0.1:3001",
        permit_user_env=True,
        roles="node",
    )
    merged = merge(config(NODE + "ssh_service: {labels: {env: dev, os: linux}}"), flags)
    assert merged.teleport.auth_token == "other"
    assert merged.teleport.ca_pin == [pin]
    assert merged.teleport.auth_server == Address("10.0.0.1", 99)
    assert merged.teleport.proxy_server is None, "the flag names the way; the file's other way would win else"
    assert merged.teleport.nodename == "web-1"
    assert merged.teleport.diag_addr == Address("127.0.0.1", 3001)
    assert merged.ssh_service.labels == {"env": "prod", "os": "linux", "team": "core"}
    assert merged.ssh_service.permit_user_env


def test_no_flags_change_nothing() -> None:
    assert merge(config(NODE), Flags()) == config(NODE)


def test_a_token_flag_replaces_join_params() -> None:
    merged = merge(config("teleport: {join_params: {token_name: a}}"), Flags(token="b"))
    assert merged.teleport.join_params is None
    assert merged.teleport.auth_token == "b"


def test_roles_turn_services_on_and_off() -> None:
    merged = merge(config(CONTROL), Flags(roles="proxy, node"))
    assert not merged.auth_service.enabled
    assert merged.proxy_service.enabled
    assert merged.ssh_service.enabled


def test_listen_ip_moves_every_listener_and_keeps_ports() -> None:
    merged = merge(config("proxy_service: {web_listen_addr: ':4080'}"), Flags(listen_ip="::1"))
    assert merged.proxy_service.web_listen_addr == Address("::1", 4080)
    assert merged.proxy_service.listen_addr == Address("::1", 3023)
    assert merged.auth_service.listen_addr == Address("::1", 3025)
    assert merged.ssh_service.listen_addr == Address("::1", 3022)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (Flags(roles="node,kube"), "--roles: 'kube' is not a role"),
        (Flags(ca_pin=("x",)), "--ca-pin: 'x' is not a CA pin"),
        (Flags(auth_server="a:b"), "--auth-server: 'b' is not a port number"),
        (Flags(diag_addr="a b"), "--diag-addr"),
        (Flags(labels="env"), "--labels: 'env' is not key=value"),
        (Flags(listen_ip="a b"), "--listen-ip"),
    ],
)
def test_wrong_flags_are_named(flags: Flags, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        merge(config(""), flags)


def test_labels() -> None:
    assert parse_labels("a=1, b = 2 ,c=") == {"a": "1", "b": "2", "c": ""}


def test_ways_to_auth(path: Path) -> None:
    path.write_text(CONTROL + "auth_service: {listen_addr: '[::]:4025', cluster_name: purple}")
    plan = make(Flags(config=str(path)))
    assert plan.auth_candidates == ["[::1]:4025"]
    assert plan.cluster_name == "purple"
    path.write_text(NODE)
    plan = make(Flags(config=str(path), roles="proxy"))
    assert plan.auth_candidates == ["proxy.example.com:3080", "auth.example.com:3025"]
    assert plan.cluster_name == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CONTROL + "auth_service: {enabled: no}\nproxy_service: {enabled: no}", "no service is enabled"),
        (CONTROL + "auth_service: {enabled: no}", "neither auth_server nor proxy_server is set"),
    ],
)
def test_plans_that_cannot_run(path: Path, text: str, message: str) -> None:
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        make(Flags(config=str(path)))


def test_a_node_needs_root(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text(NODE)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(ConfigError, match="the SSH service needs root"):
        make(Flags(config=str(path)))


def test_configuration_as_a_string() -> None:
    text = base64.b64encode(CONTROL.encode()).decode()
    assert make(Flags(config_string=text)).services == ("auth", "proxy")
    with pytest.raises(ConfigError, match="--config-string: not base64"):
        make(Flags(config_string="%%%"))


def test_only_changed_services_start_again() -> None:
    before = config("")
    after = config("ssh_service: {labels: {a: b}}")
    assert [s for s in services_of(after) if changed(s, before, after)] == ["spawner", "node"]
    assert all(changed(s, before, config("teleport: {nodename: x}")) for s in services_of(before))


def test_what_cannot_change_while_running() -> None:
    assert fixed(config(""), config("teleport: {data_dir: /other}")) == ["teleport.data_dir"]
    assert fixed(config(""), config("teleport: {nodename: x}")) == []
    plan = Plan(config=config("teleport: {data_dir: /other, nodename: x}"), services=())
    kept = plan.keeping(config("teleport: {data_dir: /data}")).config.teleport
    assert (kept.data_dir, kept.nodename) == ("/data", "x")
