# SPDX-License-Identifier: Apache-2.0
"""From object file to attached programs."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Mapping, Set
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from proctor.capture.kernel import abi, hooked_syscalls
from proctor.capture.kernel.abi import Daemon, ProtectedKind, RecordKind, Tally
from proctor.capture.kernel.extension import native
from proctor.capture.kernel.filters import Rules
from proctor.capture.kernel.kernel_features import HOOKS, VARIANTS, Variant, hooks_without, named
from proctor.capture.state.blocks import Blocks
from proctor.capture.state.pins import Handles, Manifest, Pins
from proctor.captureproto.native import BUILD_HINT
from proctor.captureproto.state import MEMBERS
from proctor.config.schema import EnhancedRecording
from proctor.config.values import AUTO_PAGES
from proctor.core.errors import Unavailable

if TYPE_CHECKING:
    from proctor.capture import _ringbuf

OBJECTS = Path(__file__).parents[1] / "_obj"
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


ENDING = "proctor_sysexit"
"""The program at the end of system calls."""

PAGE = 4096
AUTO = RingSizes(command=4 << 20, disk=32 << 20, network=4 << 20)
RINGS = {
    RecordKind.COMMAND: "proctor_command",
    RecordKind.DISK: "proctor_disk",
    RecordKind.NETWORK: "proctor_network",
}


class LoadRequest(NamedTuple):
    """Request to load all programs of ``variant`` but ``without``.

    ``each_call``: see the end of system calls behind each that matters, which costs others nothing, rather
    than in one place that all pass.
    """

    sizes: RingSizes
    variant: Variant = VARIANTS[0]
    without: frozenset[str] = frozenset()
    each_call: bool = False


class Programs:
    """Our programs in the kernel: attached and detached as a whole."""

    def __init__(self, manifest: Manifest, handles: Handles, pins: Pins | None = None) -> None:
        """``pins``: where they are pinned already."""
        self.manifest = manifest
        self._pins = pins
        self._native = native()
        self._handles = handles
        self._by_number = named(manifest.variant).by_number
        self._cpus = self._native.possible_cpus()
        self._lineage = self.map("proctor_lineage")
        self._tallies = self.map("proctor_tallies")
        self._guarded = self.map("proctor_guarded")
        self._rules = self.map("proctor_rules")
        self._policies = self.map("proctor_netrule")
        self._session_policies = self.map("proctor_policy")

    @classmethod
    def load(cls, request: LoadRequest, maps: Mapping[str, int] | None = None) -> Programs:
        """Load the object that ``request`` describes; ``maps``: those of programs before, to go on with.

        Raises OSError; its filename is libbpf's complaint. Raises Unavailable when it was not built.
        """
        opened = _opened(request.variant)
        _prepare(opened, request)
        known = opened.maps()
        for name, descriptor in (maps or {}).items():
            if name in known:
                opened.reuse(name, descriptor)
        opened.load()
        sections = {
            name: section for name, section in opened.programs().items() if name not in request.without
        }
        copies: dict[str, _ringbuf.Copy] = _behind_each_call(opened) if request.each_call else {}
        if copies:
            sections[ENDING] = f"fexit, behind {len(copies)} system calls"
        manifest = Manifest(
            variant=request.variant.name,
            object=object_digest(request.variant),
            layout=layout(),
            maps=shapes(request.variant),
            sizes=request.sizes,
            sections=sections,
            without=request.without,
        )
        handles = Handles(
            {name: opened.map(name) for name in opened.maps() if "." not in name},
            {name: opened.program(name) for name in sections},
            {name: copy.fileno() for name, copy in copies.items()},
            {},
            (opened, copies),
        )
        return cls(manifest, handles)

    @classmethod
    def take_over(cls, manifest: Manifest, pins: Pins) -> Programs:
        """The programs that another process has pinned, as it has described them. Raises OSError."""
        return cls(manifest, pins.open(), pins)

    @property
    def sections(self) -> Mapping[str, str]:
        """Attachment point of each program, by its name."""
        return self.manifest.sections

    def pump(self, blocks: Blocks, *, limit: int, batch_ms: int) -> _ringbuf.Pump:
        """Start to empty the rings into ``blocks``, up to ``limit`` bytes."""
        rings = [
            (self.map(name), size) for name, size in zip(RINGS.values(), self.manifest.sizes, strict=True)
        ]
        pump: _ringbuf.Pump = self._native.Pump(rings, limit, batch_ms, *blocks.left())
        return pump

    def attach(self, cgroup_mount: Path) -> None:
        """Start to see system calls; connection hooks go to the root of the hierarchy at ``cgroup_mount``.

        Raises Unavailable, with nothing attached, when a hook is refused.
        """
        directory = os.open(cgroup_mount, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        name = ""
        try:
            self.prepare()
            for name, section in self.sections.items():
                if name != ENDING or not self._handles.copies:
                    self._handles.links[name] = self._attach(name, section, directory)
        except OSError as error:
            self.detach()
            raise Unavailable(f"the kernel refuses to attach {name}: {error.strerror}") from None
        finally:
            os.close(directory)

    def pin(self, pins: Pins) -> None:
        """Have everything stay as it is when this process ends. Raises OSError."""
        self._pins = pins
        pins.save(self._handles)

    def _attach(self, name: str, section: str, cgroup: int) -> int:
        target = (cgroup,) if section.startswith("cgroup/") else ()
        link: int = self._native.attach(self._handles.programs[name], section, *target)
        return link

    def prepare(self) -> None:
        """Attach already what takes long to attach, a tenth of a second each: it stays until ``release``.

        Raises OSError when the kernel refuses.
        """
        for name, program in self._handles.copies.items():
            if name not in self._handles.links:
                self._handles.links[name] = self._native.attach(program, "fexit/" + name)

    def release(self) -> None:
        """Take every program off its hook, for good, unless it is pinned."""
        self._close_links(set(self._handles.links))

    def detach(self) -> None:
        """Take the programs off their hooks, until the next session."""
        if self._pins is not None:
            self._pins.remove()
            self._pins = None
        self._close_links(self._handles.links.keys() - self._handles.copies.keys())

    def _close_links(self, names: Set[str]) -> None:
        for name in names:
            os.close(self._handles.links.pop(name))

    @property
    def attached(self) -> bool:
        """Are the programs on their hooks?"""
        return bool(self._handles.links.keys() - self._handles.copies.keys())

    def members(self) -> bytes:
        """The processes of all sessions: ``captureproto.members.MEMBER`` for each thread. Raises OSError."""
        link = self._handles.links.get(MEMBERS)
        if link is None:
            raise OSError(errno.EOPNOTSUPP, "the kernel does not list processes of sessions")
        with open(self._native.iterate(link), "rb", buffering=1 << 16) as listing:
            return listing.read()

    def enrol(self, session: int, kinds: frozenset[RecordKind], pidfd: int, cgroup_id: int) -> None:
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
        """The counters of ``session``. Raises KeyError when it is not enrolled."""
        per_cpu = self._native.map_lookup(
            self._tallies, session.to_bytes(4, "little"), abi.TALLY.size * self._cpus
        )
        if per_cpu is None:
            raise KeyError(session)
        return Tally.decode(per_cpu)

    def watch(self, daemon: Daemon, pidfd: int) -> None:
        """The process behind ``pidfd``, of one thread, is a daemon, unless it is of a session.

        Raises OSError when it is gone.
        """
        found = self._native.map_lookup(self._lineage, self._task(pidfd), abi.TASK_STATE.size)
        if found is None or abi.TASK_STATE.unpack(found)[0] == 0:
            self._place(pidfd, abi.encode_daemon_state(daemon))

    def _place(self, pidfd: int, state: bytes) -> None:
        self._native.map_update(self._lineage, self._task(pidfd), state)

    def _task(self, pidfd: int) -> bytes:
        """The key of the process behind ``pidfd``."""
        return (process_number(pidfd) if self._by_number else pidfd).to_bytes(4, "little")

    def map(self, name: str) -> int:
        """Descriptor of a map, which is ours."""
        return self._handles.maps[name]

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

    def restriction(self, session: int) -> int:
        """The policy that holds for ``session``; 0 is none."""
        found = self._native.map_lookup(self._session_policies, session.to_bytes(4, "little"), 4)
        return int.from_bytes(found or b"", "little")

    def policy_keys(self) -> list[bytes]:
        """Of all parts of policies."""
        keys: list[bytes] = self._native.map_keys(self._policies, abi.POLICY_KEY.size)
        return keys

    def unrestrict(self, session: int) -> None:
        """No task of ``session`` is left: nothing is said of its connections any more."""
        self._native.map_delete(self._session_policies, session.to_bytes(4, "little"))

    def add_policy(self, key: bytes, ports: bytes) -> None:
        """Tell the kernel a part of a policy, as ``abi`` encodes it. Raises OSError."""
        self._native.map_update(self._policies, key, ports)

    def remove_policy(self, key: bytes) -> None:
        """The opposite of ``add_policy``."""
        self._native.map_delete(self._policies, key)

    def guard(self, guard: ProtectedKind, number: int) -> None:
        """Record what sessions do to our process, or to cgroups below our directory, of this number."""
        self._native.map_update(self._guarded, abi.GUARDED.pack(guard, number), b"\1")

    def unguard(self, guard: ProtectedKind, number: int) -> None:
        """The number may become another's."""
        self._native.map_delete(self._guarded, abi.GUARDED.pack(guard, number))

    def unguard_all(self, guard: ProtectedKind) -> None:
        """Nothing of this kind is guarded."""
        for key in self._native.map_keys(self._guarded, abi.GUARDED.size):
            if abi.GUARDED.unpack(key)[0] == guard:
                self._native.map_delete(self._guarded, key)

    def missed_runs(self) -> int:
        """Count the runs of programs that the kernel skipped, which no session's counts can show."""
        programs = [*self._handles.programs.values(), *self._handles.copies.values()]
        return sum(map(self._native.missed_runs, programs))


