"""``tsh``: logs in, opens sessions, plays recordings."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry of the command."""
    if sys.argv[1:] == ["version"]:
        _version()
        return
    from proctor.cli.access.app import app
    from proctor.cli.entry import run

    run(app, sys.argv[1:])


def _version() -> None:
    """Without the libraries of the other verbs, which take longer to load than this takes to run."""
    import os

    from proctor.core.version import banner

    print(banner())
    home = os.environ.get("TELEPORT_HOME") or os.path.expanduser("~/.tsh")
    if os.path.exists(f"{home}/current-profile"):
        from proctor.cli.profile import version_lines

        print(*version_lines(), sep="\n")
