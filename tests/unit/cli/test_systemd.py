# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from proctor.cli.teleport.systemd import unit, write
from proctor.core.errors import BadRequest, ProctorError

DEFAULTS = {"env_file": "/etc/default/teleport", "pid_file": "/run/teleport.pid", "fd_limit": 524288}


def test_unit() -> None:
    text = unit("/usr/local/bin/teleport", **DEFAULTS)  # type: ignore[arg-type]  # a table of keyword arguments
    for line in (
        "After=network.target",
        "Type=simple",
        "Restart=on-failure",
        "EnvironmentFile=-/etc/default/teleport",
        "ExecStart=/usr/local/bin/teleport start --config=/etc/teleport.yaml --pid-file=/run/teleport.pid",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "PIDFile=/run/teleport.pid",
        "LimitNOFILE=524288",
        "OOMPolicy=continue",
        "WantedBy=multi-user.target",
    ):
        assert line in text.splitlines()


@pytest.mark.parametrize(
    "command", ["teleport", "/usr/bin/tele port", "/bin/x\nExecStart=/bin/evil", "/bin/%n"]
)
def test_paths_that_a_unit_cannot_hold(command: str) -> None:
    with pytest.raises(BadRequest):
        unit(command, **DEFAULTS)  # type: ignore[arg-type]  # a table of keyword arguments


def test_another_unit_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "teleport.service"
    write("[Unit]\n", str(path))
    write("[Unit]\n", str(path))
    with pytest.raises(ProctorError, match="exists and is another unit"):
        write("[Service]\n", str(path))
    assert path.read_text() == "[Unit]\n"
