# SPDX-License-Identifier: Apache-2.0
"""The process of the self-test; its arguments are DIRECTORY, CGROUP and ELSEWHERE.

It enters ``CGROUP``, says ``ready``, waits for a line, does everything once, and says as JSON what of it
could not be done, by name. Standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path

from proctor.capture.selftest import uring
from proctor.core import linux

SHELL = "/bin/sh"
_OPENAT2 = 437
_BPF = 321
_AT_FDCWD = -100


def _command(_: Path) -> None:
    _wait(os.posix_spawn(SHELL, ["sh", "-c", ": executed"], {}))


def _failed_command(directory: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.posix_spawn(directory / "absent-program", ["absent-program"], {})


def _daemon(_: Path) -> None:
    """A grandchild that has left its parents behind; its end is that of the pipe."""
    ended, inherited = os.pipe()
    os.set_inheritable(inherited, True)
    child = os.fork()
    if child == 0:
        os.setsid()
        os.posix_spawn(SHELL, ["sh", "-c", ": daemon"], {})
        os._exit(0)
    os.close(inherited)
    _wait(child)
    os.read(ended, 1)
    os.close(ended)


def _open(directory: Path) -> None:
    (directory / "opened").touch()


def _failed_open(directory: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        (directory / "absent-file").open().close()


def _openat2(directory: Path) -> None:
    how = ctypes.create_string_buffer(struct.pack("=3Q", os.O_CREAT | os.O_WRONLY, 0o600, 0))
    path = os.fsencode(directory / "opened-2")
    os.close(_syscall(_OPENAT2, _AT_FDCWD, path, how, 24))


def _uring(directory: Path) -> None:
    uring.open_file(str(directory / "opened-uring"))


def _connect(family: socket.AddressFamily, address: str) -> None:
    with socket.create_server((address, 0), family=family) as server, socket.socket(family) as client:
        client.connect(server.getsockname())
        server.accept()[0].close()


def _refused(_: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with contextlib.suppress(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def _datagram(family: socket.AddressFamily, address: str) -> None:
    kind = socket.SOCK_DGRAM
    with socket.socket(family, kind) as receiver, socket.socket(family, kind) as sender:
        receiver.bind((address, 0))
        sender.sendto(b"self-test", receiver.getsockname())


def _tamper(_: Path) -> None:
    with contextlib.suppress(OSError):
        _syscall(_BPF, -1, None, 0)


def _escape(_: Path) -> None:
    Path(sys.argv[3], "cgroup.procs").write_text("0")


ACTIONS: dict[str, Callable[[Path], None]] = {
    "command": _command,
    "failed_command": _failed_command,
    "daemon": _daemon,
    "open": _open,
    "failed_open": _failed_open,
    "openat2": _openat2,
    "io_uring_open": _uring,
    "connect_v4": lambda _: _connect(socket.AF_INET, "127.0.0.1"),
    "connect_v6": lambda _: _connect(socket.AF_INET6, "::1"),
    "refused": _refused,
    "send_v4": lambda _: _datagram(socket.AF_INET, "127.0.0.1"),
    "send_v6": lambda _: _datagram(socket.AF_INET6, "::1"),
    "tamper": _tamper,
    "escape": _escape,
}


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _wait(pid: int) -> None:
    os.waitpid(pid, 0)


def _syscall(number: int, *arguments: object) -> int:
    return linux.checked(linux.libc.syscall(number, *arguments))


def main() -> None:
    """Do everything once."""
    directory, cgroup = map(Path, sys.argv[1:3])
    (cgroup / "cgroup.procs").write_text("0")
    _say("ready")
    sys.stdin.readline()
    failures = {}
    for name, act in ACTIONS.items():
        try:
            act(directory)
        except OSError as error:
            failures[name] = error.strerror or str(error)
    _say(json.dumps(failures))


if __name__ == "__main__":
    main()
