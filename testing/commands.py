# SPDX-License-Identifier: Apache-2.0
"""Our commands, and those of others, run to their end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv/bin"


def environment(home: Path) -> dict[str, str]:
    """A plain environment in which our commands are found and ``home`` is the home directory."""
    path = f"{BIN}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "TERM": "xterm-256color"}


def command(
    argv: Sequence[str], env: Mapping[str, str], *, check: bool = True, seconds: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; AssertionError with its output when it fails and ``check``."""
    done = subprocess.run(
        ["/usr/bin/env", *argv],
        env=dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if check:
        shown = " ".join(argv)
        assert done.returncode == 0, f"{shown}: exit status {done.returncode}\n{done.stdout}{done.stderr}"
    return done
