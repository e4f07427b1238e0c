# SPDX-License-Identifier: Apache-2.0
"""libbpf, compiled from ``native/ringbuf``. Every function raises OSError with the kernel's errno."""

from collections.abc import Sequence

class Object:
    """A BPF object file: open, set up, load, attach."""

    def __new__(cls, path: str) -> Object: ...
    def programs(self) -> dict[str, str]:
        """Section of each program, by name."""

    def resize(self, name: str, entries: int) -> None:
        """Before load: capacity of a map; of a ring, its bytes."""

    def initialise(self, name: str, value: bytes) -> None:
        """Before load: the content of a data section."""

    def select(self, program: str, load: bool) -> None:
        """Before load: is the program to be loaded?"""

    def measure(self) -> None:
        """Before load: have the verifier say how much work each program is."""

    def measures(self) -> dict[str, tuple[int, str]]:
        """After load: of each program its instructions, and what the verifier said."""

    def load(self) -> None:
        """Load maps and programs; the error's filename is libbpf's complaint."""

    def map(self, name: str) -> int:
        """Descriptor of a map, which the object owns."""

    def program(self, name: str) -> int:
        """Descriptor of a program, which the object owns."""

    def maps(self) -> dict[str, tuple[int, int, int, int, int]]:
        """Type, size of key and value, capacity and flags of each map, by name."""

    def reuse(self, name: str, fd: int) -> None:
        """Before load: use the map behind this descriptor, of the same definition, for this one."""

    def copies(self, program: str, functions: Sequence[str]) -> dict[str, Copy]:
        """After load: the program once more for each of those functions of the kernel that exist.

        The error's filename is that of the function whose copy was refused.
        """

class Copy:
    """A program that runs when a function of the kernel returns, once attached."""

    def fileno(self) -> int:
        """Descriptor of the program."""

class Pump:
    """A thread that empties ring buffers into blocks, which are files, from creation to ``stop``.

    A block holds whole records, each behind its length (32 bits, native order). In its file they are
    behind the position in each ring where it ends (8 of 64 bits); the file's name is its number, 16
    hexadecimal digits.
    """

    def __new__(
        cls,
        rings: Sequence[tuple[int, int]],
        limit: int,
        batch_ms: int,
        directory: int,
        number: int,
        blocks: Sequence[tuple[int, int]],
        ends: bytes,
    ) -> Pump:
        """``rings``: descriptor and size of each. ``limit``: bytes in blocks beyond which rings may fill.

        ``batch_ms``: batching delay; a filling ring flushes early. ``directory``: of the blocks,
        open; ``number``: of the first that is made. ``blocks``: numbers and sizes of those that are there,
        ``ends``: what the file of the last of them begins with.
        """

    def fileno(self) -> int: ...
    def clear(self) -> None: ...
    def take(self) -> tuple[int, bytes] | None:
        """Number and records of the oldest block that was not taken; its file stays."""

    def pushed(self) -> int: ...
    def waiting(self) -> int: ...
    def produced(self) -> tuple[int, ...]: ...
    def handed(self) -> tuple[int, ...]: ...
    def kick(self) -> None: ...
    def stop(self) -> None: ...

def map_update(fd: int, key: bytes, value: bytes) -> None: ...
def map_lookup(fd: int, key: bytes, size: int) -> bytes | None: ...
def map_delete(fd: int, key: bytes) -> None: ...
def map_keys(fd: int, size: int) -> list[bytes]:
    """The keys of a hash, of ``size`` bytes each, some of them perhaps twice when it changes meanwhile."""

def attach(program: int, section: str, target: int = 0) -> int:
    """A descriptor that keeps the program on its hook; ``target``: the open cgroup for one of cgroups."""

def pin(fd: int, path: str) -> None:
    """Keep the object behind ``fd`` for as long as ``path`` exists, in a BPF file system."""

def pinned(path: str) -> int:
    """A descriptor of what was pinned to ``path``."""

def iterate(link: int) -> int:
    """A descriptor from which the output of an iterator can be read once."""

def possible_cpus() -> int: ...
def missed_runs(program: int) -> int:
    """How often the kernel skipped a program because it was already running on that processor."""
