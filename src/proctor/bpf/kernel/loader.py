"""From object file to attached programs, and what to tell a person when that is not possible."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from proctor.bpf.kernel import abi
from proctor.bpf.kernel.abi import Kind, Tally
from proctor.config.schema import EnhancedRecording
from proctor.config.values import AUTO_PAGES
from proctor.core.errors import Unavailable

if TYPE_CHECKING:
    from proctor.bpf import _native

OBJECT = Path(__file__).parents[1] / "_obj/capture.bpf.o"
BTF = Path("/sys/kernel/btf/vmlinux")
MINIMUM_KERNEL = (5, 8)
_CAP_SYS_ADMIN = 21
_CAP_PERFMON = 38
_CAP_BPF = 39
_NOTHING = "Commands, opened files and connections cannot be recorded"


class CapabilityReport(msgspec.Struct, frozen=True):
    """What this machine lets us record.

    ``missing``: a sentence for each thing that cannot be recorded, with the reason. ``ok``: all that
    enhanced recording promises can be. ``programs``: names of the programs that the kernel accepted.
    """

    missing: list[str] = []
    programs: list[str] = []

    @property
    def ok(self) -> bool:
        """Is nothing missing?"""
        return not self.missing


class RingSizes(NamedTuple):
    """Bytes of each ring: powers of two, at least a page."""

    command: int
    disk: int
    network: int

    @classmethod
    def of(cls, config: EnhancedRecording) -> RingSizes:
        """The sizes that the configuration asks for, in pages of 4 KiB; ``auto`` is large."""
        pages = (config.command_buffer_size, config.disk_buffer_size, config.network_buffer_size)
        return cls(
            *(auto if size == AUTO_PAGES else size * PAGE for size, auto in zip(pages, AUTO, strict=True))
        )


PAGE = 4096
AUTO = RingSizes(command=4 << 20, disk=32 << 20, network=4 << 20)
RINGS = {Kind.COMMAND: "commands", Kind.DISK: "opens", Kind.NETWORK: "connections"}
_PURPOSES = {
    "task_created": "Nothing can be recorded: child processes of a session cannot be followed",
    "task_ended": "The end of detached sessions cannot be seen",
    "program_executed": "Executed commands cannot be recorded",
    "syscall_ended": "Opened files, connections and failed commands cannot be recorded",
    "state_changed": "The source address of refused connections cannot be recorded",
    "connect_v4": "Destinations of IPv4 connections cannot be recorded as the kernel sees them",
    "connect_v6": "Destinations of IPv6 connections cannot be recorded as the kernel sees them",
    "send_v4": "IPv4 datagrams cannot be recorded",
    "send_v6": "IPv6 datagrams cannot be recorded",
}
_REFUSED = re.compile(r"prog '(\w+)': failed to load: (-?\d+)")


class Programs:
    """Our programs in the kernel: loaded on creation, attached and detached as a whole."""

    def __init__(self, sizes: RingSizes, *, without: Iterable[str] = ()) -> None:
        """Load all programs but ``without``. Raises OSError; its filename is libbpf's complaint."""
        self._native = native()
        self._object = self._native.Object(str(OBJECT))
        self._sizes = sizes
        self._links: list[_native.Link] = []
        for kind, size in zip(RINGS, sizes, strict=True):
            self._object.resize(RINGS[kind], size)
        self._object.initialise(".rodata.knobs", abi.Knobs(*sizes).encode())
        for name in without:
            self._object.select(name, False)
        self._object.load()
        self.sections = {
            name: section for name, section in self._object.programs().items() if name not in set(without)
        }
        self._cpus = self._native.possible_cpus()
        self._lineage = self._object.map("lineage")
        self._tallies = self._object.map("tallies")

    def pump(self, *, limit: int, batch_ms: int) -> _native.Pump:
        """Start to empty the rings into memory, up to ``limit`` bytes of it."""
        rings = [
            (self._object.map(name), size) for name, size in zip(RINGS.values(), self._sizes, strict=True)
        ]
        pump: _native.Pump = self._native.Pump(rings, limit, batch_ms)
        return pump

    def attach(self, cgroup_mount: Path) -> None:
        """Start to see system calls; connection hooks go to the root of the hierarchy at ``cgroup_mount``.

        Raises Unavailable, with nothing attached, when a hook is refused.
        """
        directory = os.open(cgroup_mount, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for name, section in self.sections.items():
                cgroup = (directory,) if section.startswith("cgroup/") else ()
                self._links.append(self._object.attach(name, *cgroup))
        except OSError as error:
            self.detach()
            raise Unavailable(f"the kernel refuses to attach {error.filename}: {error.strerror}") from None
        finally:
            os.close(directory)

    def detach(self) -> None:
        """Take every program off its hook."""
        while self._links:
            self._links.pop().close()

    @property
    def attached(self) -> bool:
        """Are the programs on their hooks?"""
        return bool(self._links)

    def enrol(self, session: int, kinds: frozenset[Kind], pidfd: int, cgroup_id: int) -> None:
        """Make the process behind ``pidfd``, which has one thread, the first task of ``session``.

        ``cgroup_id`` is that of the session's cgroup, which no process of it is expected to leave.

        Raises OSError when there is no such process.
        """
        key = session.to_bytes(4, "little")
        self._native.map_update(self._tallies, key, abi.encode_tally(1, self._cpus))
        try:
            state = abi.encode_task_state(session, kinds, cgroup_id)
            self._native.map_update(self._lineage, pidfd.to_bytes(4, "little"), state)
        except OSError:
            self._native.map_delete(self._tallies, key)
            raise

    def tally(self, session: int) -> Tally:
        """What was counted for ``session``; KeyError when it is not enrolled."""
        per_cpu = self._native.map_lookup(
            self._tallies, session.to_bytes(4, "little"), abi.TALLY.size * self._cpus
        )
        if per_cpu is None:
            raise KeyError(session)
        return Tally.decode(per_cpu)

    def forget(self, session: int) -> None:
        """Drop the counts of a session of which no task is left."""
        self._native.map_delete(self._tallies, session.to_bytes(4, "little"))

    def missed_runs(self) -> int:
        """How often the kernel skipped a program of ours, which no session's counts can show."""
        return sum(self._native.missed_runs(self._object.program(name)) for name in self.sections)


def native() -> ModuleType | Any:
    """The compiled extension. Raises Unavailable when it was not built."""
    try:
        return import_module("proctor.bpf._native")
    except ImportError as error:
        raise Unavailable(
            f"kernel capture was not built into this installation: {error}",
            hint="Install the wheel for this platform, or run make -C bpf in a checkout.",
        ) from None


def probe(sizes: RingSizes = AUTO) -> CapabilityReport:
    """Ask the kernel, by loading every program; takes a tenth of a second and leaves nothing behind."""
    if obstacles := _obstacles():
        return CapabilityReport(missing=obstacles)
    missing: list[str] = []
    refused: set[str] = set()
    while True:
        try:
            programs = Programs(sizes, without=refused)
        except Unavailable as error:
            return CapabilityReport(missing=[f"{_NOTHING}: {error}. {error.hint}"])
        except OSError as error:
            match = _REFUSED.search(str(error.filename))
            if match is None or match[1] in refused:
                return CapabilityReport(missing=[*missing, f"{_NOTHING}: {_reason(error)}."])
            refused.add(match[1])
            missing.append(refusal(match[1], -int(match[2])))
        else:
            return CapabilityReport(missing=missing, programs=sorted(programs.sections))


def refusal(program: str, code: int) -> str:
    """What a person is told when the kernel refuses ``program`` with errno ``code``."""
    purpose = _PURPOSES.get(program, f"What {program} sees cannot be recorded")
    name = errno.errorcode.get(code, str(code))
    return f"{purpose}: the kernel refuses the program {program} ({name}, {os.strerror(code)})."


def _reason(error: OSError) -> str:
    complaint = str(error.filename or "").strip().removeprefix("libbpf: ")
    return f"{complaint} ({error.strerror})" if complaint else str(error.strerror)


def _obstacles() -> list[str]:
    """Why nothing at all can be recorded, before any program is tried."""
    found = []
    release = os.uname().release
    if kernel_version(release) < MINIMUM_KERNEL:
        least = ".".join(map(str, MINIMUM_KERNEL))
        found.append(f"{_NOTHING}: the kernel is {release}, and {least} or newer is needed.")
    if not BTF.exists():
        found.append(f"{_NOTHING}: the kernel has no type information ({BTF} does not exist).")
    if not may_load(Path("/proc/self/status").read_text()):
        found.append(f"{_NOTHING}: loading BPF programs needs root, or CAP_BPF and CAP_PERFMON.")
    return found


def kernel_version(release: str) -> tuple[int, int]:
    """Major and minor number in ``uname -r``; (0, 0) when there are none."""
    match = re.match(r"(\d+)\.(\d+)", release)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def may_load(status: str) -> bool:
    """Does a process with this ``/proc/<pid>/status`` have the capabilities for tracing programs?"""
    match = re.search(r"^CapEff:\s*([0-9a-f]+)", status, re.MULTILINE)
    effective = int(match[1], 16) if match else 0

    def has(capability: int) -> bool:
        return bool(effective >> capability & 1)

    return has(_CAP_SYS_ADMIN) or (has(_CAP_BPF) and has(_CAP_PERFMON))
