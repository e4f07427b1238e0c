# SPDX-License-Identifier: Apache-2.0
"""``tsh ssh``: a shell or a command on a node, with our terminal, and forwarded ports."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import cast

import asyncssh

from proctor.cli import standard_streams
from proctor.cli.output import note
from proctor.core.errors import BadRequest
from proctor.core.tasks import TaskSet

_BLOCK = 32768
_LOST = 255
MAX_PORT = 65535


@dataclass(frozen=True)
class Forward:
    """Connections to ``bind:port`` here go to ``host:host_port`` as seen from the node."""

    bind: str
    port: int
    host: str
    host_port: int


_FORWARD = re.compile(
    r"(?:(?P<bind>\[[0-9A-Fa-f:.]+\]|[^:\[\]]*):)?(?P<port>[0-9]{1,9})"
    r":(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]]+):(?P<host_port>[0-9]{1,9})"
)


def parse_forward(text: str) -> Forward:
    """``[bind:]port:host:port``, IPv6 addresses in brackets, as OpenSSH's ``-L``. Raises BadRequest.

    An empty ``bind`` or ``*`` stands for all interfaces.
    """
    found = _FORWARD.fullmatch(text)
    if found is None:
        raise BadRequest(f"-L {text}: expected [bind:]port:host:port", hint="Write IPv6 addresses as [::1].")
    for port in (found["port"], found["host_port"]):
        if not 0 < int(port) <= MAX_PORT:
            raise BadRequest(f"-L {text}: {port} is not a port", hint=f"Ports are 1 to {MAX_PORT}.")
    bind = "127.0.0.1" if found["bind"] is None else found["bind"].strip("[]")
    bind = "" if bind == "*" else bind
    return Forward(bind, int(found["port"]), found["host"].strip("[]"), int(found["host_port"]))


async def forward(connection: asyncssh.SSHClientConnection, forwards: Sequence[Forward]) -> None:
    """Listen for ``forwards`` as long as the connection lasts."""
    for each in forwards:
        try:
            await connection.forward_local_port(each.bind, each.port, each.host, each.host_port)
        except OSError as error:
            raise BadRequest(f"-L: cannot listen on {each.bind}:{each.port}: {error.strerror}") from None


async def run(connection: asyncssh.SSHClientConnection, command: str | None, *, terminal: bool) -> int:
    """Run ``command``, or a shell, with our standard streams; its exit status.

    With ``terminal`` it gets a pseudo-terminal of our size and kind, and ours becomes raw meanwhile.
    128 + n stands for an end by signal n, 255 for a lost connection.
    """
    process: asyncssh.SSHClientProcess[bytes] = await connection.create_process(
        # RFC 4254 section 6.5: a string of bytes; asyncssh passes bytes through, its annotation lacks them.
        cast("str | None", None if command is None else os.fsencode(command)),
        encoding=None,
        env=locale(os.environb),
        term_type=_terminal_type() if terminal else None,
        term_size=_size() if terminal else None,
    )
    with _raw_terminal(lambda: process.change_terminal_size(*_size())) if terminal else _nothing():
        typing = TaskSet("shell").spawn(_send(process.stdin), name="input")
        await asyncio.gather(_show(process.stdout, 1), _show(process.stderr, 2))
        await process.wait_closed()
        typing.cancel()
    return _status(process)


async def relay(reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]) -> int:
    """Pass our standard input on, and print the answers, until they end; the exit status."""
    typing = TaskSet("relay").spawn(_send(writer), name="input")
    await _show(reader, 1)
    typing.cancel()
    return 0


def locale(environment: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """``LANG`` and ``LC_*`` of ``environment``; a UTF-8 locale when it does not choose an encoding."""
    chosen = {
        name: value for name, value in environment.items() if name == b"LANG" or name.startswith(b"LC_")
    }
    return chosen if chosen.keys() & {b"LANG", b"LC_ALL", b"LC_CTYPE"} else {b"LANG": b"C.UTF-8", **chosen}


def _terminal_type() -> str:
    kind = os.environ.get("TERM", "xterm")
    return kind if kind.isascii() and kind.isprintable() else "xterm"


def _status(process: asyncssh.SSHClientProcess[bytes]) -> int:
    if process.exit_signal is not None:
        name = process.exit_signal[0]
        note(f"Ended by signal {name}.")
        return 128 + getattr(signal, f"SIG{name}", 0)
    if process.exit_status is None:
        note("The connection was lost.")
        return _LOST
    return process.exit_status


async def _show(source: asyncssh.SSHReader[bytes], descriptor: int) -> None:
    with suppress(asyncssh.ConnectionLost):
        while data := await source.read(_BLOCK):
            while data := await _written(descriptor, data):
                pass


async def _written(descriptor: int, data: bytes) -> bytes:
    """Write some of ``data``, when a non-blocking ``descriptor`` takes it; what is left of it."""
    try:
        return data[os.write(descriptor, data) :]
    except BlockingIOError:
        loop = asyncio.get_running_loop()
        writable = asyncio.Event()
        loop.add_writer(descriptor, writable.set)
        try:
            await writable.wait()
        finally:
            loop.remove_writer(descriptor)
        return data


async def _send(sink: asyncssh.SSHWriter[bytes]) -> None:
    """Standard input to the node; read by a thread since files cannot be polled."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue(4)

    def read() -> None:
        with suppress(RuntimeError, OSError):  # the loop has closed, or the terminal is gone
            while True:
                data = standard_streams.read(0, _BLOCK)
                asyncio.run_coroutine_threadsafe(queue.put(data), loop).result()
                if not data:
                    return

    threading.Thread(target=read, name="stdin", daemon=True).start()
    with suppress(BrokenPipeError, asyncssh.Error):
        while data := await queue.get():
            sink.write(data)
            await sink.drain()
        sink.write_eof()


def _size() -> tuple[int, int]:
    try:
        size = os.get_terminal_size(0)
    except OSError:
        return 80, 24
    return size.columns, size.lines


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _raw_terminal(resized: Callable[[], None]) -> Iterator[None]:
    """Our terminal passes every key on; it is as before afterwards, whatever ends the session."""
    if not sys.stdin.isatty():
        yield
        return
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    before = termios.tcgetattr(0)
    loop.add_signal_handler(signal.SIGWINCH, resized)
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel if task else loop.stop)
    try:
        tty.setraw(0, termios.TCSADRAIN)  # what was typed ahead is kept
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
        for number in (signal.SIGWINCH, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)
