# SPDX-License-Identifier: Apache-2.0
"""``teleport``: runs the services of a host, and writes what they need."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry of the command."""
    if sys.argv[1:] in (["version"], ["--version"]):
        from proctor.cli.version_command import show

        show()
    from proctor.cli.entrypoint import run
    from proctor.cli.teleport.app import app

    run(app, sys.argv[1:])
