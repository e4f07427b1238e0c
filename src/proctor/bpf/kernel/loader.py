"""From object file to attached programs."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Collection
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from proctor.bpf.kernel import abi, calls
from proctor.bpf.kernel.abi import Daemon, Guard, Kind, Tally
from proctor.bpf.kernel.rules import Rules
from proctor.bpf.kernel.variants import HOOKS, REQUESTS, VARIANTS, Variant
from proctor.config.schema import EnhancedRecording
from proctor.config.values import AUTO_PAGES
from proctor.core.errors import Unavailable

if TYPE_CHECKING:
    from proctor.bpf import _native

OBJECTS = Path(__file__).parents[1] / "_obj"
_BUILD_HINT = "Install the wheel for this platform, or run make -C bpf in a checkout."
_INITIAL_PID_NAMESPACE = 0xEFFFFFFC
_PID = re.compile(r"^Pid:\s*(\d+)$", re.MULTILINE)


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


ENDING = "syscall_ended"
"""The program at the end of system calls."""

PAGE = 4096
AUTO = RingSizes(command=4 << 20, disk=32 << 20, network=4 << 20)
RINGS = {Kind.COMMAND: "commands", Kind.DISK: "opens", Kind.NETWORK: "connections"}


class Programs:
    """Our programs in the kernel: loaded on creation, attached and detached as a whole."""

    def __init__(
        self,
        sizes: RingSizes,
        *,
        variant: Variant = VARIANTS[0],
        without: Collection[str] = (),
        each_call: bool = False,
        measure: bool = False,
    ) -> None:
        """Load all programs of ``variant`` but ``without``; ``measure``: have the verifier tell its work.

        ``each_call``: see the end of system calls behind each that matters, which costs others nothing,
        rather than in one place that all pass.

        Raises OSError; its filename is libbpf's complaint. Raises Unavailable when it was not built.
        """
        self._native = native()
        self._object = _opened(variant)
        self._sizes = sizes
        self._by_number = variant.by_number
        self._links: list[_native.Link] = []
        knobs = abi.Knobs(
            *sizes,
            mount_namespace=os.stat("/proc/self/ns/mnt").st_ino,
            system_mount=_mount_of("/usr"),
            requests=REQUESTS.isdisjoint(without),
        )
        for kind, size in zip(RINGS, sizes, strict=True):
            self._object.resize(RINGS[kind], size)
        self._object.initialise(".rodata.knobs", knobs.encode())
        for name in without:
            self._object.select(name, False)
        if measure:
            self._object.measure()
        self._object.load()
        self.sections = {
            name: section for name, section in self._object.programs().items() if name not in set(without)
        }
        self._copies = self._behind_each_call() if each_call else {}
        self._cpus = self._native.possible_cpus()
        self._lineage = self._object.map("lineage")
        self._tallies = self._object.map("tallies")
        self._guarded = self._object.map("guarded")
        self._rules = self._object.map("rules")
        self._policies = self._object.map("policies")
        self._session_policies = self._object.map("session_policies")

    def _behind_each_call(self) -> dict[str, _native.Copy]:
        try:
            copies: dict[str, _native.Copy] = self._object.copies(ENDING, calls.functions())
        except OSError as error:
            raise _refused(ENDING, error.errno or errno.EINVAL) from None
        if not copies.keys() >= calls.INDISPENSABLE:
            raise _refused(ENDING, errno.ENOENT)
        self.sections[ENDING] = f"fexit, behind {len(copies)} system calls"
        return copies

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
                if name == ENDING and self._copies:
                    self.prepare()
                    continue
                cgroup = (directory,) if section.startswith("cgroup/") else ()
                self._links.append(self._object.attach(name, *cgroup))
        except OSError as error:
            self.detach()
            raise Unavailable(f"the kernel refuses to attach {error.filename}: {error.strerror}") from None
        finally:
            os.close(directory)

    def prepare(self) -> None:
        """Attach already what takes long to attach, a tenth of a second each: it stays until ``release``.

        Raises OSError when the kernel refuses.
        """
        for copy in self._copies.values():
            copy.attach()

    def release(self) -> None:
        """Take every program off its hook, for good."""
        self.detach()
        for copy in self._copies.values():
            copy.close()

    def detach(self) -> None:
        """Take the programs off their hooks, until the next session."""
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
            self._place(pidfd, abi.encode_task_state(session, kinds, cgroup_id))
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

    def watch(self, daemon: Daemon, pidfd: int) -> None:
        """The process behind ``pidfd``, of one thread, is a daemon. Raises OSError when it is gone."""
        self._place(pidfd, abi.encode_daemon_state(daemon))

    def _place(self, pidfd: int, state: bytes) -> None:
        task = process_number(pidfd) if self._by_number else pidfd
        self._native.map_update(self._lineage, task.to_bytes(4, "little"), state)

    def map(self, name: str) -> int:
        """Descriptor of a map, which is ours."""
        return self._object.map(name)

    def forget(self, session: int) -> None:
        """Drop the counts of a session of which no task is left."""
        self._native.map_delete(self._tallies, session.to_bytes(4, "little"))

    def configure(self, rules: Rules) -> None:
        """From now on record what ``rules`` ask for."""
        self._native.map_update(self._rules, bytes(4), rules.encode())

    @property
    def enforces(self) -> bool:
        """Are all programs there that refuse connections?"""
        return self.sections.keys() >= HOOKS

    def restrict(self, session: int, policy: int) -> None:
        """From now on ``policy`` holds for ``session``; 0 is none. Raises OSError."""
        key = session.to_bytes(4, "little")
        self._native.map_update(self._session_policies, key, policy.to_bytes(4, "little"))

    def unrestrict(self, session: int) -> None:
        """No task of ``session`` is left: nothing is said of its connections any more."""
        self._native.map_delete(self._session_policies, session.to_bytes(4, "little"))

    def add_policy(self, key: bytes, ports: bytes) -> None:
        """Tell the kernel a part of a policy, as ``abi`` encodes it. Raises OSError."""
        self._native.map_update(self._policies, key, ports)

    def remove_policy(self, key: bytes) -> None:
        """The opposite of ``add_policy``."""
        self._native.map_delete(self._policies, key)

    def guard(self, guard: Guard, number: int) -> None:
        """Record what sessions do to our process, or to cgroups below our directory, of this number."""
        self._native.map_update(self._guarded, abi.GUARDED.pack(guard, number), b"\1")

    def unguard(self, guard: Guard, number: int) -> None:
        """The number may become another's."""
        self._native.map_delete(self._guarded, abi.GUARDED.pack(guard, number))

    def measures(self) -> dict[str, tuple[int, str]]:
        """Instructions of each program and what the verifier said of it; needs ``measure``."""
        found: dict[str, tuple[int, str]] = self._object.measures()
        return {name: found[name] for name in self.sections}

    def missed_runs(self) -> int:
        """How often the kernel skipped a program of ours, which no session's counts can show."""
        programs = [self._object.program(name) for name in self.sections]
        programs.extend(copy.fileno() for copy in self._copies.values())
        return sum(map(self._native.missed_runs, programs))


