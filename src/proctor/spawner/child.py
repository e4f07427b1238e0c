# SPDX-License-Identifier: Apache-2.0
"""The forked child of a session, between fork and exec: becomes the user.

The module imports the standard library only. Its process is a fork of the monitor, so it has the
monitor's memory until it executes the shell; for SFTP it goes on without an exec (:data:`Serve`).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import logging
import os
import signal
import socket
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

EXIT_NO_PROGRAM = 127
EXIT_NO_SESSION = 254
READY, GO = b"ready", b"go"
"""What the child sends to the monitor when it waits, and what lets it go on."""

Serve = Callable[[int, int, int], int]
"""Serve the session from this process: descriptors of input, output and audit; returns the exit status."""

_LOGINUID = Path("/proc/self/loginuid")
_UNSET = 2**32 - 1
_PR_CAPBSET_DROP = 24
_CAP_NET_RAW = 13
_SYS_CLOSE_RANGE = 436
_LAST_DESCRIPTOR = 2**32 - 1
_libc = ctypes.CDLL(None, use_errno=True)
_USER_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"
_ROOT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ENVIRONMENT_FILE = Path(".tsh/environment")
_AUDIT_DESCRIPTOR = 3
_FORBIDDEN_VARIABLES = ("LD_", "SSH_", "BASH_ENV", "ENV")


@dataclass(frozen=True)
class UnixUser:
    """An account of this host."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


@dataclass(frozen=True)
class Program:
    """What the child executes: a login shell when ``command`` is None, else the shell with ``-c``."""

    command: str | None
    environment: Mapping[str, str]
    user_environment: bool = False

    def argv(self, shell: str) -> list[str]:
        """The arguments; the dash marks a login shell."""
        name = os.path.basename(shell)
        return [f"-{name}"] if self.command is None else [name, "-c", self.command]


def base_environment(person: UnixUser, terminal: str) -> dict[str, str]:
    """Return the environment of every session of ``person``; nothing is inherited."""
    environment = {
        "USER": person.name,
        "LOGNAME": person.name,
        "HOME": person.home,
        "SHELL": person.shell,
        "PATH": _ROOT_PATH if person.uid == 0 else _USER_PATH,
    }
    return environment | ({"TERM": terminal} if terminal else {})


def say(text: str) -> None:
    """A line on the session's standard error."""
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\r\n".encode())


def take_streams(streams: Sequence[int], *, terminal: bool) -> None:
    """Make ``streams`` the standard descriptors of a new session; a terminal becomes the controlling one."""
    if terminal:
        fcntl.ioctl(streams[0], termios.TIOCSCTTY, 0)
    # Copied out of the way first: a stream may itself be descriptor 0, 1 or 2.
    for target, source in enumerate([fcntl.fcntl(stream, fcntl.F_DUPFD, 3) for stream in streams]):
        os.dup2(source, target, inheritable=True)


def close_above(last: int) -> None:
    """Close every descriptor above ``last``, those beyond the limit of this process too."""
    if _libc.syscall(_SYS_CLOSE_RANGE, ctypes.c_uint(last + 1), ctypes.c_uint(_LAST_DESCRIPTOR), 0) == 0:
        return
    # Linux before 5.9; the limit says nothing about descriptors opened while it was higher.
    for name in os.listdir("/proc/self/fd"):
        if int(name) > last:
            with contextlib.suppress(OSError):  # the one that the directory was read through
                os.close(int(name))


def reset_signals() -> None:
    """Default actions, nothing blocked."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError, ValueError):  # those that the C library keeps for itself
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def set_loginuid(uid: int) -> None:
    """Tell the kernel's audit whose session this is, once; does nothing where it cannot or was set."""
    with contextlib.suppress(OSError, ValueError):
        if int(_LOGINUID.read_text()) == _UNSET:
            _LOGINUID.write_text(str(uid))


