# SPDX-License-Identifier: Apache-2.0
import re
import shutil
import subprocess
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


def test_unit_restricts_no_session() -> None:
    """Whatever a unit restricts, it restricts for all that is started below it."""
    text = unit("/usr/local/bin/teleport", **DEFAULTS)  # type: ignore[arg-type]  # a table of keyword arguments
    service = text.partition("[Service]\n")[2].partition("[Install]")[0]
    assert set(re.findall(r"^(\w+)=", service, re.MULTILINE)) == {
        "Type",
        "Restart",
        "EnvironmentFile",
        "ExecStart",
        "ExecReload",
        "PIDFile",
        "LimitNOFILE",
        "OOMPolicy",
        "TimeoutStopSec",
    }


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_rating_of_the_unit_is_that_of_the_documentation(tmp_path: Path) -> None:
    path = tmp_path / "teleport.service"
    path.write_text(unit("/bin/true", **DEFAULTS))  # type: ignore[arg-type]  # a table of keyword arguments
    argv = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(path)]
    output = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    version = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, check=True)

    text = (Path(__file__).parents[3] / "docs/threat-model.md").read_text()
    written = re.search(r"of systemd (\d+) therefore rates it ([\d.]+) of 10", text)
    found = re.search(r"Overall exposure level for .*: ([\d.]+)", output)

    assert written is not None
    assert found is not None
    if version.stdout.split()[1] != written[1]:
        pytest.skip(f"the rating is that of systemd {written[1]}")
    assert found[1] == written[2]


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
