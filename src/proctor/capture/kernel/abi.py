# SPDX-License-Identifier: Apache-2.0
"""Layouts of ``bpf/include/record.h`` and ``control.h``; a test compares them with the built object."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum, IntFlag

import msgspec


class RecordKind(IntEnum):
    """``enum record_kind``: what a record is about; ``1 << kind`` selects it for a session."""

    PROCESS = 0
    COMMAND = 1
    DISK = 2
    NETWORK = 3
    TAMPER = 4


class Flag(IntFlag):
    """``enum record_flags``."""

    CUT_PATH = 1
    CUT_ARGS = 2
    CUT_ENV = 4
    UNREADABLE = 8
    DELETED = 16
    VIA_IO_URING = 32
    DETACHED = 64
    DETACHED_CWD = 128
    UNRESOLVED = 256


class Technique(IntEnum):
    """``enum technique``."""

    NONE = 0
    ESCAPE = 1
    BPF = 2
    PTRACE = 3
    VM_WRITE = 4
    VM_READ = 5
    PIDFD_GETFD = 6
    PROC_MEM = 7
    SIGNAL = 8
    CGROUP = 9
    MODULE = 10
    KEXEC = 11
    PRELOAD = 12
    PERF = 13
    IO_URING = 14
    MOUNT = 15
    KERNEL_MEMORY = 16
    CLOCK = 17


class ProtectedKind(IntEnum):
    """``enum guard``: what sessions are to leave alone."""

    PROCESS = 0
    CGROUP = 1


class Operation(IntEnum):
    """``enum network_operation``."""

    NONE = 0
    CONNECT = 1
    SEND = 2
    ACCEPT = 3
    LISTEN = 4
    OUTCOME = 5
    SOCKET = 6


class Hook(IntFlag):
    """``enum hook``: programs that are there, of those that a kernel may refuse."""

    CONNECTIONS = 1
    STATES = 2
    POSTED = 4


class Daemon(IntEnum):
    """``enum daemon``: who starts programs for others."""

    NONE = 0
    AT = 1
    CRON = 2
    MANAGER = 3
    CONTAINERS = 4


LENGTH = struct.Struct("=I")
"""What ``_ringbuf.Ring.drain`` puts before each record."""

HEADER_FIELDS = (
    ("time", "Q"),
    ("cgroup_id", "Q"),
    ("session", "I"),
    ("kind", "B"),
    ("delegation", "B"),
    ("flags", "H"),
    ("pid", "I"),
    ("ppid", "I"),
    ("uid", "I"),
    ("euid", "I"),
    ("audit_session", "I"),
    ("result", "i"),
    ("program", "16s"),
)
COMMAND_TEXTS = ("path", "exe", "cwd", "interpreter", "tty", "env", "loader")
IDENTITY_FIELDS = (("inode", "Q"), ("size", "Q"), ("changed", "q"), ("changed_ns", "I"), ("device", "I"))
COMMAND_FIELDS = (
    ("sizes", "7H"),
    ("padding", "2x"),
    ("args", "I"),
    ("mount", "I"),
    ("args_total", "Q"),
    ("exe", "32s"),
)
DISK_FIELDS = (("open_flags", "I"), ("size", "I"), ("inode", "Q"), ("device", "I"), ("mount", "I"))
ENDPOINT_FIELDS = (
    ("operation", "H"),
    ("family", "H"),
    ("protocol", "H"),
    ("source_port", "H"),
    ("destination_port", "H"),
    ("denied", "H"),
    ("padding", "4x"),
    ("source", "16s"),
    ("destination", "16s"),
)
KNOB_FIELDS = (
    ("command_limit", "I"),
    ("text_limit", "I"),
    ("disk_limit", "I"),
    ("hooks", "I"),
    ("command_mark", "Q"),
    ("disk_mark", "Q"),
    ("network_mark", "Q"),
    ("mount_namespace", "Q"),
    ("system_mount", "Q"),
)
RULES_FIELDS = (
    ("variable_count", "I"),
    ("noise_count", "I"),
    ("variables", "512s"),
    ("noise", "512s"),
)
TAMPER_FIELDS = (("argument", "Q"), ("target", "I"), ("technique", "H"), ("size", "H"))
POLICY_KEY_FIELDS = (("prefix_length", "I"), ("policy", "I"), ("address", "16s"))
POLICY_PORTS_FIELDS = (("tcp", "128s"), ("udp", "128s"))
GUARDED_FIELDS = (("guard", "I"), ("padding", "4x"), ("number", "Q"))
TASK_STATE_FIELDS = (
    ("session", "I"),
    ("kinds", "I"),
    ("cgroup", "Q"),
    ("delegation", "B"),
    ("daemon", "B"),
    ("reported", "B"),
    ("begun", "B"),
    ("padding", "4x"),
    ("socket", "Q"),
    ("pending", "48s"),
)
DELEGATION_FIELDS = (("session", "I"), ("number", "I"))
EVIDENCE_FIELDS = (("daemon", "I"), ("size", "I"), ("text", "512s"))
PLACE_FIELDS = (("inode", "Q"), ("device", "Q"))
ORDER_FIELDS = (("daemon", "I"), ("uid", "I"), ("text", "248s"))
JOB_FIELDS = (("session", "I"), ("kinds", "I"), ("delegation", "I"), ("daemon", "I"))
JOB_COUNTS_FIELDS = (("delegations", "I"), ("files", "I"), ("orders", "I"))
TALLY_FIELDS = (
    ("seen", "5Q"),
    ("lost", "5Q"),
    ("filtered", "5Q"),
    ("started", "5Q"),
    ("unfinished", "5q"),
    ("tasks", "q"),
)


def _layout(fields: tuple[tuple[str, str], ...]) -> struct.Struct:
    return struct.Struct("=" + "".join(code for _, code in fields))


HEADER = _layout(HEADER_FIELDS)
IDENTITY = _layout(IDENTITY_FIELDS)
COMMAND = _layout(COMMAND_FIELDS)
DISK = _layout(DISK_FIELDS)
RULES = _layout(RULES_FIELDS)
TAMPER = _layout(TAMPER_FIELDS)
ENDPOINTS = _layout(ENDPOINT_FIELDS)
KNOBS = _layout(KNOB_FIELDS)
GUARDED = _layout(GUARDED_FIELDS)
POLICY_KEY = _layout(POLICY_KEY_FIELDS)
POLICY_PORTS = _layout(POLICY_PORTS_FIELDS)
TASK_STATE = _layout(TASK_STATE_FIELDS)
TALLY = _layout(TALLY_FIELDS)
DELEGATION = _layout(DELEGATION_FIELDS)
EVIDENCE = _layout(EVIDENCE_FIELDS)
PLACE = _layout(PLACE_FIELDS)
ORDER = _layout(ORDER_FIELDS)
JOB = _layout(JOB_FIELDS)
JOB_COUNTS = _layout(JOB_COUNTS_FIELDS)

MAX_SESSIONS = 8192
SESSION_JOBS = 1024
"""Files, and orders, of one session: none fills the kernel's maps for others."""
MAX_PATTERNS = 8
PATTERN_BYTES = 32
POLICY_RANGES = 32
_RANGE = struct.Struct("=HH")
_NO_RANGE = _RANGE.pack(1, 0)
_PATH_BYTES = 4096
_ORDER_BYTES = 248
ANY_USER = 0xFFFFFFFF
_LARGEST_COMMAND = 1 << 20
_LEAST_COMMAND = 2048