def measures(variant: Variant, without: frozenset[str]) -> dict[str, tuple[int, str]]:
    """Instructions of each program and what the verifier said of it. Raises OSError and Unavailable."""
    opened = _opened(variant)
    _prepare(opened, LoadRequest(AUTO, variant, without))
    opened.measure()
    opened.load()
    found: dict[str, tuple[int, str]] = opened.measures()
    return {name: measure for name, measure in found.items() if name not in without}


def _prepare(opened: _ringbuf.Object, request: LoadRequest) -> None:
    """Set up what is fixed once it is loaded."""
    knobs = abi.Knobs(
        *request.sizes,
        mount_namespace=os.stat("/proc/self/ns/mnt").st_ino,
        system_mount=_mount_of("/usr"),
        hooks=hooks_without(request.without),
    )
    for kind, size in zip(RINGS, request.sizes, strict=True):
        opened.resize(RINGS[kind], size)
    opened.initialise(".rodata.proctor", knobs.encode())
    for name in request.without:
        opened.select(name, False)


def _behind_each_call(opened: _ringbuf.Object) -> dict[str, _ringbuf.Copy]:
    try:
        copies: dict[str, _ringbuf.Copy] = opened.copies(ENDING, hooked_syscalls.functions())
    except OSError as error:
        raise _refused(ENDING, error.errno or errno.EINVAL) from None
    if not copies.keys() >= hooked_syscalls.INDISPENSABLE:
        raise _refused(ENDING, errno.ENOENT)
    return copies


