# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ctypes
import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from testing.capture import CaptureHarness, Event, cgroup_mount

LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE, KILL, VM_READV, VM_WRITEV = 101, 62, 310, 311
BPF, PERF, IO_URING_SETUP, PIDFD_GETFD, PIDFD_SEND_SIGNAL = 321, 298, 425, 438, 424
DELETE_MODULE, INIT_MODULE, KEXEC_LOAD, CLOCK_SETTIME, UMOUNT2 = 176, 175, 246, 227, 166
OVERFLOW_UID = 65534


def call(number: int, *args: object) -> int:
    """A system call; the result or a negative errno."""
    ctypes.set_errno(0)
    result = LIBC.syscall(ctypes.c_long(number), *args)
    return -ctypes.get_errno() if result < 0 else result


def tampering(lab: CaptureHarness, main: Callable[[], object]) -> list[Event]:
    """What is recorded as tampering of a session that runs ``main``."""

    def attempt() -> None:
        with suppress(OSError):
            main()

    return lab.run(attempt, ["command"]).events("session.tamper")


@contextmanager
def foreign_process() -> Iterator[int]:
    """A process outside all sessions."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process.pid
        process.kill()


@pytest.mark.parametrize(
    ("technique", "attempt", "expected"),
    [
        ("bpf", lambda: call(BPF, 5, 0, 0), {"detail": "BPF_PROG_LOAD", "return_code": -errno.E2BIG}),
        ("perf", lambda: call(PERF, 0, 0, -1, -1, 0), {"return_code": -errno.EFAULT}),
        ("io_uring", lambda: call(IO_URING_SETUP, 0, 0), {"return_code": -errno.EFAULT}),
        ("module", lambda: call(DELETE_MODULE, b"no_such_module", 0), {"target": "no_such_module"}),
        ("module", lambda: call(INIT_MODULE, 0, 0, 0), {}),
        ("kexec", lambda: call(KEXEC_LOAD, 0, 99, 0, 0), {}),
        ("clock", lambda: call(CLOCK_SETTIME, 0, 0), {"return_code": -errno.EFAULT}),
        ("mount", lambda: call(UMOUNT2, b"/proc/no/such/mount", 0), {"target": "/proc/no/such/mount"}),
    ],
)
def test_attempts_are_recorded_with_their_failure(
    lab: CaptureHarness, technique: str, attempt: Callable[[], object], expected: Event
) -> None:
    [event] = tampering(lab, attempt)

    assert event["technique"] == technique
    assert event["return_code"] < 0
    assert event | expected == event


def test_ptrace_of_a_foreign_process(lab: CaptureHarness) -> None:
    with foreign_process() as target:
        [event] = tampering(lab, lambda: call(PTRACE, 16, target, 0, 0))

    assert (event["technique"], event["detail"]) == ("ptrace", "PTRACE_ATTACH")
    assert (event["target_pid"], event["return_code"]) == (target, 0)


def test_ptrace_that_is_refused(lab: CaptureHarness) -> None:
    def attempt() -> None:
        os.setresuid(OVERFLOW_UID, OVERFLOW_UID, OVERFLOW_UID)
        call(PTRACE, 0x4206, os.getppid(), 0, 0)

    [event] = tampering(lab, attempt)

    assert (event["detail"], event["return_code"]) == ("PTRACE_SEIZE", -errno.EPERM)
    assert (event["target_pid"], event["process_uid"]) == (os.getpid(), OVERFLOW_UID)


def test_debugging_ones_own_processes_is_no_tampering(lab: CaptureHarness) -> None:
    def debug() -> None:
        child = os.fork()
        if child == 0:
            signal.pause()
        assert call(PTRACE, 16, child, 0, 0) == 0
        os.kill(child, signal.SIGKILL)

    assert tampering(lab, debug) == []


@pytest.mark.parametrize(("number", "technique"), [(VM_READV, "vm_read"), (VM_WRITEV, "vm_write")])
def test_memory_of_a_foreign_process(lab: CaptureHarness, number: int, technique: str) -> None:
    with foreign_process() as target:
        [event] = tampering(lab, lambda: call(number, target, 0, 0, 0, 0, 0))

    assert (event["technique"], event["target_pid"]) == (technique, target)


def test_memory_file_of_a_foreign_process(lab: CaptureHarness) -> None:
    with foreign_process() as target:
        [event] = tampering(lab, lambda: os.open(f"/proc/{target}/mem", os.O_RDWR))

    assert (event["technique"], event["target_pid"]) == ("proc_mem", target)
    assert event["target"] == f"/proc/{target}/mem"


def test_ones_own_memory_file_is_no_tampering(lab: CaptureHarness) -> None:
    assert tampering(lab, lambda: os.open("/proc/self/mem", os.O_RDWR)) == []


def test_descriptor_of_a_foreign_process(lab: CaptureHarness) -> None:
    with foreign_process() as target:
        [event] = tampering(lab, lambda: call(PIDFD_GETFD, os.pidfd_open(target), 0, 0))

    assert (event["technique"], event["target_pid"]) == ("pidfd_getfd", target)


def test_signals_to_proctor(lab: CaptureHarness) -> None:
    service = lab.process.pid

    events = tampering(lab, lambda: os.kill(service, signal.SIGCONT))

    [event] = events
    assert (event["technique"], event["detail"], event["target_pid"]) == ("signal", "SIGCONT", service)
    assert event["target"].startswith("python")


def test_signals_to_proctor_that_are_refused(lab: CaptureHarness) -> None:
    def unprivileged(attempt: Callable[[], object]) -> Callable[[], object]:
        def run() -> None:
            os.setresuid(OVERFLOW_UID, OVERFLOW_UID, OVERFLOW_UID)
            attempt()

        return run

    service = lab.process.pid
    for attempt in (
        lambda: call(KILL, service, 9),
        lambda: call(234, service, service, 9),
        lambda: call(PIDFD_SEND_SIGNAL, os.pidfd_open(service), 9, 0, 0),
    ):
        [event] = tampering(lab, unprivileged(attempt))
        assert (event["technique"], event["detail"]) == ("signal", "SIGKILL")
        assert (event["target_pid"], event["return_code"]) == (service, -errno.EPERM)


def test_signals_to_others_are_no_tampering(lab: CaptureHarness) -> None:
    with foreign_process() as target:
        assert tampering(lab, lambda: os.kill(target, signal.SIGCONT)) == []


def test_writing_below_the_cgroups_of_sessions(lab: CaptureHarness) -> None:
    victim = lab.tree.root / "victim"
    victim.mkdir()

    [event] = tampering(lab, lambda: os.open(victim / "cgroup.freeze", os.O_WRONLY))

    victim.rmdir()
    assert (event["technique"], event["target"]) == ("cgroup", str(victim / "cgroup.freeze"))


def test_cgroups_of_others_are_no_tampering(lab: CaptureHarness) -> None:
    inner = cgroup_mount() / "proctor-foreign"
    inner.mkdir(exist_ok=True)

    assert tampering(lab, lambda: os.open(inner / "cgroup.freeze", os.O_WRONLY)) == []

    inner.rmdir()


def test_libraries_for_a_program_with_more_rights(lab: CaptureHarness, tmp_path: Path) -> None:
    program = tmp_path / "program"
    shutil.copy("/bin/true", program)
    program.chmod(0o4755)
    for above in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        above.chmod(0o755)

    def unprivileged(environment: dict[str, str]) -> Callable[[], object]:
        def run() -> None:
            os.setresuid(OVERFLOW_UID, OVERFLOW_UID, OVERFLOW_UID)
            os.execve(program, ["program"], environment)

        return run

    [event] = tampering(lab, unprivileged({"LD_PRELOAD": "/nothing.so"}))
    assert (event["technique"], event["process_euid"], event["program"]) == ("preload", 0, "program")
    assert tampering(lab, unprivileged({"LD_LIBRARY_PATH": "/nothing"})) == []


@pytest.mark.skipif(not os.path.exists("/dev/mem"), reason="this kernel has no /dev/mem")
def test_memory_of_the_kernel(lab: CaptureHarness) -> None:
    [event] = tampering(lab, lambda: os.open("/dev/mem", os.O_RDONLY))

    assert (event["technique"], event["target"]) == ("kernel_memory", "/dev/mem")


def test_mounts_in_a_namespace_of_ones_own_are_no_tampering(lab: CaptureHarness) -> None:
    session = lab.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"], ["command"])

    assert session.status == 0
    assert [event["technique"] for event in session.events("session.tamper")] == []


def test_python_alone_is_no_tampering(lab: CaptureHarness) -> None:
    assert lab.run([sys.executable, "-c", "import ssl, sqlite3"]).events("session.tamper") == []
    assert Path("/proc/self/mem").exists()