def _refused(program: str, code: int) -> OSError:
    """As libbpf says it."""
    return OSError(code, os.strerror(code), f"prog '{program}': failed to load: {-code}")


def _opened(variant: Variant) -> _native.Object:
    path = OBJECTS / f"{variant.name}.bpf.o"
    try:
        opened: _native.Object = native().Object(str(path))
    except OSError:
        raise Unavailable(f"{path.name} was not built into this installation", hint=_BUILD_HINT) from None
    return opened


def native() -> ModuleType | Any:
    """The compiled extension. Raises Unavailable when it was not built."""
    try:
        return import_module("proctor.bpf._native")
    except ImportError as error:
        raise Unavailable(
            f"kernel capture was not built into this installation: {error}",
            hint=_BUILD_HINT,
        ) from None


def process_number(pidfd: int) -> int:
    """The kernel's own number of the process behind ``pidfd``; raises OSError when it cannot be told."""
    if os.stat("/proc/self/ns/pid").st_ino != _INITIAL_PID_NAMESPACE:
        raise OSError(errno.EOPNOTSUPP, "processes have other numbers in this container than in the kernel")
    found = _PID.search(Path(f"/proc/self/fdinfo/{pidfd}").read_text())
    if found is None:
        raise ProcessLookupError(errno.ESRCH, "no such process")
    return int(found[1])


def _mount_of(path: str) -> int:
    """The kernel's number of the mount that ``path`` is on."""
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        lines = Path(f"/proc/self/fdinfo/{descriptor}").read_text().splitlines()
    finally:
        os.close(descriptor)
    return int(dict(line.split(":", 1) for line in lines)["mnt_id"])
