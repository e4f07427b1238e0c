# SPDX-License-Identifier: Apache-2.0
"""The objects for newer and older kernels, and the features of a kernel that can be done without."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from proctor.capture.kernel.abi import Hook
from proctor.core.errors import ConfigError

SWITCH = "PROCTOR_CAPTURE_WITHOUT"
"""Environment variable: features to do without, with commas between, as if the kernel did not have them."""

REQUIRED = frozenset({"proctor_fork", "proctor_exit", "proctor_exec", "proctor_sysexit"})
"""Programs without which enhanced recording would not be what it promises; all others are optional."""

HOOKS = frozenset({"proctor_conn4", "proctor_conn6", "proctor_send4", "proctor_send6", "proctor_socket"})
"""Programs that see, and refuse, what no other does: a variant that has them is preferred."""


REQUESTS = frozenset({"proctor_iosub", "proctor_iodone"})
"""Programs that see what is done through io_uring."""

EVIDENCE = {
    Hook.CONNECTIONS: HOOKS,
    Hook.STATES: frozenset({"proctor_tcp"}),
    Hook.POSTED: frozenset({"proctor_iopost"}),
}
"""Optional programs that see attempts: where they are not there, others report them earlier and with less."""


def hooks_without(missing: Collection[str]) -> Hook:
    """Describe what is still seen without the programs ``missing``."""
    return Hook(sum(hook for hook, programs in EVIDENCE.items() if programs.isdisjoint(missing)))


SECOND_LINE = frozenset({"proctor_lsmconn", "proctor_lsmsend"})
"""Programs that refuse, as a security module of the kernel, what the hooks would refuse after them."""


class Variant(NamedTuple):
    """An object built for kernels that lack ``lacks``; ``limits`` says what that costs."""

    name: str
    lacks: frozenset[str]
    limits: tuple[str, ...]

    @property
    def by_number(self) -> bool:
        """Is the state of tasks kept by their number, for want of storage with each task?"""
        return "task_storage" in self.lacks


_LOOP = (
    "Paths of more than 48 directories, environments of more than 256 pieces and more than 32 arguments "
    "of a command that failed are cut: the kernel has no bpf_loop."
)
_STORAGE = (
    "At most 65536 tasks of sessions can be followed at a time; what more there are is counted as lost: "
    "the kernel has no task storage for all programs that need it."
)
VARIANTS = (
    Variant("capture", frozenset(), ()),
    Variant("capture-6.2", frozenset({"task_storage"}), (_STORAGE,)),
    Variant("capture-5.17", frozenset({"casts", "task_storage"}), (_STORAGE,)),
    Variant("capture-5.8", frozenset({"casts", "loop", "task_storage"}), (_LOOP, _STORAGE)),
)
"""From the one that asks most of the kernel to the one that asks least."""


def named(name: str) -> Variant:
    """The variant of this name. Raises KeyError."""
    return {variant.name: variant for variant in VARIANTS}[name]


OPTIONAL: dict[str, frozenset[str]] = {
    "cgroup_hooks": HOOKS,
    "set_state": frozenset({"proctor_tcp"}),
    "io_uring": REQUESTS | {"proctor_iopost"},
    "lsm": SECOND_LINE,
    "sys_exit": frozenset(),
}
"""Features that are programs of their own, for the switch; without ``sys_exit`` each call has its hook."""


def switched_off(environment: Mapping[str, str]) -> frozenset[str]:
    """The features that ``SWITCH`` names. Raises ConfigError for one that does not exist."""
    named = frozenset(name.strip() for name in environment.get(SWITCH, "").split(",") if name.strip())
    known = frozenset(OPTIONAL).union(*(variant.lacks for variant in VARIANTS))
    if unknown := named - known:
        raise ConfigError(f"{SWITCH} names {', '.join(sorted(unknown))}", hint=f"Known: {sorted(known)}.")
    return named
