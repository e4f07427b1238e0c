# SPDX-License-Identifier: Apache-2.0
"""``tctl``: administers the cluster."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry of the command."""
    if sys.argv[1:] in (["version"], ["--version"]):
        from proctor.cli.version_command import show

        show()
    from proctor.cli.entrypoint import run
    from proctor.cli.tctl.app import app

    run(app, sys.argv[1:])
