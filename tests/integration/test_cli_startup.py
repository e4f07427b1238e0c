# SPDX-License-Identifier: Apache-2.0
"""``tsh version`` costs little more than Python itself, and no client loads server code."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from testing.commands import BIN, environment

ROUNDS = 15
LIMIT = 2.5


def seconds(argv: list[str], env: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(argv, env=env, capture_output=True, check=True)
    return time.perf_counter() - started


def test_tsh_version_starts_fast(tmp_path: Path) -> None:
    env = environment(tmp_path)
    ours, bare = [], []
    for _ in range(ROUNDS):  # in turn, so that a busy machine slows both
        ours.append(seconds([str(BIN / "tsh"), "version"], env))
        bare.append(seconds([sys.executable, "-c", "pass"], env))
    assert statistics.median(ours) < LIMIT * statistics.median(bare)


@pytest.mark.parametrize("program", ["tsh", "tctl", "teleport"])
def test_version_loads_no_libraries(tmp_path: Path, program: str) -> None:
    code = f"import atexit, sys; sys.argv = ['x', 'version']; from proctor.cli.{program}.main import main\n"
    code += "heavy = ('grpc', 'asyncssh', 'rich', 'typer', 'msgspec')\n"
    code += "atexit.register(lambda: print([m for m in heavy if m in sys.modules])); main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("program", ["tsh", "tctl"])
def test_help_loads_no_servers(tmp_path: Path, program: str) -> None:
    code = f"import sys; import proctor.cli.{program}.app\n"
    code += "print([m for m in sys.modules if m in ('grpc', 'asyncssh', 'rich')])\n"
    code += "servers = ('runtime', 'auth', 'proxy', 'node', 'capture', 'storage')\n"
    code += "print([m for m in sys.modules if m.startswith(tuple(f'proctor.{r}' for r in servers))])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["[]", "[]"]
