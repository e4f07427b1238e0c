# SPDX-License-Identifier: Apache-2.0
"""Programs, maps and links that are pinned: they stay when the process that loaded them ends."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from proctor.capture.kernel.extension import native

_MODE = 0o700


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What programs in the kernel are: enough to take them over, or to tell that they cannot be.

    ``generation``: where they are pinned. ``object``: SHA-256 of the object file; ``layout``: of what its
    records look like, ``maps``: definitions of maps. ``sizes``: bytes of each ring. ``sections``: of each
    program. ``refused``: programs that the kernel did not take, and its errno; ``without``: those that were
    not loaded.
    """

    generation: int = 1
    variant: str
    object: str
    layout: str
    maps: dict[str, tuple[int, ...]] = {}
    sizes: tuple[int, ...]
    sections: dict[str, str] = {}
    refused: tuple[tuple[str, int], ...] = ()
    without: frozenset[str] = frozenset()


class Handles(NamedTuple):
    """Descriptors by name: of maps, of programs, of copies behind system calls, of links.

    ``owner`` keeps those open that it owns.
    """

    maps: Mapping[str, int]
    programs: Mapping[str, int]
    copies: Mapping[str, int]
    links: dict[str, int]
    owner: object = None


class Pins:
    """A directory for each kind of object, in a BPF file system; names there have no dots."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def save(self, handles: Handles) -> None:
        """Pin everything, in place of what was pinned before. Raises OSError."""
        self.remove()
        self._directory.mkdir(mode=_MODE)
        for kind, objects in self._kinds(handles).items():
            directory = self._directory / kind
            directory.mkdir(mode=_MODE)
            for name, descriptor in objects.items():
                native().pin(descriptor, str(directory / name))

    def open(self) -> Handles:
        """Everything that is pinned. Raises OSError."""
        return Handles(*(self._open(kind) for kind in Handles._fields[:-1]))

    def _open(self, kind: str) -> dict[str, int]:
        paths = sorted((self._directory / kind).iterdir())
        return {path.name: native().pinned(str(path)) for path in paths}

    def remove(self) -> None:
        """Unpin everything, links first: programs are detached unless another process has them open."""
        for kind in reversed(Handles._fields[:-1]):
            directory = self._directory / kind
            with contextlib.suppress(FileNotFoundError):
                for path in list(directory.iterdir()):
                    path.unlink()
                directory.rmdir()
        with contextlib.suppress(FileNotFoundError):
            self._directory.rmdir()

    @staticmethod
    def _kinds(handles: Handles) -> dict[str, Mapping[str, int]]:
        return dict(zip(Handles._fields[:-1], handles[:-1], strict=True))


def close(handles: Handles) -> None:
    """Close what was opened by ``Pins.open``."""
    for objects in handles[:-1]:
        for descriptor in objects.values():
            os.close(descriptor)