def tables() -> dict[str, object]:
    """Return what another version must have in common for its records to be understood."""
    fields = {name: table for name, table in sorted(globals().items()) if name.endswith("_FIELDS")}
    return {**fields, "kinds": list(RecordKind), "daemons": list(Daemon)}


NO_HOOKS = Hook(0)


class Knobs(msgspec.Struct, frozen=True):
    """Limits that follow from the sizes of the rings, in bytes; ``hooks``: programs that are there."""

    command_ring: int
    disk_ring: int
    network_ring: int
    mount_namespace: int = 0
    system_mount: int = 0
    hooks: Hook = NO_HOOKS

    def encode(self) -> bytes:
        """``struct knobs``: a record takes at most a quarter of its ring (half of the smallest)."""
        command = min(max(self.command_ring // 4, _LEAST_COMMAND), _LARGEST_COMMAND)
        return KNOBS.pack(
            command,
            min(command // 8, _PATH_BYTES),
            min(self.disk_ring // 4, _PATH_BYTES - 1),
            self.hooks,
            self.command_ring // 4,
            self.disk_ring // 4,
            self.network_ring // 4,
            self.mount_namespace,
            self.system_mount,
        )


class Tally(msgspec.Struct, frozen=True):
    """Counts of one session, by kind: records submitted, lost and left out; attempts started, and those of
    them whose end was not seen yet; and the number of tasks alive.
    """

    seen: tuple[int, ...]
    lost: tuple[int, ...]
    tasks: int
    filtered: tuple[int, ...] = ()
    started: tuple[int, ...] = ()
    unfinished: tuple[int, ...] = ()

    @classmethod
    def decode(cls, per_cpu: bytes) -> Tally:
        """The sum over all processors. Raises ValueError when ``per_cpu`` is torn."""
        if not per_cpu or len(per_cpu) % TALLY.size:
            raise ValueError("a tally that is no multiple of its size")
        totals = [sum(column) for column in zip(*TALLY.iter_unpack(per_cpu), strict=True)]
        kinds = len(RecordKind)
        seen, lost, filtered, started, unfinished = (
            tuple(totals[start : start + kinds]) for start in range(0, 5 * kinds, kinds)
        )
        return cls(seen, lost, totals[-1], filtered, started, unfinished)


def encode_tally(tasks: int, cpus: int) -> bytes:
    """A tally in which ``tasks`` tasks live and nothing was counted."""
    first = TALLY.pack(*[0] * (5 * len(RecordKind)), tasks)
    return first + bytes(TALLY.size * (cpus - 1))


def encode_task_state(session: int, kinds: frozenset[RecordKind], cgroup: int = 0) -> bytes:
    """The state of the first task of a session, whose cgroup has the number ``cgroup``."""
    return TASK_STATE.pack(session, sum(1 << kind for kind in kinds), cgroup, 0, Daemon.NONE, 0, 0, 0, b"")


def encode_order(daemon: Daemon, uid: int, text: bytes) -> bytes:
    """By what a child of ``daemon`` and of user ``uid`` shows that it does a job."""
    return ORDER.pack(daemon, uid, text[: _ORDER_BYTES - 1])


def encode_daemon_state(daemon: Daemon) -> bytes:
    """The state of a daemon, which is in no session."""
    return TASK_STATE.pack(0, 0, 0, 0, daemon, 0, 0, 0, b"")


def encode_policy_key(policy: int, address: bytes, bits: int) -> bytes:
    """The key of the first ``bits`` of ``address``, of 16 bytes, in ``policy``."""
    return POLICY_KEY.pack(32 + bits, policy, address)


def encode_policy_ports(tcp: Sequence[tuple[int, int]], udp: Sequence[tuple[int, int]]) -> bytes:
    """Ports, first and last of each range, at most ``POLICY_RANGES`` of them."""
    return POLICY_PORTS.pack(*(_encode_ranges(ranges) for ranges in (tcp, udp)))


def _encode_ranges(ranges: Sequence[tuple[int, int]]) -> bytes:
    used = b"".join(_RANGE.pack(*pair) for pair in ranges)
    return used + _NO_RANGE * (POLICY_RANGES - len(ranges))