def give_up_raw_sockets() -> None:
    """Whatever is executed from now on, as root too, cannot send packets of its own making."""
    if _libc.prctl(_PR_CAPBSET_DROP, _CAP_NET_RAW, 0, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def become(person: UnixUser) -> None:
    """Take the identity of ``person`` for good; raises PermissionError when that could be undone."""
    os.umask(0o022)
    os.initgroups(person.name, person.gid)
    os.setresgid(person.gid, person.gid, person.gid)
    os.setresuid(person.uid, person.uid, person.uid)
    if os.getresuid() != (person.uid,) * 3 or os.getresgid() != (person.gid,) * 3:
        raise PermissionError("the identity was not taken")
    if person.uid != 0 and _can_return():
        raise PermissionError("root could be regained")


def _can_return() -> bool:
    try:
        os.setresuid(0, 0, 0)
    except PermissionError:
        return False
    return True


def go_home(person: UnixUser) -> None:
    """Work in the home directory, or in / when it is not there."""
    try:
        os.chdir(person.home)
    except OSError as error:
        os.chdir("/")
        say(f"Could not chdir to home directory {person.home}: {error.strerror}")


def user_variables() -> dict[str, str]:
    """``NAME=value`` lines of ``~/.tsh/environment``, without those that change how programs are loaded."""
    try:
        lines = _ENVIRONMENT_FILE.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.strip().split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name: value for name, value in pairs if not name.startswith(_FORBIDDEN_VARIABLES)}


def execute(person: UnixUser, program: Program) -> NoReturn:
    """Replace this process by the user's shell; reports on stderr when there is none."""
    environment = dict(program.environment)
    if program.user_environment:
        environment = user_variables() | environment
    close_above(2)
    try:
        os.execve(person.shell, program.argv(person.shell), environment)  # noqa: S606 - it is the shell
    except OSError as error:
        say(f"{person.shell}: {error.strerror}")
    os._exit(EXIT_NO_PROGRAM)


class SessionChild:
    """The forked child, which is root until the monitor lets it go on."""

    def __init__(
        self,
        person: UnixUser,
        streams: Sequence[int],
        gate: socket.socket,
        *,
        terminal: bool,
        cgroup: Path | None,
        restricted: bool,
    ) -> None:
        """``gate``: connected to the monitor. ``streams``: one terminal, or a descriptor for each stream.

        ``cgroup``: the one to enter. ``restricted``: a network policy holds.
        """
        self._person = person
        self._streams = streams
        self._gate = gate
        self._terminal = terminal
        self._cgroup = cgroup
        self._restricted = restricted

    def run(self, program: Program | Serve) -> NoReturn:
        """Wait, become the user, then execute ``program`` or serve; never returns."""
        logging.disable()  # the user's terminal is not the place for our log
        try:
            os.setsid()
            self._wait()
            self._settle()
            if isinstance(program, Program):
                execute(self._person, program)
            close_above(_AUDIT_DESCRIPTOR)
            os._exit(program(0, 1, _AUDIT_DESCRIPTOR))
        except Exception as error:  # noqa: BLE001 - whatever it is, this process must not go on
            say(f"the session cannot go on: {error}")
        finally:
            os._exit(EXIT_NO_SESSION)

    def _wait(self) -> None:
        """Enter the cgroup, then stay until capture watches; no capture, no session."""
        try:
            if self._cgroup is not None:
                (self._cgroup / "cgroup.procs").write_text("0")
        except OSError as error:
            self._gate.sendall(f"cannot enter the session's cgroup: {error.strerror}".encode())
            os._exit(EXIT_NO_SESSION)
        self._gate.sendall(READY)
        if self._gate.recv(len(GO)) != GO:
            os._exit(EXIT_NO_SESSION)

    def _settle(self) -> None:
        take_streams([*self._streams] * 3 if self._terminal else self._streams, terminal=self._terminal)
        reset_signals()
        set_loginuid(self._person.uid)
        if self._restricted:
            give_up_raw_sockets()
        become(self._person)
        go_home(self._person)
