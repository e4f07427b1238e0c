# SPDX-License-Identifier: Apache-2.0
"""The cpio format ``newc``, as the kernel reads it from an initramfs."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_END = "TRAILER!!!"


class Archive:
    """Files and directories, collected to be written at once."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._names: set[str] = set()

    def add(self, name: str, content: bytes, *, executable: bool = False) -> None:
        """A file; the directories above it come with it."""
        for parent in reversed(Path(name).parents):
            if parent.name and str(parent) not in self._names:
                self._entry(str(parent), stat.S_IFDIR | 0o755, b"")
        self._entry(name, stat.S_IFREG | (0o755 if executable else 0o644), content)

    def device(self, name: str, major: int, minor: int) -> None:
        """A character device."""
        self._entry(name, stat.S_IFCHR | 0o600, b"", device=os.makedev(major, minor))

    def directory(self, name: str) -> None:
        """An empty directory."""
        self._entry(name, stat.S_IFDIR | 0o755, b"")

    def _entry(self, name: str, mode: int, content: bytes, *, device: int = 0) -> None:
        self._names.add(name)
        numbers = (
            *(len(self._names), mode, 0, 0, 1, 0, len(content)),
            *(0, 0, os.major(device), os.minor(device)),
            *(len(name) + 1, 0),
        )
        header = b"070701" + b"".join(b"%08x" % number for number in numbers)
        self._parts += [_padded(header + name.encode() + b"\0"), _padded(content)]

    def write(self, path: Path) -> None:
        """Write everything to ``path``, with the end mark."""
        self._entry(_END, 0, b"")
        path.write_bytes(b"".join(self._parts))


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 4)
