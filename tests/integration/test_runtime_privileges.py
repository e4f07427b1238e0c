# SPDX-License-Identifier: Apache-2.0
"""Capabilities and filters of system calls, taken for real in processes of their own; needs root."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

REPORT = """
import ctypes, json, os, socket, subprocess, sys, threading
from pathlib import Path
from proctor.runtime.privileges import capabilities, profiles, seccomp

def attempt(action):
    try:
        return action() or "done"
    except OSError as error:
        return type(error).__name__

def executed():
    subprocess.run(["/bin/true"], check=True)

def libc(name, *arguments):
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)

found, asked = {}, threading.Event()
waiting = threading.Thread(target=lambda: (asked.wait(), found.update(thread=attempt(executed))))
profiles.confine(sys.argv[1])
waiting.start()
profiles.filter_calls(sys.argv[1])
asked.set()
waiting.join()
found.update(
    execute=attempt(executed),
    trace=attempt(lambda: libc("ptrace", 16, 0, 0, 0)),
    unshare=attempt(lambda: libc("unshare", 0x20000)),
    keys=attempt(lambda: libc("syscall", 248, b"user", b"x", b"y", 1, -1)),
    swap=attempt(lambda: libc("swapoff", b"/nonexistent")),
    socket=attempt(lambda: socket.socketpair() and None),
    file=attempt(lambda: Path("/proc/self/status").read_text() and None),
    status=Path("/proc/self/status").read_text(),
)
print(json.dumps(found))
"""


def confined(service: str, **environment: str) -> tuple[dict[str, Any], str]:
    """What a process can do as ``service``, and its log."""
    done = subprocess.run(
        [sys.executable, "-c", REPORT, service],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ) | environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_capture_executes_nothing_and_works() -> None:
    found, _ = confined("capture")
    denied = {name for name, result in found.items() if result == "PermissionError"}
    assert denied == {"thread", "execute", "trace", "unshare", "keys", "swap"}
    assert found["socket"] == found["file"] == "done"
    assert "NoNewPrivs:\t1" in found["status"]
    assert "Seccomp:\t2" in found["status"]


def test_diag_executes_nothing() -> None:
    found, _ = confined("diag")
    assert found["execute"] == found["thread"] == "PermissionError"


def test_what_the_spawner_starts_is_not_limited() -> None:
    found, _ = confined("spawner")
    assert found["execute"] == found["thread"] == found["unshare"] == "done"
    assert "Seccomp:\t0" in found["status"]


def test_service_without_a_filter_says_so() -> None:
    """As on a host without libseccomp."""
    hide = "import ctypes; real = ctypes.CDLL\n"
    hide += "def load(name, *a, **k):\n    if name and 'seccomp' in name: raise OSError('gone')\n"
    hide += "    return real(name, *a, **k)\nctypes.CDLL = load\n"
    done = subprocess.run(
        [sys.executable, "-c", hide + REPORT, "diag"], capture_output=True, text=True, check=True
    )
    assert "libseccomp.so.2 is not installed" in done.stderr
    assert "libseccomp2" in done.stderr
    assert json.loads(done.stdout)["execute"] == "done"
