# SPDX-License-Identifier: Apache-2.0
"""Filters of system calls, see seccomp(2); libseccomp knows the numbers of each architecture."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterable

from proctor.core.errors import ProctorError

_ACT_ALLOW = 0x7FFF0000
_ACT_ERRNO = 0x00050000
_ATTRIBUTE_TSYNC = 4  # seccomp.h, enum scmp_filter_attr
_UNKNOWN = -1  # __NR_SCMP_ERROR
_LIBRARY = "libseccomp.so.2"


class SeccompError(ProctorError):
    """There is no filter: the library or the kernel does not offer it."""


def allow_only(calls: Iterable[str]) -> None:
    """From now on all threads of this process may use ``calls`` alone; others fail with EPERM.

    Inherited by all that it starts, for good; ``no_new_privs`` must be set, or CAP_SYS_ADMIN be there.
    Names that this version of the library or this architecture does not have are left out. Raises
    SeccompError.
    """
    library = _library()
    context = library.seccomp_init(ctypes.c_uint32(_ACT_ERRNO | errno.EPERM))
    if not context:
        raise SeccompError("libseccomp does not know this architecture")
    try:
        _check(library.seccomp_attr_set(context, _ATTRIBUTE_TSYNC, ctypes.c_uint32(1)), "attribute")
        for name in calls:
            number = library.seccomp_syscall_resolve_name(name.encode())
            if number != _UNKNOWN:
                result = library.seccomp_rule_add_array(
                    context, ctypes.c_uint32(_ACT_ALLOW), number, ctypes.c_uint(0), None
                )
                _check(result, name)
        _check(library.seccomp_load(context), "load")
    finally:
        library.seccomp_release(context)


def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        raise SeccompError(f"{_LIBRARY} is not installed", hint="Install the package libseccomp2.") from None
    library.seccomp_init.restype = ctypes.c_void_p
    pointer = ctypes.c_void_p
    library.seccomp_attr_set.argtypes = [pointer, ctypes.c_int, ctypes.c_uint32]
    library.seccomp_rule_add_array.argtypes = [
        pointer,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        pointer,
    ]
    library.seccomp_load.argtypes = library.seccomp_release.argtypes = [pointer]
    library.seccomp_release.restype = None
    return library


def _check(result: int, what: str) -> None:
    """Libseccomp answers 0 or a negative errno."""
    if result < 0:
        raise SeccompError(f"no filter of system calls is possible ({what}): {os.strerror(-result)}")
