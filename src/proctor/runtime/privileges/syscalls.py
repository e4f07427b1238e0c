# SPDX-License-Identifier: Apache-2.0
"""Names of system calls, by what they are for; as in the sets of ``systemd-analyze syscall-filter``.

Not in any of them: executing programs, tracing processes, kernel modules, namespaces, keys, swapping,
rebooting, setting the clock, raw I/O, and all that is obsolete.
"""

from __future__ import annotations

_BASIC = """
    arch_prctl brk clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
    clock_nanosleep_time64 close close_range exit exit_group futex futex_time64 futex_wait futex_waitv
    futex_wake get_robust_list getcwd getegid geteuid getgid getgroups getpgid getpgrp getpid getppid
    getrandom getresgid getresuid getrlimit getrusage getsid gettid gettimeofday getuid kcmp madvise
    membarrier mmap mmap2 mprotect mremap mseal munmap nanosleep pause prctl prlimit64 restart_syscall
    riscv_flush_icache rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
    rt_sigsuspend rt_sigtimedwait sched_getaffinity sched_getattr sched_getparam sched_getscheduler
    sched_get_priority_max sched_get_priority_min sched_setaffinity sched_setattr sched_setparam
    sched_setscheduler sched_yield set_robust_list set_tid_address setpriority getpriority setrlimit
    sigaltstack signalfd signalfd4 sysinfo tgkill time times tkill uname umask
"""
_FILES = """
    access chdir chmod chown copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64
    fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fcntl64 fdatasync flock fstat
    fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 getdents getdents64
    inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl lchown link linkat llseek lseek
    lstat lstat64 mkdir mkdirat newfstatat open openat openat2 pread64 preadv preadv2 pwrite64 pwritev
    pwritev2 read readahead readlink readlinkat readv rename renameat renameat2 rmdir sendfile splice
    stat stat64 statfs statfs64 statx symlink symlinkat sync_file_range tee truncate unlink unlinkat
    utimensat utimensat_time64 utimes vmsplice write writev memfd_create msync
"""
_EVENTS = """
    epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait eventfd
    eventfd2 pipe pipe2 poll ppoll ppoll_time64 pselect6 pselect6_time64 select timer_create
    timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime
    timerfd_settime
"""
_SOCKETS = """
    accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmsg
    send sendmmsg sendmsg sendto setsockopt shutdown socket socketpair
"""
_PROCESSES = """
    clone clone3 kill pidfd_getfd pidfd_open pidfd_send_signal wait4 waitid
"""
_TRACING = """
    bpf mlock mlock2 mlockall munlock munlockall perf_event_open
"""

NETWORK = frozenset(f"{_BASIC} {_FILES} {_EVENTS} {_SOCKETS} {_PROCESSES}".split())
"""For a service with an event loop and threads."""

SIGNER = frozenset(f"{_BASIC} fstat lseek newfstatat read recv recvfrom send sendto write".split())
"""For a process that answers on one socket."""

CAPTURE = NETWORK | frozenset(f"{_TRACING} mount umount2".split())
"""Mounting: of the cgroup2 hierarchy, again, when it was unmounted."""
