"""From object file to attached programs, and what to tell a person when that is not possible."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

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


def probe() -> CapabilityReport:
    """Ask the kernel, by loading every program; takes about a tenth of a second and leaves nothing behind."""
    if obstacles := _obstacles():
        return CapabilityReport(missing=obstacles)
    return CapabilityReport()


def _obstacles() -> list[str]:
    """Why nothing at all can be recorded, before any program is tried."""
    found = []
    release = os.uname().release
    if kernel_version(release) < MINIMUM_KERNEL:
        least = ".".join(map(str, MINIMUM_KERNEL))
        found.append(f"{_NOTHING}: the kernel is {release}, and {least} or newer is needed.")
    if not BTF.exists():
        found.append(f"{_NOTHING}: the kernel has no type information ({BTF} does not exist).")
    if not _may_load(Path("/proc/self/status").read_text()):
        found.append(f"{_NOTHING}: loading BPF programs needs root, or CAP_BPF and CAP_PERFMON.")
    return found


def kernel_version(release: str) -> tuple[int, int]:
    """Major and minor number in ``uname -r``; (0, 0) when there are none."""
    match = re.match(r"(\d+)\.(\d+)", release)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _may_load(status: str) -> bool:
    """Does a process with this ``/proc/<pid>/status`` have the capabilities for tracing programs?"""
    match = re.search(r"^CapEff:\s*([0-9a-f]+)", status, re.MULTILINE)
    effective = int(match[1], 16) if match else 0

    def has(capability: int) -> bool:
        return bool(effective >> capability & 1)

    return has(_CAP_SYS_ADMIN) or (has(_CAP_BPF) and has(_CAP_PERFMON))
