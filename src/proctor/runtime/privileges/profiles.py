# SPDX-License-Identifier: Apache-2.0
"""Privileges of each process: the table in docs/threat-model.md, which a test compares with processes.

The spawner's sessions must be able to do what those of sshd can: sudo works in them, and root is root. What
limits a process for good (the bounding set, ``no_new_privs``, seccomp) limits all that it starts, so the
supervisor and the spawner give up capabilities only.
"""

from __future__ import annotations

import logging
import os
from typing import Literal, NamedTuple

from proctor.config.boot import ServiceName
from proctor.core import linux
from proctor.runtime.privileges import capabilities, seccomp
from proctor.runtime.privileges.capabilities import Capability as Cap
from proctor.runtime.privileges.syscalls import CAPTURE, NETWORK, SIGNER

_log = logging.getLogger(__name__)


class PrivilegeProfile(NamedTuple):
    """``keeps``: capabilities. ``final``: they bound what is executed, and nothing executed gets more."""

    keeps: frozenset[Cap]
    final: bool


_FILES = {Cap.CHOWN, Cap.DAC_OVERRIDE, Cap.DAC_READ_SEARCH, Cap.FOWNER}
_SESSIONS = {
    Cap.AUDIT_CONTROL, Cap.AUDIT_WRITE, Cap.FSETID, Cap.KILL, Cap.SETGID, Cap.SETPCAP, Cap.SETUID,
    Cap.SYS_ADMIN, Cap.SYS_CHROOT, Cap.SYS_NICE, Cap.SYS_PTRACE, Cap.SYS_RESOURCE,
}  # fmt: skip
_TRACING = {
    Cap.BPF, Cap.IPC_LOCK, Cap.KILL, Cap.NET_ADMIN, Cap.PERFMON, Cap.SYSLOG, Cap.SYS_ADMIN, Cap.SYS_NICE,
    Cap.SYS_PTRACE, Cap.SYS_RESOURCE,
}  # fmt: skip
SPAWNER = PrivilegeProfile(frozenset(_FILES | _SESSIONS), final=False)
CAPTURE_PROFILE = PrivilegeProfile(frozenset(_FILES | _TRACING), final=True)
SUPERVISOR = PrivilegeProfile(
    frozenset(_FILES | {Cap.KILL, Cap.NET_BIND_SERVICE, Cap.SYS_RESOURCE}), final=False
)
_PROFILES = {"supervisor": SUPERVISOR, "spawner": SPAWNER, "capture": CAPTURE_PROFILE}
_CALLS = {"capture": CAPTURE, "diag": NETWORK}
_NOTHING: frozenset[Cap] = frozenset()


def confine(service: ServiceName | Literal["supervisor"]) -> None:
    """Give up what ``service`` never needs, if it runs as root; before any thread. Raises OSError."""
    profile = _PROFILES.get(service)
    if profile is None or os.geteuid() != 0:
        return
    if profile.final:
        capabilities.bound(profile.keeps)
        linux.forbid_new_privileges()
    capabilities.keep(profile.keeps)


def confine_signer() -> None:
    """Leave the process that holds the host key nothing but to sign. Raises OSError."""
    if os.geteuid() == 0:
        capabilities.bound(_NOTHING)
        capabilities.keep(_NOTHING)
    linux.forbid_new_privileges()
    linux.forbid_dumps()
    _filter("process that holds the host key", SIGNER)


def filter_calls(service: ServiceName) -> None:
    """Let ``service`` make only the system calls that it needs once it has started.

    Where that is not possible, the log says so, and the service goes on.
    """
    if (calls := _CALLS.get(service)) is not None:
        _filter(f"service {service}", calls)


def _filter(who: str, calls: frozenset[str]) -> None:
    try:
        seccomp.allow_only(calls)
    except seccomp.SeccompError as error:
        _log.warning("the %s may make any system call: %s", who, error.diagnostics())
