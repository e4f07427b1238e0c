# SPDX-License-Identifier: Apache-2.0
import json
from typing import Any

import pytest

from proctor.model.event import sftp_code
from proctor.model.events import (
    EVENTS,
    Exec,
    SessionCommand,
    SessionEnd,
    SessionNetwork,
    Sftp,
    UserLogin,
)

COMMON = {"ei", "event", "uid", "code", "time", "cluster_name"}


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_every_event_has_the_common_fields_and_is_json(name: str) -> None:
    fields = EVENTS[name]().to_dict()
    assert fields.keys() >= COMMON
    assert fields["event"] == name
    assert list(fields) == sorted(fields)
    assert json.loads(json.dumps(fields)) == fields


def guide_fields(text: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(text)
    return fields


COMMAND = guide_fields(
    """{"argv": ["https://wttr.in"], "cgroup_id": 2360, "cluster_name": "purple", "code": "T4000I", "ei": 50,
    "event": "session.command", "login": "ec2-user", "namespace": "default", "path": "/bin/curl", "pid": 5007,
    "ppid": 4985, "program": "curl", "return_code": 0,
    "server_hostname": "ip-172-31-34-128.us-east-2.compute.internal",
    "server_id": "531dc1de-c2c9-49bd-a0e3-4f4f3a523f5f",
    "sid": "86aca627-971d-4883-854d-d309ba04c658",
    "time": "2023-07-04T16:42:20.54Z", "uid": "9b825e22-744d-4130-94c5-dea49198ae3d",
    "user": "alice@example.com"}"""
)
NETWORK = guide_fields(
    """{"action": 0, "cgroup_id": 2360, "cluster_name": "purple", "code": "T4002I", "dst_addr": "5.9.243.187",
    "dst_port": 443, "ei": 51, "event": "session.network", "login": "ec2-user", "namespace": "default",
    "operation": 0, "pid": 5007, "program": "curl",
    "server_hostname": "ip-172-31-34-128.us-east-2.compute.internal",
    "server_id": "531dc1de-c2c9-49bd-a0e3-4f4f3a523f5f",
    "sid": "86aca627-971d-4883-854d-d309ba04c658",
    "src_addr": "172.31.34.128", "time": "2023-07-04T16:42:20.55Z",
    "uid": "da151350-bf45-4a04-a62b-7a4fc805e744", "user": "alice@example.com", "version": 4}"""
)
END = guide_fields(
    """{"code": "T2004I", "ei": 23, "enhanced_recording": true, "event": "session.end", "interactive": true,
    "namespace": "default", "participants": ["alice@example.com"],
    "server_id": "585fc225-5cf9-4e9f-8ff6-1b0fd6885b09", "sid": "ca82b98d-1d30-11ea-8244-cafde5327a6c",
    "time": "2019-12-12T22:44:46.218Z", "uid": "83e67464-a93a-4c7c-8ce6-5a3d8802c3b2",
    "user": "alice@example.com", "cluster_name": ""}"""
)


@pytest.mark.parametrize(
    ("kind", "sample"), [(SessionCommand, COMMAND), (SessionNetwork, NETWORK), (SessionEnd, END)]
)
def test_the_samples_of_the_guide_are_reproduced_field_for_field(
    kind: type[Any], sample: dict[str, Any]
) -> None:
    given = {name: value for name, value in sample.items() if name not in {"event", "code"}}
    assert kind(**given).to_dict() == dict(sorted(sample.items()))


def test_failures_carry_the_failure_code() -> None:
    assert UserLogin(success=True).to_dict()["code"] == "T1000I"
    assert UserLogin(success=False).to_dict()["code"] == "T1000W"
    assert Exec(exitCode="1", exitError="exit status 1").to_dict()["code"] == "T3002E"


def test_addresses_have_dotted_names() -> None:
    fields = Exec(addr_remote="127.0.0.1:1", addr_local="127.0.0.1:3022").to_dict()
    assert fields["addr.remote"] == "127.0.0.1:1"
    assert fields["addr.local"] == "127.0.0.1:3022"
    assert "addr_remote" not in fields


def test_success_and_server_id_are_never_left_out() -> None:
    assert UserLogin(success=True).to_dict()["success"] is True
    assert SessionEnd().to_dict()["server_id"] == ""


def test_sftp_codes() -> None:
    assert sftp_code(1, failed=False) == "TS001I"
    assert sftp_code(16, failed=True) == "TS016E"
    assert Sftp(code=sftp_code(12, failed=False)).to_dict()["code"] == "TS012I"
