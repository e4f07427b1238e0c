# SPDX-License-Identifier: Apache-2.0
"""``tsh``: logs in, opens sessions, plays recordings."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> None:
    """Entry of the command."""
    if sys.argv[1:] in (["version"], ["--version"]):
        _version()
    from proctor.cli.entrypoint import run
    from proctor.cli.tsh.app import app

    run(app, sys.argv[1:])


def _version() -> NoReturn:
    import os

    from proctor.cli.version_command import show

    home = os.environ.get("TELEPORT_HOME") or os.path.expanduser("~/.tsh")
    if os.path.exists(f"{home}/current-profile"):
        from proctor.cli.profile import proxy_version, version_lines

        show(version_lines(proxy_version()))
    show()
