# SPDX-License-Identifier: Apache-2.0
"""The lock files: exact versions and hashes of every Python package."""

from __future__ import annotations

from tools.runner.console import step
from tools.runner.paths import BIN, ROOT

_OPTIONS = (
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-annotate",
    "--custom-compile-command=./run lock",
    "--upgrade",
)
_SOURCES = {
    "requirements-uv.lock": ("--group=bootstrap",),
    "requirements.lock": ("pyproject.toml",),
    "requirements-dev.lock": ("pyproject.toml", "--group=dev"),
}


def write() -> None:
    """Resolve ``pyproject.toml`` again and write all lock files."""
    for name, sources in _SOURCES.items():
        step(name, [BIN / "uv", "pip", "compile", *sources, *_OPTIONS, "--output-file", ROOT / name])
