# SPDX-License-Identifier: Apache-2.0
"""What can be in force while the probe runs: nothing, a program that does nothing, ourselves, and peers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.capture.probe import OTHER_CPU, Probe, inside, outside
from proctor.capture.kernel.extension import native
from testing.capture import CaptureHarness
from testing.polling import until
from testing.processes import Process

BPFTRACE = """
tracepoint:syscalls:sys_enter_open,
tracepoint:syscalls:sys_enter_openat { @path[tid] = args->filename; }
tracepoint:syscalls:sys_exit_open,
tracepoint:syscalls:sys_exit_openat /@path[tid]/ {
    printf("%d %s open %d %s\\n", pid, comm, args->ret, str(@path[tid])); delete(@path[tid]);
}
tracepoint:syscalls:sys_enter_connect { printf("%d %s connect %d\\n", pid, comm, args->fd); }
tracepoint:sched:sched_process_exec { printf("%d %s exec %s\\n", pid, comm, str(args->filename)); }
BEGIN { printf("ready\\n"); }
"""
BPFTRACE_COMMAND = ("bpftrace", "-B", "line", "-e")
STRACE = ("strace", "-f", "-qq", "-e", "trace=open,openat,creat,openat2,connect,execve,execveat")
RULES = ("open,openat,creat,openat2", "connect", "execve,execveat")


@dataclass(frozen=True)
class Condition:
    """One row of the table. ``enter`` gives the probe to measure, with the condition in force."""

    title: str
    enter: Callable[[], AbstractContextManager[Probe]]
    rounds: int
    """How often it is measured; peers that take seconds to start are measured less often."""


class Conditions:
    """All that this machine can do, made from one lab and one probe outside sessions."""

    def __init__(self, lab: CaptureHarness, program: Path, noop: Path, directory: Path) -> None:
        self._lab = lab
        self._argv = [str(program)]
        self._noop = noop
        self._directory = directory

    def floor(self, rounds: int) -> list[Condition]:
        """The control, and the least that any recorder costs."""
        return [
            Condition("control: nothing", self.nothing, rounds),
            Condition("a program that does nothing", self._doing_nothing, rounds),
        ]

    def ours(self, rounds: int, way: str = "") -> list[Condition]:
        """Ourselves, hooked in some ``way``."""
        return [
            Condition(f"outside, while a session is open{way}", self._beside, rounds),
            Condition(f"inside a session{way}", self._within, rounds),
        ]

    def peers(self, rounds: int) -> list[Condition]:
        """Other recorders that are installed; kernel audit last, as it leaves traces in every task."""
        found = []
        if shutil.which("strace"):
            found.append(Condition("strace -f", self._straced, rounds))
        if shutil.which("bpftrace"):
            mount_tracefs()
            found.append(Condition("bpftrace", self._bpftraced, rounds))
        if shutil.which("auditctl") and os.access("/sbin/auditd", os.X_OK):
            found.append(Condition("auditd", self._audited, rounds))
        return found

    def nothing(self) -> AbstractContextManager[Probe]:
        """The probe as it is; the capture service runs, with no session open."""
        return outside(self._argv)

    @contextmanager
    def _doing_nothing(self) -> Iterator[Probe]:
        program = native().Object(str(self._noop))
        program.load()
        with outside(self._argv) as probe:
            link = program.attach("nothing")
            try:
                yield probe
            finally:
                link.close()

    @contextmanager
    def _beside(self) -> Iterator[Probe]:
        with outside(self._argv) as probe, inside(self._lab, self._argv):
            yield probe

    def _within(self) -> AbstractContextManager[Probe]:
        return inside(self._lab, self._argv)

    def _straced(self) -> AbstractContextManager[Probe]:
        output = str(self._directory / "strace.out")
        return outside([*STRACE, "-o", output, *self._argv])

    @contextmanager
    def _bpftraced(self) -> Iterator[Probe]:
        log = self._directory / "bpftrace.log"
        with ExitStack() as stack:
            probe = stack.enter_context(outside(self._argv))
            tracer = Process(_elsewhere(*BPFTRACE_COMMAND, BPFTRACE), log=log)
            stack.callback(tracer.stop)
            tracer.wait_output("ready")
            yield probe

    @contextmanager
    def _audited(self) -> Iterator[Probe]:
        """Rules for every process, written to disk by auditd with its defaults."""
        with ExitStack() as stack:
            stack.enter_context(_auditd(self._directory / "audit"))
            yield stack.enter_context(outside(self._argv))


def mount_tracefs() -> None:
    """Where bpftrace looks for tracepoints; in the mount namespace of the benchmark only."""
    if not Path("/sys/kernel/debug/tracing/events").exists():
        subprocess.run(["mount", "-t", "debugfs", "debugfs", "/sys/kernel/debug"], check=True)


@contextmanager
def _auditd(directory: Path) -> Iterator[None]:
    directory.mkdir(mode=0o750, exist_ok=True)
    settings = directory / "auditd.conf"
    settings.write_text(
        f"log_file = {directory}/audit.log\nlog_format = RAW\nflush = INCREMENTAL_ASYNC\nfreq = 50\n"
        "max_log_file = 2000\nmax_log_file_action = ROTATE\nnum_logs = 2\nspace_left = 75\n"
        "space_left_action = IGNORE\nadmin_space_left = 50\nadmin_space_left_action = IGNORE\n"
        "disk_full_action = IGNORE\ndisk_error_action = IGNORE\n"
    )
    settings.chmod(0o640)
    daemon = Process(_elsewhere("/sbin/auditd", "-n", "-c", str(directory)), log=directory / "daemon.log")
    try:
        until((directory / "audit.log").exists, 10, "auditd")
        _auditctl("-D")
        for calls in RULES:
            flags = [part for call in calls.split(",") for part in ("-S", call)]
            _auditctl("-a", "always,exit", "-F", "arch=b64", *flags)
        _auditctl("-b", "65536")
        _auditctl("-e", "1")
        yield
    finally:
        _auditctl("-D")
        _auditctl("-e", "0")
        daemon.stop()


def _auditctl(*arguments: str) -> None:
    subprocess.run(["auditctl", *arguments], check=True, capture_output=True)


def _elsewhere(*argv: str) -> Sequence[str]:
    return ["taskset", "--cpu-list", str(OTHER_CPU), *argv]
