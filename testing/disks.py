# SPDX-License-Identifier: Apache-2.0
"""Small file systems of a test's own, and ways in which they fail."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BLOCK = 4096


@contextmanager
def tmpfs(place: Path, size: int, inodes: int = 0) -> Iterator[Path]:
    """A tmpfs of ``size`` bytes and, if given, that many inodes."""
    options = f"size={size},mode=0755" + (f",nr_inodes={inodes}" if inodes else "")
    with _mounted(place, ["-t", "tmpfs", "-o", options, "tmpfs"]):
        yield place


@contextmanager
def ext4(place: Path, size: int) -> Iterator[Path]:
    """An ext4 of ``size`` bytes in a file beside ``place``, none of it kept for root."""
    image = place.with_suffix(".img")
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-b", str(BLOCK), str(image)], check=True)
    try:
        with _mounted(place, ["-o", "loop", str(image)]):
            yield place
    finally:
        image.unlink()


@contextmanager
def _mounted(place: Path, arguments: list[str]) -> Iterator[None]:
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", *arguments, str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path, leave: int = 0) -> Path:
    """Use all blocks of the file system at ``place`` but ``leave``; the file that takes them."""
    filler = place / f"filler-{leave}"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
        free = os.statvfs(place)
        os.posix_fallocate(file.fileno(), 0, max(1, (free.f_bavail - 64) * free.f_frsize))
        file.seek(0, os.SEEK_END)
        while True:
            file.write(bytes(BLOCK))
    size = filler.stat().st_size
    with filler.open("r+b") as file:
        file.truncate(max(0, size - leave * BLOCK))
    return filler


def use_up_inodes(place: Path) -> Path:
    """Make empty files until there can be no more; their directory."""
    directory = place / "empty"
    directory.mkdir(exist_ok=True)
    with pytest.raises(OSError, match="space"):
        for number in itertools.count():
            (directory / str(number)).touch()
    return directory
