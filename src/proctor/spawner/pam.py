# SPDX-License-Identifier: Apache-2.0
"""PAM around a session: account check, credentials, session; through libpam by ctypes."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from proctor.core.errors import AccessDenied, Unavailable

_SUCCESS = 0
_CONVERSATION_ERROR = 19
_TTY, _RHOST = 3, 4
_ESTABLISH, _DELETE, _SILENT = 0x2, 0x4, 0x8000


@dataclass(frozen=True)
class PamSettings:
    """``ssh_service.pam``."""

    service: str
    environment: Mapping[str, str]


_CONVERSE = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p
)


class _Conversation(ctypes.Structure):
    _fields_ = (("converse", _CONVERSE), ("data", ctypes.c_void_p))


def _refuse_conversation(count: int, messages: int, answers: Any, data: int) -> int:
    """Refuse the conversation: the user is authenticated by the certificate."""
    return _CONVERSATION_ERROR


_conversation = _Conversation(_CONVERSE(_refuse_conversation), None)


@contextmanager
def session(settings: PamSettings | None, login: str, address: str) -> Iterator[dict[str, str]]:
    """PAM's session of ``login`` from ``address``, closed on leaving; gives the variables its modules set.

    Without ``settings`` nothing happens. Resource limits apply to this process and its children. Raises
    AccessDenied when a module refuses, Unavailable when there is no libpam.
    """
    if settings is None:
        yield {}
        return
    handle = _Handle(settings, login, address)
    try:
        handle.must("acct_mgmt", _SILENT)
        handle.must("setcred", _ESTABLISH | _SILENT)
        handle.must("open_session", _SILENT)
        try:
            yield handle.variables()
        finally:
            handle.call("close_session", _SILENT)
            handle.call("setcred", _DELETE | _SILENT)
    finally:
        handle.call("end", _SUCCESS)


class _Handle:
    """One PAM transaction."""

    def __init__(self, settings: PamSettings, login: str, address: str) -> None:
        try:
            self._pam = ctypes.CDLL("libpam.so.0")
        except OSError:
            raise Unavailable(
                "PAM is enabled, but this host has no libpam",
                hint="Install it, or set ssh_service.pam.enabled: no.",
            ) from None
        self._pam.pam_strerror.restype = ctypes.c_char_p
        self._pam.pam_getenvlist.restype = ctypes.POINTER(ctypes.c_char_p)
        self._handle = ctypes.c_void_p()
        self._login = login
        status = self._pam.pam_start(
            settings.service.encode(),
            login.encode(),
            ctypes.byref(_conversation),
            ctypes.byref(self._handle),
        )
        if status != _SUCCESS:
            raise Unavailable(f"PAM service {settings.service} cannot be used (error {status})")
        self._pam.pam_set_item(self._handle, _RHOST, address.encode())
        self._pam.pam_set_item(self._handle, _TTY, b"ssh")
        for name, value in settings.environment.items():
            self._pam.pam_putenv(self._handle, f"{name}={value}".encode())

    def call(self, name: str, flags: int) -> int:
        """``pam_<name>(handle, flags)``."""
        return int(getattr(self._pam, f"pam_{name}")(self._handle, flags))

    def must(self, name: str, flags: int) -> None:
        """As ``call``; raises AccessDenied unless it succeeds."""
        status = self.call(name, flags)
        if status != _SUCCESS:
            reason = self._pam.pam_strerror(self._handle, status).decode(errors="replace")
            raise AccessDenied(f"PAM refused login {self._login}: {reason}")

    def variables(self) -> dict[str, str]:
        """Return the variables that modules put into the environment."""
        found: dict[str, str] = {}
        entries = self._pam.pam_getenvlist(self._handle)
        index = 0
        while entries and entries[index] is not None:
            name, _, value = entries[index].decode(errors="replace").partition("=")
            found[name] = value
            index += 1
        return found
