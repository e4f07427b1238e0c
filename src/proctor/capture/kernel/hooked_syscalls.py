# SPDX-License-Identifier: Apache-2.0
"""The kernel's functions behind the system calls that are recorded, for hooks on each of them.

Names are those of x86-64: ``__x64_sys_openat`` and, for 32-bit programs, ``__ia32_compat_sys_openat`` where
that has a form of its own, or ``__ia32_sys_bpf``. The numbers are in ``bpf/lib/syscall_table.h``.
"""

from __future__ import annotations

from collections.abc import Sequence

OPENS = ("open", "openat", "openat2", "creat", "open_by_handle_at")
EXECUTIONS = ("execve", "execveat")
CONNECTIONS = ("connect", "accept", "accept4", "socket", "listen", "io_uring_enter")
SENDS = ("write", "writev", "sendto", "sendmsg", "sendmmsg")
SIGNALS = ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal")
TAMPERING = (
    *SIGNALS,
    *("pidfd_getfd", "ptrace", "process_vm_readv", "process_vm_writev", "bpf", "perf_event_open"),
    *("io_uring_setup", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load"),
    *("pivot_root", "umount", "mount", "mount_setattr", "move_mount"),
    *("settimeofday", "clock_settime", "ioperm", "iopl"),
)
CALLS = (*OPENS, *EXECUTIONS, *CONNECTIONS, *SENDS, *TAMPERING)
"""Native system calls, by the names of their functions."""

COMPAT_ONLY = ("socketcall", "oldumount", "stime32", "clock_settime32")
"""System calls that only 32-bit programs have."""

INDISPENSABLE = frozenset(f"__x64_sys_{call}" for call in ("openat", "execve", "connect"))
"""Functions that every kernel has whose system calls can be followed this way."""

_FORMS = ("__x64_sys_", "__x64_compat_sys_", "__ia32_sys_", "__ia32_compat_sys_")


def functions() -> Sequence[str]:
    """All names that a kernel may have; no kernel has all of them."""
    return [f"{form}{call}" for call in (*CALLS, *COMPAT_ONLY) for form in _FORMS]
