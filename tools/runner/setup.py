# SPDX-License-Identifier: Apache-2.0
"""Everything a verb needs before it can start: system packages, ``.venv``, native parts, web bundle.

Each step is skipped while its inputs are the same as when it was last done.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tools.runner import debian, stamps
from tools.runner.console import say, step
from tools.runner.paths import BIN, PYTHON, ROOT, STAMPS, VENV, WEB

SYSTEM_PYTHON = Path("/usr/bin/python3")
_NATIVE_SOURCES = ("pyproject.toml", "hatch_build.py", "bpf", "native", "src/proctor/capture")
_NATIVE_SUFFIXES = frozenset({".toml", ".py", ".c", ".h", ".pyx", ".pxd", ".mk", ""})
WEB_BUNDLE = ROOT / "src/proctor/proxy/_web"
_WEB_IGNORED = frozenset({"node_modules", "dist"})


def prepare(*, packages: Sequence[str] = debian.DEMO_PACKAGES) -> None:
    """Bring the checkout into a state in which ``.venv/bin/teleport`` works.

    Prints a line per step that had work to do. Raises RunError when a step fails.
    """
    started = time.monotonic()
    debian.install([*debian.BUILD_PACKAGES, *packages])
    _environment()
    _python_packages()
    _proctor()
    _web_bundle()
    say(f"set-up is complete ({time.monotonic() - started:.1f} s)")


def _environment() -> None:
    current = subprocess.run([PYTHON, "-c", ""], check=False).returncode == 0 if PYTHON.exists() else False
    if not current:
        shutil.rmtree(VENV, ignore_errors=True)
        step("virtual environment", [_base_python(), "-m", "venv", VENV])
    lock = ROOT / "requirements-uv.lock"
    value = stamps.digest([lock])
    if not stamps.is_current("uv", value):
        pip: list[str | Path] = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install"]
        step("package installer", [*pip, "--require-hashes", "--requirement", lock])
        stamps.write("uv", value)


def _base_python() -> Path:
    """The interpreter of ``.venv``: the system's, which every user of the machine can read, or ours."""
    probe = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"
    if SYSTEM_PYTHON.exists() and subprocess.run([SYSTEM_PYTHON, "-c", probe], check=False).returncode == 0:
        return SYSTEM_PYTHON
    return Path(sys.executable)


def _python_packages() -> None:
    lock = ROOT / "requirements-dev.lock"
    value = stamps.digest([lock, ROOT / "requirements-uv.lock"])
    if stamps.is_current("packages", value):
        return
    step("Python packages", [BIN / "uv", "pip", "sync", "--python", PYTHON, "--require-hashes", lock])
    (STAMPS / "proctor").unlink(missing_ok=True)
    stamps.write("packages", value)


def _proctor() -> None:
    value = stamps.digest(_native_sources())
    if stamps.is_current("proctor", value) and (BIN / "teleport").exists():
        return
    install: list[str | Path] = [BIN / "uv", "pip", "install", "--python", PYTHON]
    options = ["--no-deps", "--no-build-isolation", "--editable"]
    step("BPF objects and commands", [*install, *options, ROOT])
    stamps.write("proctor", value)


def _native_sources() -> list[Path]:
    """Files that go into compiled parts; what the build itself writes there is left out."""
    generated = {"_obj", ".output", "__pycache__"}
    found = []
    for name in _NATIVE_SOURCES:
        path = ROOT / name
        for file in path.rglob("*") if path.is_dir() else [path]:
            native = file.suffix in _NATIVE_SUFFIXES and (file.suffix != ".py" or file.parent == ROOT)
            if file.is_file() and native and not generated.intersection(file.parts):
                found.append(file)
    return found


def _web_bundle() -> None:
    packages = stamps.digest([WEB / "package.json", WEB / "package-lock.json"])
    if not (stamps.is_current("web-packages", packages) and (WEB / "node_modules").exists()):
        step("web packages", [BIN / "npm", "ci"], cwd=WEB, env=node_environment())
        stamps.write("web-packages", packages)
    sources = stamps.digest([path for path in WEB.iterdir() if path.name not in _WEB_IGNORED])
    if not (stamps.is_current("web", sources) and WEB_BUNDLE.exists()):
        step("web bundle", [BIN / "npm", "run", "build"], cwd=WEB, env=node_environment())
        stamps.write("web", sources)


def node_environment() -> dict[str, str]:
    """Environment in which ``npm`` finds the Node of ``.venv`` first."""
    return {"PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
