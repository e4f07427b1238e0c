# SPDX-License-Identifier: Apache-2.0
"""Which steps of the set-up are done: a stamp holds the hash of what the step was made from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from tools.runner.paths import ROOT, STAMPS


def digest(paths: Iterable[Path], *extra: str) -> str:
    """SHA-256 over names and contents of files; a directory stands for all files below it."""
    total = hashlib.sha256("\0".join(extra).encode())
    for path in sorted(paths):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                total.update(f"{file.relative_to(ROOT)} {content}\n".encode())
    return total.hexdigest()


def is_current(name: str, value: str) -> bool:
    """Was step ``name`` last done with inputs of this digest?"""
    try:
        return (STAMPS / name).read_text() == value
    except FileNotFoundError:
        return False


def write(name: str, value: str) -> None:
    """Remember that step ``name`` is done."""
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(value)
