# SPDX-License-Identifier: Apache-2.0
"""The wheel carries everything: where it is installed, nothing is compiled."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from testing.commands import BIN, ROOT

EXTENSIONS = {
    "proctor/capture/_ringbuf.abi3.so",
    "proctor/captureproto/_eventfmt.abi3.so",
    "proctor/model/_jsonlines.abi3.so",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    out = tmp_path_factory.mktemp("wheel")
    argv = [str(BIN / "python"), "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, made where no compiler can be found."""
    venv = tmp_path_factory.mktemp("installation") / "venv"
    empty = tmp_path_factory.mktemp("no-compiler")
    environment = {**os.environ, "PATH": str(empty), "CC": "/nonexistent", "CLANG": "/nonexistent"}
    uv = [str(BIN / "uv"), "--quiet"]
    install = [*uv, "pip", "install", "--python", str(venv / "bin/python")]
    for argv in (
        [*uv, "venv", "--python", sys.executable, str(venv)],
        [
            *install,
            "--only-binary=:all:",
            "--require-hashes",
            "--requirement",
            str(ROOT / "requirements.lock"),
        ],
        [*install, "--no-deps", str(wheel)],
    ):
        done = subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return venv


def test_licences_of_what_is_bundled_are_inside(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for licence in ("Apache-2.0", "BSD-2-Clause", "LGPL-2.1-only", "LGPL-3.0-or-later", "Zlib"):
        assert any(name.endswith(f"licenses/LICENSES/{licence}.txt") for name in names)


def test_bpf_objects_are_inside(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert [name for name in names if name.startswith("proctor/capture/_obj/") and name.endswith(".bpf.o")]
    assert {name for name in names if name.endswith(".abi3.so")} == EXTENSIONS
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"proctor"}
    assert not [name for name in names if name.endswith((".c", ".pyx", ".h"))]


def test_commands_work(installation: Path) -> None:
    for name in ("teleport", "tctl", "tsh"):
        done = subprocess.run(
            [str(installation / "bin" / name), "version"], capture_output=True, text=True, cwd="/", check=True
        )
        assert done.stdout.startswith("Teleport v14.0.0")


def test_bpf_objects_load(kernel: None, installation: Path) -> None:
    program = (
        "from proctor.capture.kernel.capability_report import probe;"
        "report = probe(); print(*report.missing); assert report.ok"
    )
    done = subprocess.run(
        [str(installation / "bin/python"), "-c", program],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
