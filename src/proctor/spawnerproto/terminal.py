# SPDX-License-Identifier: Apache-2.0
"""Pseudo-terminals of sessions: opened with the modes that the client's terminal has."""

from __future__ import annotations

import contextlib
import fcntl
import grp
import os
import struct
import termios
from collections.abc import Iterable

_MODE = 0o620
_CONTROL_CHARACTERS = {
    1: termios.VINTR, 2: termios.VQUIT, 3: termios.VERASE, 4: termios.VKILL, 5: termios.VEOF,
    6: termios.VEOL, 7: termios.VEOL2, 8: termios.VSTART, 9: termios.VSTOP, 10: termios.VSUSP,
    12: termios.VREPRINT, 13: termios.VWERASE, 14: termios.VLNEXT, 18: termios.VDISCARD,
}  # fmt: skip
_INPUT, _OUTPUT, _CONTROL, _LOCAL, _CHARACTERS = 0, 1, 2, 3, 6
_IUTF8 = 0o40000
_FLAGS = {
    30: (_INPUT, termios.IGNPAR), 31: (_INPUT, termios.PARMRK), 32: (_INPUT, termios.INPCK),
    33: (_INPUT, termios.ISTRIP), 34: (_INPUT, termios.INLCR), 35: (_INPUT, termios.IGNCR),
    36: (_INPUT, termios.ICRNL), 37: (_INPUT, termios.IUCLC), 38: (_INPUT, termios.IXON),
    39: (_INPUT, termios.IXANY), 40: (_INPUT, termios.IXOFF), 41: (_INPUT, termios.IMAXBEL),
    42: (_INPUT, _IUTF8),
    50: (_LOCAL, termios.ISIG), 51: (_LOCAL, termios.ICANON), 52: (_LOCAL, termios.XCASE),
    53: (_LOCAL, termios.ECHO), 54: (_LOCAL, termios.ECHOE), 55: (_LOCAL, termios.ECHOK),
    56: (_LOCAL, termios.ECHONL), 57: (_LOCAL, termios.NOFLSH), 58: (_LOCAL, termios.TOSTOP),
    59: (_LOCAL, termios.IEXTEN), 60: (_LOCAL, termios.ECHOCTL), 61: (_LOCAL, termios.ECHOKE),
    62: (_LOCAL, termios.PENDIN),
    70: (_OUTPUT, termios.OPOST), 71: (_OUTPUT, termios.OLCUC), 72: (_OUTPUT, termios.ONLCR),
    73: (_OUTPUT, termios.OCRNL), 74: (_OUTPUT, termios.ONOCR), 75: (_OUTPUT, termios.ONLRET),
    90: (_CONTROL, termios.CS7), 91: (_CONTROL, termios.CS8), 92: (_CONTROL, termios.PARENB),
    93: (_CONTROL, termios.PARODD),
}  # fmt: skip
_DISABLED = 255


def open_terminal(uid: int, size: tuple[int, int], modes: Iterable[tuple[int, int]]) -> tuple[int, int, str]:
    """A new terminal that belongs to ``uid``: both descriptors (close-on-exec) and the name of the slave.

    ``size`` is columns and rows. Raises OSError.
    """
    master, slave = os.openpty()
    name = os.ttyname(slave)
    os.fchown(slave, uid, _tty_group())
    os.fchmod(slave, _MODE)
    resize(master, *size)
    set_modes(slave, modes)
    return master, slave, name


def _tty_group() -> int:
    try:
        return grp.getgrnam("tty").gr_gid
    except KeyError:
        return -1


def resize(terminal: int, columns: int, rows: int) -> None:
    """Change the size; the kernel tells the foreground process."""
    limits = (max(0, min(rows, 0xFFFF)), max(0, min(columns, 0xFFFF)))
    with contextlib.suppress(OSError):  # the other side has hung up
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *limits, 0, 0))


def set_modes(slave: int, modes: Iterable[tuple[int, int]]) -> None:
    """Apply modes of RFC 4254, section 8; unknown ones are left alone, as the RFC asks."""
    attributes = termios.tcgetattr(slave)
    for opcode, value in modes:
        if opcode in _CONTROL_CHARACTERS:
            character = 0 if value == _DISABLED else value & 0xFF
            attributes[_CHARACTERS][_CONTROL_CHARACTERS[opcode]] = bytes([character])
        elif opcode in _FLAGS:
            field, flag = _FLAGS[opcode]
            attributes[field] = attributes[field] | flag if value else attributes[field] & ~flag
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