def object_digest(variant: Variant) -> str:
    """SHA-256 of the object file. Raises Unavailable when it was not built."""
    try:
        return hashlib.sha256(_path(variant).read_bytes()).hexdigest()
    except OSError:
        raise _not_built(variant) from None


def shapes(variant: Variant) -> dict[str, tuple[int, ...]]:
    """Definitions of the maps of a variant, without the sizes of rings. Raises Unavailable."""
    return {
        name: shape[: 3 if name in RINGS.values() else None]
        for name, shape in sorted(_opened(variant).maps().items())
        if "." not in name
    }


def layout() -> str:
    """SHA-256 of what is in maps and records, as this version understands it."""
    return hashlib.sha256(repr(abi.tables()).encode()).hexdigest()


def fits(manifest: Manifest, variant: Variant) -> bool:
    """Can programs of this version go on with the maps of others? Raises Unavailable.

    A map that this version does not know, or knows by another name, holds state that would be lost.
    """
    programs = _opened(variant).programs().keys()
    return (
        manifest.layout == layout()
        and manifest.maps.items() <= shapes(variant).items()
        and manifest.sections.keys() | manifest.without <= programs
    )


def _refused(program: str, code: int) -> OSError:
    """As libbpf says it."""
    return OSError(code, os.strerror(code), f"prog '{program}': failed to load: {-code}")


def _opened(variant: Variant) -> _ringbuf.Object:
    try:
        opened: _ringbuf.Object = native().Object(str(_path(variant)))
    except OSError:
        raise _not_built(variant) from None
    return opened


def _path(variant: Variant) -> Path:
    return OBJECTS / f"{variant.name}.bpf.o"


def _not_built(variant: Variant) -> Unavailable:
    return Unavailable(f"{_path(variant).name} was not built into this installation", hint=BUILD_HINT)


def process_number(pidfd: int) -> int:
    """The kernel's own number of the process behind ``pidfd``; raises OSError when it cannot be read."""
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
