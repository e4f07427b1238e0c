# SPDX-License-Identifier: Apache-2.0
"""The sandbox, entered for real; needs root."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proctor.runtime.privileges.sandbox import closed_ancestor
from proctor.runtime.privileges.service_users import ServiceUser

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

ACCOUNT = ServiceUser(64499, 64499)
INSIDE = """
import ctypes, json, os, sys
from pathlib import Path
from proctor.runtime.privileges.service_users import ServiceUser
from proctor.runtime.privileges.sandbox import enter

data, secret = map(Path, sys.argv[1:])
enter(ServiceUser(64499, 64499), [data])

def attempt(action):
    try:
        return action() or "done"
    except OSError as error:
        return type(error).__name__

import encodings.idna, grpc, asyncssh  # code is still found although its parents may be closed
report = {
    "uids": os.getresuid(), "gids": os.getresgid(), "groups": os.getgroups(),
    "status": Path("/proc/self/status").read_text(),
    "write": attempt(lambda: (data / "own").write_text("x") and None),
    "read_secret": attempt(lambda: secret.read_text()),
    "write_code": attempt(lambda: Path(sys.modules["grpc"].__file__).write_text("")),
    "list_closed": sorted(os.listdir(data.parent)),
    "setuid": attempt(lambda: os.setuid(0)),
    "chroot": attempt(lambda: os.chroot("/")),
    "mounts": Path("/proc/self/mounts").read_text(),
    "dumpable": ctypes.CDLL(None).prctl(3, 0, 0, 0, 0),
    "umask": os.umask(0),
    "cwd": os.getcwd(),
}
print(json.dumps(report))
"""


@pytest.fixture
def closed() -> Iterator[Path]:
    """A directory that only root may enter, with a data directory and somebody's secret in it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        directory = Path(name)
        directory.chmod(0o700)
        (directory / "secret").write_text("s")
        (directory / "secret").chmod(0o644)
        (directory / "data").mkdir(mode=0o711)
        os.chown(directory / "data", *ACCOUNT)
        yield directory


@pytest.fixture
def report(closed: Path) -> Any:
    argv = [sys.executable, "-P", "-c", INSIDE, str(closed / "data"), str(closed / "secret")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_nothing_of_root_is_left(report: Any) -> None:
    assert report["uids"] == [64499, 64499, 64499]
    assert report["gids"] == [64499, 64499, 64499]
    assert report["groups"] == []
    status = dict(line.split(":\t", 1) for line in report["status"].splitlines())
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert status["NoNewPrivs"] == "1"
    assert report["dumpable"] == 0
    assert report["umask"] == 0o077
    assert report["setuid"] == "PermissionError"
    assert report["chroot"] == "PermissionError"


def test_only_what_is_needed_is_reachable(report: Any, closed: Path) -> None:
    assert report["write"] == "done"
    assert (closed / "data/own").read_text() == "x"
    assert report["read_secret"] == "FileNotFoundError"
    assert report["list_closed"] == ["data"]
    assert report["write_code"] in {"OSError", "PermissionError"}


def test_the_hosts_mounts_are_untouched(report: Any, closed: Path) -> None:
    assert str(closed) in report["mounts"]
    assert str(closed) not in Path("/proc/self/mounts").read_text()
    assert sorted(path.name for path in closed.iterdir()) == ["data", "secret"]


def test_closed_ancestors(closed: Path) -> None:
    assert closed_ancestor(closed / "data/x", ACCOUNT) == closed
    closed.chmod(0o711)
    assert closed_ancestor(closed / "data", ACCOUNT) is None
    os.chown(closed, *ACCOUNT)
    closed.chmod(0o077)
    assert closed_ancestor(closed / "data", ACCOUNT) == closed, "the owner's bits count for the owner"


def test_root_is_refused_as_an_account(closed: Path) -> None:
    code = f"""
from pathlib import Path
from proctor.runtime.privileges.service_users import ROOT
from proctor.runtime.privileges.sandbox import SandboxError, enter
try:
    enter(ROOT, [Path({str(closed)!r})])
except SandboxError as error:
    print(error)
"""
    argv = [sys.executable, "-P", "-c", code]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    assert "must not run as root" in done.stdout
