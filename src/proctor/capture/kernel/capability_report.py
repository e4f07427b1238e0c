# SPDX-License-Identifier: Apache-2.0
"""Capabilities and limits of this machine for recording, as sentences for people."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from proctor.capture.kernel.kernel_features import SECOND_LINE
from proctor.capture.kernel.loader import AUTO, RingSizes
from proctor.capture.kernel.object_selection import LoadedPrograms, load, refusal_in
from proctor.core.errors import Unavailable

BTF = Path("/sys/kernel/btf/vmlinux")
MINIMUM_KERNEL = (5, 8)
_CAP_SYS_ADMIN = 21
_CAP_PERFMON = 38
_CAP_BPF = 39
_NOTHING = "Commands, opened files and connections cannot be recorded"
_PURPOSES = {
    "proctor_fork": "Nothing can be recorded: child processes of a session cannot be followed",
    "proctor_exit": "The end of detached sessions cannot be seen",
    "proctor_exec": "Executed commands cannot be recorded",
    "proctor_sysexit": "Opened files, connections and failed commands cannot be recorded",
    "proctor_tcp": "The source of refused connections, and the outcome of those that no call awaits, "
    "cannot be recorded",
    "proctor_conn4": "Destinations of IPv4 connections cannot be recorded as seen by the kernel, nor denied",
    "proctor_conn6": "Destinations of IPv6 connections cannot be recorded as seen by the kernel, nor denied",
    "proctor_send4": "IPv4 datagrams cannot be recorded",
    "proctor_send6": "IPv6 datagrams cannot be recorded",
    "proctor_iosub": "Names of files opened through io_uring cannot be recorded as they were given",
    "proctor_iodone": "Files opened through io_uring, and the results of its connections, cannot be recorded",
    "proctor_iopost": "Connections accepted through io_uring, several by one request, cannot be recorded",
    "proctor_socket": "Raw sockets cannot be denied, so that roles with a network policy have no session",
}


class CapabilityReport(msgspec.Struct, frozen=True):
    """What this machine lets us record.

    ``missing``: a sentence for each thing that is promised and cannot be recorded, with the reason.
    ``limits``: a sentence for each thing beyond the promise that cannot be. ``programs``: names of the
    programs that the kernel accepted, of the object ``variant``; ``hooks``: where each of them is attached.
    """

    missing: list[str] = []
    limits: list[str] = []
    programs: list[str] = []
    hooks: dict[str, str] = {}
    variant: str = ""

    @property
    def ok(self) -> bool:
        """Can everything be recorded that enhanced recording promises?"""
        return not self.missing


def probe(sizes: RingSizes = AUTO, *, without: Iterable[str] = ()) -> CapabilityReport:
    """Ask the kernel, by loading every program; takes a tenth of a second and leaves nothing behind."""
    if obstacles := _obstacles():
        return CapabilityReport(missing=obstacles)
    try:
        loaded = load(sizes, without)
    except Unavailable as error:
        return CapabilityReport(missing=[f"{_NOTHING}: {error}. {error.hint}"])
    except OSError as error:
        refused = refusal_in(error)
        return CapabilityReport(missing=[refusal(*refused) if refused else f"{_NOTHING}: {_reason(error)}."])
    return CapabilityReport(
        limits=limits(loaded),
        programs=sorted(loaded.programs.sections),
        hooks=dict(sorted(loaded.programs.sections.items())),
        variant=loaded.variant.name,
    )


def limits(loaded: LoadedPrograms) -> list[str]:
    """Describe what is not recorded, without these programs, that would be on another kernel."""
    off = [f"{_purpose(program)}: switched off." for program in sorted(loaded.without - SECOND_LINE)]
    refused = [refusal(*each) for each in loaded.refused if each.program not in SECOND_LINE]
    return [*loaded.variant.limits, *refused, *off]


def refusal(program: str, code: int) -> str:
    """The message for people when the kernel refuses ``program`` with errno ``code``."""
    name = errno.errorcode.get(code, str(code))
    return f"{_purpose(program)}: the kernel refuses the program {program} ({name}, {os.strerror(code)})."


def _purpose(program: str) -> str:
    return _PURPOSES.get(program, f"What {program} sees cannot be recorded")


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
