# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

from proctor.config.boot import ServiceBoot
from proctor.config.load import parse

BOOT = ServiceBoot(
    service="node",
    config=parse("teleport: {data_dir: /data, diag_addr: ':1'}", "f").config,
    host_uuid="h",
    run_id="r",
    uid=1,
    gid=2,
    node_uid=3,
    auth_address="a:1",
    node_name="n",
    local_join_token="t",
)


def test_survives_the_pipe() -> None:
    assert ServiceBoot.decode(BOOT.encode()) == BOOT


def test_paths() -> None:
    assert BOOT.spool_dir == Path("/data/spool/node")
    assert BOOT.proc_dir() == Path("/data/proc/node")
    assert BOOT.proc_dir("admin") == Path("/data/proc/admin")
    assert BOOT.upload_dir == Path("/data/log/upload/sessions/default")
    assert BOOT.backend_dir == Path("/data/backend")
    assert BOOT.capture_socket == Path("/data/run/capture.sock")
