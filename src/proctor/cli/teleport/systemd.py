# SPDX-License-Identifier: Apache-2.0
"""``teleport install systemd``."""

from __future__ import annotations

from pathlib import Path

from proctor.cli.output import note
from proctor.config.schema import DEFAULT_PATH
from proctor.core.errors import BadRequest, ProctorError

_UNIT = """\
[Unit]
Description=Teleport Service
After=network.target

[Service]
Type=simple
Restart=on-failure
EnvironmentFile=-{env_file}
ExecStart={command} start --config={config} --pid-file={pid_file}
ExecReload=/bin/kill -HUP $MAINPID
PIDFile={pid_file}
LimitNOFILE={fd_limit}
# Sessions run below this unit and have the rights that those of sshd have: no sandboxing here.
# Each process gives up by itself what it does not need.
OOMPolicy=continue
TimeoutStopSec=90

[Install]
WantedBy=multi-user.target
"""


def unit(command: str, *, env_file: str, pid_file: str, fd_limit: int) -> str:
    """The text of the unit. Raises BadRequest for paths that a unit cannot name."""
    for path in (command, env_file, pid_file):
        if not path.startswith("/") or any(char in path for char in " \t\n%\"'\\$"):
            raise BadRequest(f"{path!r} is not an absolute path of plain characters")
    return _UNIT.format(
        command=command, env_file=env_file, pid_file=pid_file, fd_limit=fd_limit, config=DEFAULT_PATH
    )


def write(text: str, output: str) -> None:
    """Print ``text`` or write it to the file ``output``."""
    if output == "stdout":
        print(text, end="")
        return
    path = Path(output)
    try:
        if path.exists() and path.read_text(errors="replace") != text:
            raise ProctorError(
                f"{output} exists and is another unit", hint="Move it away, or choose another path with -o."
            )
        path.write_text(text)
    except OSError as error:
        raise ProctorError(f"cannot write {output}: {error.strerror}") from None
    note(f"Wrote {output}. Enable it: systemctl enable --now {Path(output).stem}")
