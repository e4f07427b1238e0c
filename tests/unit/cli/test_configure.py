# SPDX-License-Identifier: Apache-2.0
"""What ``teleport configure`` and ``tctl nodes add`` write turns enhanced recording on."""

from __future__ import annotations

import pytest

from proctor.cli.tctl.verbs import invitation_text
from proctor.cli.teleport.configure import JoinOptions, Services, render
from proctor.config.load import parse
from proctor.core.errors import ConfigError


def test_generated_nodes_record() -> None:
    for services in (Services(), Services(roles="node"), Services(roles="auth,node")):
        config = parse(render(JoinOptions(), services), "f").config
        assert config.ssh_service.enhanced_recording.enabled
    config = parse(render(JoinOptions(), Services(enhanced_recording=False)), "f").config
    assert not config.ssh_service.enhanced_recording.enabled
    assert "enhanced_recording" not in render(JoinOptions(), Services(roles="auth,proxy"))


@pytest.mark.parametrize(
    ("roles", "records"), [(["node"], True), (["node", "proxy"], True), (["proxy"], False)]
)
def test_the_line_that_is_printed_records(roles: list[str], records: bool) -> None:
    made = {
        "token": "t" * 32,
        "roles": roles,
        "expires": "2030-01-01T00:00:00Z",
        "ca_pins": ["sha256:" + "a" * 64],
        "auth_server": "proxy.example.com:3080",
    }
    assert ("--enhanced-recording" in invitation_text(made)) is records


def test_all_problems_at_once_with_their_flags() -> None:
    joining = JoinOptions(ca_pin=["zz"], proxy="x:0", auth_server="y", node_name="x y", version="v9")
    services = Services(roles="kube", node_labels="z", cluster_name="a b", public_addr="[:", key_file="k")
    with pytest.raises(ConfigError) as caught:
        render(joining, services)
    assert [line.split(": ")[0] for line in caught.value.message.splitlines()] == [
        "give one of --auth-server and --proxy",
        "--cert-file and --key-file go together",
        "--node-labels",
        "--roles",
        "--version",
        "--node-name",
        "--ca-pin",
        "--proxy",
        "--cluster-name",
        "--public-addr",
    ]


def test_a_join_method_that_is_not_offered_is_not_dropped_silently() -> None:
    with pytest.raises(ConfigError, match="ec2 is not supported"):
        render(JoinOptions(join_method="ec2", auth_server="a"), Services(roles="node"))
