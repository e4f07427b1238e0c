import subprocess
import sys
from pathlib import Path

import pytest

from proctor.cli.host.systemd import unit
from proctor.core.errors import BadRequest
from tests.support.programs import require

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


def test_sandbox_is_for_hosts_without_sessions() -> None:
    plain = unit("/usr/bin/teleport", **DEFAULTS)  # type: ignore[arg-type]  # as above
    confined = unit("/usr/bin/teleport", sandbox=True, **DEFAULTS)  # type: ignore[arg-type]  # as above
    for line in ("NoNewPrivileges=yes", "ProtectSystem=full", "SystemCallFilter=@system-service @mount"):
        assert line in confined.splitlines()
        assert line not in plain.splitlines()


def test_sandbox_is_judged_well_by_systemd(tmp_path: Path) -> None:
    require("systemd-analyze")
    path = tmp_path / "teleport.service"
    path.write_text(unit(sys.executable, sandbox=True, **DEFAULTS))  # type: ignore[arg-type]  # as above
    argv = ["systemd-analyze", "security", "--offline=yes", "--threshold=50", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
