"""libbpf, as compiled from ``bpf/native``. Every function raises OSError with the kernel's errno."""

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

    def load(self) -> None:
        """Load maps and programs; the error's filename is libbpf's complaint."""

    def map(self, name: str) -> int:
        """Descriptor of a map, which the object owns."""

    def program(self, name: str) -> int:
        """Descriptor of a program, which the object owns."""

    def attach(self, program: str, cgroup: int = -1) -> Link:
        """Attach a loaded program to its hook, or to the cgroup open at this descriptor."""

class Link:
    """An attached program; detached by ``close`` or when forgotten."""

    def close(self) -> None: ...

class Ring:
    """The reading end of a ring buffer of ``size`` bytes."""

    def __new__(cls, fd: int, size: int) -> Ring: ...
    def drain(self, limit: int) -> bytearray:
        """Finished records, each behind its length (32 bits, native order); at most ``limit`` bytes."""

    def produced(self) -> int:
        """Position up to which the kernel has reserved."""

    def consumed(self) -> int:
        """Position up to which was drained."""

def map_update(fd: int, key: bytes, value: bytes) -> None: ...
def map_lookup(fd: int, key: bytes, size: int) -> bytes | None: ...
def map_delete(fd: int, key: bytes) -> None: ...
def possible_cpus() -> int: ...
def missed_runs(program: int) -> int:
    """How often the kernel skipped a program because it was already running on that processor."""
