# SPDX-License-Identifier: Apache-2.0
"""A supervisor that executes itself again: the code on disk goes on with the processes that there are.

The process id stays, and so do the service manager's view, the children, and open sockets. What the new
program must know is in an anonymous file, whose descriptor the environment names.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import msgspec

import proctor
from proctor.config.boot import ServiceName
from proctor.config.schema import Config
from proctor.core.errors import ProctorError, Unavailable
from proctor.model.serde import from_json, to_json

FORMAT = 1
CHECK_SECONDS = 60.0
HELD_BACK = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR2})
"""Signals that wait until the new program can handle them."""

_RESUME, _CHECK = "PROCTOR_RESUME", "PROCTOR_RESUME_CHECK"
_CODE = frozenset({".py", ".so", ".o"})


class SavedProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A child and the descriptor of our end of its channel."""

    pid: int
    channel: int
    slot: int = 0


class SavedService(msgspec.Struct, frozen=True, kw_only=True):
    """A service: its process (None while it waits to be started again) and the former ones."""

    service: ServiceName
    process: SavedProcess | None
    slot: int = 0
    former: list[SavedProcess] = []
    restarts: int = 0


class SavedListener(msgspec.Struct, frozen=True, kw_only=True):
    """A listening socket: whose, its name there, and its address or file."""

    service: str
    name: str
    place: str
    descriptor: int


class SavedLauncher(msgspec.Struct, frozen=True, kw_only=True):
    """State that new processes of this run need; holds a token, never log it."""

    host_uuid: str
    run_id: str
    local_token: str
    auth_address: str
    local_pins: list[str]
    joined: bool
    listeners: list[SavedListener]
    log_level: str = ""


class SavedState(msgspec.Struct, frozen=True, kw_only=True):
    """All of a supervisor. ``lock``: descriptor that keeps others out of the data directory."""

    format: int = FORMAT
    config: Config
    lock: int
    launcher: SavedLauncher
    services: list[SavedService]

    def descriptors(self) -> Iterator[int]:
        """All descriptors that are named here."""
        yield self.lock
        yield from (listener.descriptor for listener in self.launcher.listeners)
        for service in self.services:
            processes = [*service.former, *([service.process] if service.process else [])]
            yield from (process.channel for process in processes)


def execute(state: SavedState) -> NoReturn:
    """Become what the command line names now. Raises OSError when that is not possible."""
    file = _written(state)
    kept = [file, *state.descriptors()]
    for descriptor in kept:
        os.set_inheritable(descriptor, True)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    os.environ[_RESUME] = str(file)
    try:
        os.execv(command()[0], command())  # noqa: S606 - no shell is wanted
    finally:
        del os.environ[_RESUME]
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for descriptor in kept:
            os.set_inheritable(descriptor, False)
        os.close(file)


async def check(state: SavedState) -> None:
    """Would the program that is installed now go on from ``state``? Raises Unavailable with the reason."""
    file = _written(state)
    try:
        process = await asyncio.create_subprocess_exec(
            *command(),
            env=os.environ | {_CHECK: str(file)},
            pass_fds=(file,),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, said = await asyncio.wait_for(process.communicate(), CHECK_SECONDS)
        except TimeoutError:
            process.kill()
            raise Unavailable(f"it does not start within {CHECK_SECONDS:g} s") from None
    except OSError as error:
        raise Unavailable(f"{command()[0]} cannot be executed: {error.strerror}") from None
    finally:
        os.close(file)
    if process.returncode:
        raise Unavailable(said.decode(errors="replace").strip() or f"exit status {process.returncode}")


def is_check() -> bool:
    """Was this program only started to find out whether it could go on? Raises ProctorError if not."""
    if _CHECK not in os.environ:
        return False
    _read(int(os.environ[_CHECK]))
    return True


def resumed() -> SavedState | None:
    """Load the state left by the former program; None at a fresh start. Raises ProctorError."""
    if _RESUME not in os.environ:
        return None
    file = int(os.environ.pop(_RESUME))
    state = _read(file)
    os.close(file)
    for descriptor in state.descriptors():
        os.set_inheritable(descriptor, False)
    return state


def accept_signals() -> None:
    """Handlers are in place: deliver what was held back during ``execute``."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)


def command() -> list[str]:
    """The command line of this process; its script has a line of its own that names the interpreter."""
    script = Path(sys.argv[0])
    if script.is_file() and os.access(script, os.X_OK):
        return [str(script), *sys.argv[1:]]
    return [sys.executable, *sys.orig_argv[1:]]


def code_identity() -> str:
    """A name for the code that is installed: another after each upgrade, of libraries too."""
    digest = hashlib.sha256()
    package = Path(proctor.__file__).parent
    libraries = Path(sysconfig.get_path("purelib"))
    records = list(libraries.glob("*.dist-info/RECORD"))
    code = [path for path in package.rglob("*") if path.suffix in _CODE]
    for path in sorted([*code, *records, Path(sys.executable)]):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _written(state: SavedState) -> int:
    file = os.memfd_create("proctor-state")
    os.write(file, to_json(state))
    return file


def _read(file: int) -> SavedState:
    state = from_json(os.pread(file, os.fstat(file).st_size, 0), SavedState)
    if state.format != FORMAT:
        raise ProctorError(f"the running supervisor's state has format {state.format}, not {FORMAT}")
    return state
